import type { HistoryGroup, HistoryRange, StatsHistory } from '#lib/wire/stats-history';

export type { HistoryRange };

const MINUTE_MS = 60_000;

export const RANGE_MS: Record<HistoryRange, number> = {
  '5m': 5 * MINUTE_MS,
  '1h': 60 * MINUTE_MS,
  '24h': 24 * 60 * MINUTE_MS,
};

export function isHistoryRange(value: unknown): value is HistoryRange {
  return typeof value === 'string' && Object.hasOwn(RANGE_MS, value);
}

/** Under this key a server-rendered page provides the history. */
export function historyKey(group: HistoryGroup, range: HistoryRange): string {
  return `history ${group} ${range}`;
}

type Values = readonly (number | null)[];
type Columns = Readonly<Record<string, Values>>;

/** Two points further apart than this many steps have a gap between them. */
const GAP_STEPS = 1.5;

/**
 * Appends what followed. The interval that was in progress is replaced, and points that have left
 * the range are dropped. A server that was started again continues the same history, and so does
 * another one of a cluster, which may be a step behind.
 */
export function joinHistory(known: StatsHistory, more: StatsHistory): StatsHistory {
  if (more.range !== known.range) return more;
  const behind = known.complete_until - more.complete_until;
  if (behind > 0) return behind <= known.step_seconds ? known : more;
  const newest = more.time.at(-1) ?? more.complete_until;
  const oldest = newest - RANGE_MS[known.range] / 1000;
  const isKept = known.time.map((at) => at > oldest && at <= known.complete_until);
  const isNew = more.time.map((at) => at > known.complete_until);
  const join = <T extends Columns>(before: T | undefined, after: T | undefined): T | undefined => {
    if (before === undefined || after === undefined) return after;
    const columns = Object.entries(after).map(([name, values]): [string, Values] => [
      name,
      [...(before[name] ?? []).filter((_, index) => isKept[index]), ...values.filter((_, index) => isNew[index])],
    ]);
    return Object.fromEntries(columns) as T;
  };
  const server = join(known.server, more.server);
  const gateway = join(known.gateway, more.gateway);
  return {
    ...more,
    time: [...known.time.filter((_, index) => isKept[index]), ...more.time.filter((_, index) => isNew[index])],
    ...(server === undefined ? {} : { server }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

export interface ChartData<T extends Columns> {
  /** Milliseconds since the epoch, oldest first. */
  times: number[];
  values: T;
  /** The range of the time axis. */
  windowMs: number;
}

/**
 * The columns for charts. In each gap stands a moment without values, so that lines break there.
 */
export function toChartData<T extends Columns>(history: StatsHistory, columns: T): ChartData<T> {
  const { time, step_seconds: step } = history;
  /** The points, and undefined for a gap. */
  const places: (number | undefined)[] = [];
  const times: number[] = [];
  for (const [index, at] of time.entries()) {
    const before = time[index - 1];
    if (before !== undefined && at - before > GAP_STEPS * step) {
      places.push(undefined);
      times.push((before + step) * 1000);
    }
    places.push(index);
    times.push(at * 1000);
  }
  const entries = Object.entries(columns).map(([name, values]): [string, Values] => [
    name,
    places.map((place) => (place === undefined ? null : (values[place] ?? null))),
  ]);
  return { times, values: Object.fromEntries(entries) as T, windowMs: RANGE_MS[history.range] };
}

/** Fractions as percentages. */
export function percentages(fractions: Values): (number | null)[] {
  return fractions.map((value) => (value === null ? null : value * 100));
}

/** The mean of the measured values of the last `ms`; null without one. */
export function recentMean(times: readonly number[], values: Values, ms: number): number | null {
  const from = (times.at(-1) ?? 0) - ms;
  const recent = values.filter((value, index) => value !== null && (times[index] ?? 0) > from);
  const sum = recent.reduce<number>((total, value) => total + (value ?? 0), 0);
  return recent.length === 0 ? null : sum / recent.length;
}
