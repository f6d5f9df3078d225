'use client';

import { BrainCog, Eraser } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Button } from '#components/ui/button';
import { Confirm } from '#components/ui/dialog';
import { Menu } from '#components/ui/menu';
import { failureSentence } from '#components/ui/stats-notice';
import { formatDuration } from '#lib/browser/format';
import { usePageCommands } from '#lib/browser/page-commands';
import { showToast } from '#lib/browser/toasts';
import type { StatsAction, StatsActionResult } from '#lib/wire/server-stats';
import { performAction } from './cache-stats-api.ts';
import { DASHBOARD_STRINGS } from './strings.ts';

type ActionName = StatsAction['action'];

const { actions: STRINGS } = DASHBOARD_STRINGS;
const CLEARING = ['clear_response_cache', 'clear_conversation_cache', 'clear'] as const;
const MENU_LABELS = {
  clear_response_cache: STRINGS.responses,
  clear_conversation_cache: STRINGS.conversations,
  clear: STRINGS.both,
};

interface CacheActionsProps {
  mayClear: boolean;
  mayLoad: boolean;
  onDone: () => void;
}

/**
 * Clears the caches and loads the model, after a confirmation, also from the command menu. Shows
 * what the person may do.
 */
export function CacheActions({ mayClear, mayLoad, onDone }: CacheActionsProps) {
  const [action, setAction] = useState<ActionName>('clear');
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState<ActionName>();
  const confirm = (action: ActionName) => {
    setAction(action);
    setOpen(true);
  };
  usePageCommands(
    useMemo(
      () =>
        [...(mayClear ? CLEARING : []), ...(mayLoad ? ['warm_model' as const] : [])].map((name) => ({
          id: `dashboard ${name}`,
          group: STRINGS.group,
          label: STRINGS.commands[name],
          run: () => {
            setAction(name);
            setOpen(true);
          },
        })),
      [mayClear, mayLoad],
    ),
  );
  const perform = async (action: ActionName) => {
    setBusy(action);
    try {
      showToast({ text: describe(await performAction({ action })) });
    } catch (error) {
      showToast({ kind: 'error', text: error instanceof Error ? failureSentence(error) : STRINGS.failed });
    } finally {
      setBusy(undefined);
      onDone();
    }
  };
  return (
    <>
      {mayClear ? (
        <Menu
          trigger={
            <Button disabled={busy !== undefined}>
              <Eraser className="size-4 max-[26rem]:hidden" strokeWidth={1.75} aria-hidden />
              <span>
                {STRINGS.clear} <span className="max-[24rem]:sr-only">{STRINGS.cache}</span>
              </span>
            </Button>
          }
          items={CLEARING.map((name) => ({ label: MENU_LABELS[name], onSelect: () => confirm(name) }))}
        />
      ) : null}
      {mayLoad ? (
        <Button disabled={busy !== undefined} onClick={() => confirm('warm_model')}>
          <BrainCog className="size-4 max-[26rem]:hidden" strokeWidth={1.75} aria-hidden />
          {busy === 'warm_model' ? STRINGS.loading : STRINGS.load}
        </Button>
      ) : null}
      <Confirm
        {...STRINGS.confirm[action]}
        danger={action !== 'warm_model'}
        open={open}
        onOpenChange={setOpen}
        onConfirm={() => void perform(action)}
      />
    </>
  );
}

function describe(result: StatsActionResult): string {
  return result.load_duration_ms === undefined
    ? result.message
    : STRINGS.tookTime(result.message, formatDuration(result.load_duration_ms));
}
