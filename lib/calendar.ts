/** Days of the process's time zone (`TZ`) as numbers: 20261129. */

export interface CalendarDay {
  readonly day: number;
  /** Milliseconds since the epoch: its first, and the first of the next day. */
  readonly startMs: number;
  readonly endMs: number;
}

export function calendarDay(nowMs: number): CalendarDay {
  const now = new Date(nowMs);
  const [year, month, date] = [now.getFullYear(), now.getMonth(), now.getDate()];
  // Not 24 hours: a day on which the clocks change has one more or less.
  const startMs = new Date(year, month, date).getTime();
  const endMs = new Date(year, month, date + 1).getTime();
  return { day: dayNumber(year, month + 1, date), startMs, endMs };
}

/** The first of the day's month. */
export function monthOf(day: number): number {
  return day - (day % 100) + 1;
}

export function isoDay(day: number): string {
  const digits = String(day).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
}

/** Of a day as `isoDay` writes it. */
export function parseDay(iso: string): number {
  return Number(iso.replaceAll('-', ''));
}

/** Milliseconds since the epoch of the first moment of a day. */
export function startOfDay(day: number): number {
  return new Date(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100).getTime();
}

/** The day that is `days` later, or earlier if negative. */
export function addDays(day: number, days: number): number {
  const at = new Date(Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, (day % 100) + days));
  return dayNumber(at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate());
}

/** The first of the next month. */
export function nextMonth(day: number): number {
  return monthOf(addDays(monthOf(day), 31));
}

function dayNumber(year: number, month: number, date: number): number {
  return year * 10_000 + month * 100 + date;
}
