import { calendarDay, isoDay, monthOf, nextMonth, startOfDay } from '#lib/calendar';

/**
 * Days and months of the calendar of `TZ`, which the limits of a day and a month follow. A day
 * with a change of the clocks has 23 or 25 hours.
 */
export interface Period {
  /** `2026-11-29` or `2026-11`: sorts by time, and names the row of a count. */
  readonly id: string;
  /** Milliseconds since 1970, as `endMs`, at which the next one begins. */
  readonly startMs: number;
  readonly endMs: number;
}

export type PeriodUnit = 'day' | 'month';

export function periodAt(unit: PeriodUnit, nowMs: number): Period {
  const { day, startMs, endMs } = calendarDay(nowMs);
  if (unit === 'day') return { id: isoDay(day), startMs, endMs };
  const first = monthOf(day);
  return { id: isoDay(first).slice(0, 7), startMs: startOfDay(first), endMs: startOfDay(nextMonth(first)) };
}

/** Remembers the current periods, because every request asks for them. */
export class Calendar {
  readonly #current = new Map<PeriodUnit, Period>();

  at(unit: PeriodUnit, nowMs: number): Period {
    const known = this.#current.get(unit);
    if (known !== undefined && nowMs >= known.startMs && nowMs < known.endMs) return known;
    const period = periodAt(unit, nowMs);
    this.#current.set(unit, period);
    return period;
  }
}

/** A count within a period. */
export interface PeriodCount {
  period: Period;
  used: number;
}

/**
 * Moves a count to the current period: it starts at 0 with a new one. A clock that goes back by
 * less than a period gives nothing back, and the count stays in the later period. After a clock
 * that was wrong by more, the count goes on in the current period, so it is not kept for years.
 */
export function rollOver(count: PeriodCount, current: Period): void {
  const { period } = count;
  if (current.startMs > period.startMs) {
    count.period = current;
    count.used = 0;
  } else if (current.endMs < period.startMs) count.period = current;
}
