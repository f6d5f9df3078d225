import { addDays, parseDay } from '#lib/calendar';
import type { UsageGroup } from '#lib/wire/usage';

/** Whose usage, and of what: each value that is given must be equal. */
export type UsageFilter = Partial<Record<'user' | 'key' | 'group' | 'model', string>>;

export interface UsageQuestion {
  /** Days as numbers, both included. */
  readonly from: number;
  readonly to: number;
  readonly groupBy: readonly UsageGroup[];
  readonly filter: UsageFilter;
}

/** A longer report is refused: it is no use on a page, and takes long to send. */
export const MAX_REPORT_ROWS = 20_000;
const DEFAULT_DAYS = 30;

/** The dates of a request, with the last 30 days where it has none. */
export function reportDays(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  today: number,
): Pick<UsageQuestion, 'from' | 'to'> {
  const last = to === undefined ? today : parseDay(to);
  const first = from === undefined ? addDays(last, 1 - DEFAULT_DAYS) : parseDay(from);
  // Only `from` was given, and lies ahead: an empty report.
  return { from: first, to: Math.max(first, last) };
}
