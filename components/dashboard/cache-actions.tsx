'use client';

import { Eraser, Flame } from 'lucide-react';
import { useState } from 'react';
import { Button } from '#components/ui/button';
import { Confirm } from '#components/ui/dialog';
import { Menu } from '#components/ui/menu';
import { formatDuration } from '#lib/browser/format';
import type { StatsAction, StatsActionResult } from '#lib/wire/server-stats';
import { performAction } from './cache-stats-api.ts';

type ActionName = StatsAction['action'];

export type ActionOutcome = { kind: 'info' | 'error'; sentence: string };

const CONFIRMATIONS: Record<ActionName, { title: string; description: string; action: string; danger: boolean }> = {
  clear: {
    title: 'Clear both caches?',
    description:
      'Every kept answer and every kept conversation goes. The next identical question is asked of the model again.',
    action: 'Clear both',
    danger: true,
  },
  clear_response_cache: {
    title: 'Clear the response cache?',
    description: 'Every kept answer goes. The next identical question is asked of the model again.',
    action: 'Clear responses',
    danger: true,
  },
  clear_conversation_cache: {
    title: 'Clear the conversation cache?',
    description: 'Callers that send only their newest message have to send the whole conversation once more.',
    action: 'Clear conversations',
    danger: true,
  },
  warm_model: {
    title: 'Load the default model now?',
    description: 'It is loaded into memory, so that the next question need not wait for it.',
    action: 'Load the model',
    danger: false,
  },
};

/** Clears the caches and warms the model, after a confirmation. */
export function CacheActions({ onOutcome }: { onOutcome: (outcome: ActionOutcome) => void }) {
  const [action, setAction] = useState<ActionName>('clear');
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState<ActionName>();
  const confirm = (action: ActionName) => {
    setAction(action);
    setOpen(true);
  };
  const perform = async (action: ActionName) => {
    setBusy(action);
    try {
      onOutcome({ kind: 'info', sentence: describe(await performAction({ action })) });
    } catch (error) {
      onOutcome({ kind: 'error', sentence: error instanceof Error ? error.message : 'It did not work. Try again.' });
    } finally {
      setBusy(undefined);
    }
  };
  return (
    <>
      <Menu
        trigger={
          <Button disabled={busy !== undefined}>
            <Eraser className="size-4" strokeWidth={1.75} aria-hidden />
            <span className="max-[30rem]:sr-only">Clear</span>
          </Button>
        }
        items={[
          { label: 'Response cache', onSelect: () => confirm('clear_response_cache') },
          { label: 'Conversation cache', onSelect: () => confirm('clear_conversation_cache') },
          { label: 'Both', onSelect: () => confirm('clear') },
        ]}
      />
      <Button disabled={busy !== undefined} onClick={() => confirm('warm_model')}>
        <Flame className="size-4" strokeWidth={1.75} aria-hidden />
        <span className="max-[30rem]:sr-only">{busy === 'warm_model' ? 'Loading' : 'Warm model'}</span>
      </Button>
      <Confirm {...CONFIRMATIONS[action]} open={open} onOpenChange={setOpen} onConfirm={() => void perform(action)} />
    </>
  );
}

function describe(result: StatsActionResult): string {
  return result.load_duration_ms === undefined
    ? result.message
    : `${result.message} It took ${formatDuration(result.load_duration_ms)}.`;
}
