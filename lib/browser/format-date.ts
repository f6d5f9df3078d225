/** Dates for people, in the reader's time zone, which a server-rendered page does not know. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const INVALID = '–';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `29 Nov 2026`. */
export function formatDate(at: string | number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return INVALID;
  return `${date.getDate()} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`;
}

/** `29 Nov 2026, 14:03`. */
export function formatDateTime(at: string | number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return INVALID;
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${formatDate(at)}, ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** `just now`, `5 min ago`, `3 h ago`, `2 days ago`; after a month the date. */
export function formatAgo(at: string | number, now: number): string {
  const elapsed = now - new Date(at).getTime();
  if (Number.isNaN(elapsed)) return INVALID;
  if (elapsed < MINUTE_MS) return 'just now';
  if (elapsed > MAX_RELATIVE_DAYS * DAY_MS) return formatDate(at);
  return `${span(elapsed)} ago`;
}

/** `in 5 min`, `in 3 h`, `in 2 days`, `now`; after a month `on 29 Nov 2026`. */
export function formatUntil(at: string | number, now: number): string {
  const left = new Date(at).getTime() - now;
  if (Number.isNaN(left)) return INVALID;
  if (left <= 0) return 'now';
  if (left > MAX_RELATIVE_DAYS * DAY_MS) return `on ${formatDate(at)}`;
  return `in ${span(Math.max(left, MINUTE_MS))}`;
}

/** `29 Nov` of a day such as `2026-11-29`, whatever the time zone. */
export function formatDay(day: string): string {
  const [, month, date] = day.split('-').map(Number);
  const name = MONTHS[(month ?? 0) - 1];
  return name === undefined || date === undefined ? day : `${date} ${name}`;
}

/** `2026-11-29`: the reader's day at a time. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** The days from `from` to `to`, both included. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  const last = Date.parse(`${to}T00:00:00Z`);
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= last && days.length < MAX_DAYS; at += DAY_MS)
    days.push(new Date(at).toISOString().slice(0, '2026-11-29'.length));
  return days;
}

const MAX_RELATIVE_DAYS = 30;
const MAX_DAYS = 800;

function span(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(ms / HOUR_MS);
  if (hours < 24) return `${hours} h`;
  const days = Math.round(ms / DAY_MS);
  return days === 1 ? '1 day' : `${days} days`;
}
