import { dayOf, daysBetween, formatDay } from '#lib/browser/format-date';
import type { UsageFigures, UsageReportRow } from '#lib/wire/usage';
import { PEOPLE_STRINGS } from './strings.ts';

const { usage: STRINGS } = PEOPLE_STRINGS;
const DAY_MS = 24 * 60 * 60 * 1000;

export const PERIODS = ['7', '30', '90', '365'] as const;
export type UsagePeriod = (typeof PERIODS)[number];

/** What the pages group by. */
export type ShownGroup = 'day' | 'model' | 'key' | 'user' | 'group';

/** Tokens that a model read or wrote. */
export function generatedTokens(figures: Pick<UsageFigures, 'prompt_tokens' | 'completion_tokens'>): number {
  return figures.prompt_tokens + figures.completion_tokens;
}

/** The last `days` days until today, as the server takes them. */
export function periodOf(days: number, now: number): { from: string; to: string } {
  return { from: dayOf(now - (days - 1) * DAY_MS), to: dayOf(now) };
}

/** A bar of the chart. */
export interface UsageBar {
  /** The first day. */
  key: string;
  /** A day, or the first and last day of several. */
  label: string;
  generated: number;
  saved: number;
}

/** More bars than this would be thinner than a pointer. */
const MOST_BARS = 92;
const WEEK_DAYS = 7;

/** One bar a day, or a week for a long period; days without a request included. */
export function barsOf(rows: readonly UsageReportRow[], from: string, to: string): UsageBar[] {
  const days = daysBetween(from, to);
  const byDay = Map.groupBy(rows, ({ day }) => day);
  const size = days.length > MOST_BARS ? WEEK_DAYS : 1;
  const bars: UsageBar[] = [];
  for (let index = 0; index < days.length; index += size) {
    const span = days.slice(index, index + size);
    const [first = ''] = span;
    const within = span.flatMap((day) => byDay.get(day) ?? []);
    bars.push({
      key: first,
      label: span.length === 1 ? formatDay(first) : `${formatDay(first)} – ${formatDay(span.at(-1) ?? first)}`,
      generated: within.reduce((sum, row) => sum + generatedTokens(row), 0),
      saved: within.reduce((sum, row) => sum + row.tokens_saved, 0),
    });
  }
  return bars;
}

/** The end of the scale: 1, 2 or 5 times a power of ten that is at least `most`. */
export function scaleEnd(most: number): number {
  if (most <= 10) return 10;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5, 10].find((step) => step * power >= most) ?? 10) * power;
}

/** `980`, `12 k`, `3.4 M`: for figures whose exact value is elsewhere. */
export function formatShort(value: number): string {
  for (const [size, unit] of SIZES) {
    if (value < size * 0.9995) continue;
    const scaled = value / size;
    return `${scaled < 9.95 ? Number(scaled.toFixed(1)) : Math.round(scaled)} ${unit}`;
  }
  return String(Math.round(value));
}

const SIZES = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** What the first column of the table shows: a name, or the id of what has none. */
export function rowName(row: UsageReportRow, by: ShownGroup): string {
  const id = row[by];
  if (id === undefined || id === '') return STRINGS.noName(by);
  if (by === 'day') return formatDay(id);
  if (by === 'model') return id;
  return row[`${by}_name`] ?? id;
}

/** Days from the newest, everything else by its tokens. */
export function sortRows(rows: readonly UsageReportRow[], by: ShownGroup): UsageReportRow[] {
  const tokens = (row: UsageReportRow) => generatedTokens(row) + row.tokens_saved;
  return rows.toSorted((one, other) =>
    by === 'day'
      ? (other.day ?? '').localeCompare(one.day ?? '')
      : tokens(other) - tokens(one) || other.requests - one.requests,
  );
}
