import { expect, it } from 'vitest';
import { dayOf, daysBetween, formatAgo, formatDate, formatDateTime, formatDay, formatUntil } from './format-date.ts';

const NOW = new Date(2026, 10, 29, 14, 3).getTime();
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

it('writes dates and times in the local zone', () => {
  expect(formatDate(NOW)).toBe('29 Nov 2026');
  expect(formatDateTime(NOW)).toBe('29 Nov 2026, 14:03');
  expect(formatDate('no date')).toBe('–');
  expect(formatDateTime('no date')).toBe('–');
});

it.each([
  [0, 'just now'],
  [-5 * MINUTE, 'just now'],
  [5 * MINUTE, '5 min ago'],
  [59.8 * MINUTE, '1 h ago'],
  [3 * 60 * MINUTE, '3 h ago'],
  [23.9 * 60 * MINUTE, '1 day ago'],
  [2 * DAY, '2 days ago'],
  [60 * DAY, '30 Sep 2026'],
])('says how long ago %d ms was: %s', (ms, text) => {
  expect(formatAgo(NOW - ms, NOW)).toBe(text);
});

it.each([
  [-1, 'now'],
  [10_000, 'in 1 min'],
  [90 * MINUTE, 'in 2 h'],
  [7 * DAY, 'in 7 days'],
  [40 * DAY, 'on 8 Jan 2027'],
])('says when %d ms from now is: %s', (ms, text) => {
  expect(formatUntil(NOW + ms, NOW)).toBe(text);
});

it('names days without a time zone', () => {
  expect(formatDay('2026-11-29')).toBe('29 Nov');
  expect(formatDay('yesterday')).toBe('yesterday');
  expect(dayOf(NOW)).toBe('2026-11-29');
});

it('lists the days of a range, also over the end of a year and of summer time', () => {
  expect(daysBetween('2026-12-30', '2027-01-02')).toEqual(['2026-12-30', '2026-12-31', '2027-01-01', '2027-01-02']);
  expect(daysBetween('2026-10-20', '2026-11-05')).toHaveLength(17);
  expect(daysBetween('2026-12-30', '2026-12-01')).toEqual([]);
});
