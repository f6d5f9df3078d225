'use client';

import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { TextWithCode } from '#components/ui/text-with-code';
import { ApiError } from '#lib/browser/api-client';
import { errorSentence } from '#lib/browser/error-sentence';
import { isSignedOut } from '#lib/browser/service-status';
import { STATS_STRINGS } from './strings.ts';

interface StatsNoticeProps {
  error: Error | undefined;
  /** Older figures are shown below. */
  hasData: boolean;
  onRetry: () => void;
}

/**
 * Why there are no figures, or only old ones, and the one button that helps. Nothing after the end
 * of the session, which the frame of the page says.
 */
export function StatsNotice({ error, hasData, onRetry }: StatsNoticeProps) {
  if (isSignedOut(error)) return null;
  const sentence = error === undefined ? STATS_STRINGS.notResponding : failureSentence(error);
  return (
    <Notice
      kind="error"
      action={
        <Button size="sm" onClick={onRetry}>
          {STATS_STRINGS.retry}
        </Button>
      }
    >
      <TextWithCode text={sentence} /> {hasData ? STATS_STRINGS.staleNote : ''}
    </Notice>
  );
}

/** The sentence for a failed request of these pages. */
export function failureSentence(error: unknown): string {
  if (error instanceof ApiError) return errorSentence(error);
  return error instanceof Error && error.name !== 'TimeoutError' ? error.message : STATS_STRINGS.notResponding;
}

/**
 * For the wrapper of figures that are old: all colours in it become grey. Texts keep a contrast
 * that can be read.
 */
export const STALE_COLOURS = [
  'text-ink',
  '[--ink:var(--ink-3)] [--ink-2:var(--ink-3)] [--accent:var(--ink-3)] [--good:var(--ink-3)] [--warn:var(--ink-3)]',
  '[--error:var(--ink-3)] [--cached:var(--ink-3)] [--good-mark:var(--ink-3)] [--warn-mark:var(--ink-3)]',
  '[--error-mark:var(--ink-3)] [--accent-soft:var(--sunken)] [--good-soft:var(--sunken)] [--warn-soft:var(--sunken)]',
  '[--error-soft:var(--sunken)] [--cached-soft:var(--sunken)] [--hover:var(--sunken)] [--pressed:var(--sunken)]',
].join(' ');
