'use client';

import clsx from 'clsx';
import { ChevronRight } from 'lucide-react';
import { useEffect, useId, useState } from 'react';
import { type AssistantMessage, isRunning } from './conversation.ts';
import { thinkingDurationMs } from './message-reducer.ts';
import { TURN_STRINGS } from './strings/turns.ts';

/** The model's reasoning, collapsed, with its duration. */
export function Reasoning({ message }: { message: AssistantMessage }) {
  const isThinking = isRunning(message) && message.thinkingEndedAt === undefined;
  const now = useNow(isThinking);
  const [open, setOpen] = useState(false);
  const panel = useId();
  const ms = thinkingDurationMs(message, now) ?? 0;
  return (
    <div className="mb-3">
      <button
        type="button"
        aria-expanded={open}
        aria-controls={panel}
        onClick={() => setOpen(!open)}
        className="-ms-1.5 flex items-center gap-1 rounded-md px-1.5 py-1 text-ink-2 text-sm transition-colors hover:bg-hover hover:text-ink pointer-coarse:min-h-10"
      >
        <ChevronRight
          className={clsx('size-4 text-ink-3 transition-transform', open && 'rotate-90')}
          strokeWidth={1.75}
          aria-hidden
        />
        <span className="tabular">{label(isThinking, ms)}</span>
      </button>
      <div id={panel} hidden={!open} className="mt-1 border-s-2 ps-4 text-ink-2 text-sm">
        <div dir="auto" className="whitespace-pre-wrap leading-6 [overflow-wrap:anywhere]">
          {message.thinking.trim()}
        </div>
      </div>
    </div>
  );
}

function label(isThinking: boolean, ms: number): string {
  if (isThinking) return ms < 1_000 ? TURN_STRINGS.thinking : TURN_STRINGS.thinkingFor(ms);
  return ms < 1_000 ? TURN_STRINGS.thoughtBriefly : TURN_STRINGS.thoughtFor(ms);
}

function useNow(ticking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}
