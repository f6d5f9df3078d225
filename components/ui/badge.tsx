import clsx from 'clsx';
import type { ReactNode } from 'react';

export type Tone = 'neutral' | 'good' | 'warn' | 'error' | 'cached' | 'accent';

const TONES: Record<Tone, string> = {
  neutral: 'bg-hover text-ink-2',
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  error: 'bg-error-soft text-error',
  cached: 'bg-cached-soft text-cached',
  accent: 'bg-accent-soft text-accent',
};

/** A word on a tinted background. The colour only supports the word. */
export function Badge({ tone = 'neutral', icon, children }: { tone?: Tone; icon?: ReactNode; children: ReactNode }) {
  return (
    <span
      className={clsx(
        'inline-flex h-5 shrink-0 items-center gap-1 whitespace-nowrap rounded-sm px-1.5 font-medium text-xs',
        TONES[tone],
      )}
    >
      {icon}
      {children}
    </span>
  );
}
