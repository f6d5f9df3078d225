import type { LimitName } from '#lib/wire/limits';

/** All limits, in the order in which they are shown. */
export const LIMITS: readonly { name: LimitName; mayBeShared: boolean }[] = [
  { name: 'tokens_per_day', mayBeShared: true },
  { name: 'tokens_per_month', mayBeShared: true },
  { name: 'requests_per_minute', mayBeShared: false },
  { name: 'code_runs_per_minute', mayBeShared: false },
  { name: 'code_seconds_per_day', mayBeShared: false },
  { name: 'concurrent_requests', mayBeShared: false },
  { name: 'context_tokens', mayBeShared: false },
  { name: 'output_tokens', mayBeShared: false },
];

/** Undefined for a text that is no whole number. Separators of thousands are fine. */
export function readLimit(text: string): number | null | undefined {
  const plain = text.replaceAll(/[\s,.’'_]/g, '');
  if (plain === '') return null;
  return /^\d{1,12}$/.test(plain) ? Number(plain) : undefined;
}
