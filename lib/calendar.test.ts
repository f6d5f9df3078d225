import { afterEach, describe, expect, it } from 'vitest';
import { addDays, calendarDay, isoDay, monthOf, nextMonth, parseDay, startOfDay } from '#lib/calendar';

const zone = process.env.TZ;
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const HOUR_MS = 60 * 60 * 1000;

describe('the day of a moment', () => {
  it.each([
    ['UTC', 20261129],
    ['Pacific/Auckland', 20261130],
    ['America/Los_Angeles', 20261129],
  ])('is that of the calendar in %s', (name, day) => {
    process.env.TZ = name;
    expect(calendarDay(Date.parse('2026-11-29T12:30:00Z')).day).toBe(day);
  });

  it('begins and ends at midnight, also where the clocks change', () => {
    process.env.TZ = 'Europe/Berlin';
    const autumn = calendarDay(Date.parse('2026-10-25T10:00:00Z'));
    expect(autumn).toEqual({
      day: 20261025,
      startMs: Date.parse('2026-10-24T22:00:00Z'),
      endMs: Date.parse('2026-10-25T23:00:00Z'),
    });
    for (const { day, startMs, endMs } of [autumn, calendarDay(Date.parse('2026-12-31T10:00:00Z'))]) {
      expect(startOfDay(day)).toBe(startMs);
      expect(startOfDay(addDays(day, 1))).toBe(endMs);
    }
    const spring = calendarDay(Date.parse('2026-03-29T10:00:00Z'));
    expect(spring.endMs - spring.startMs).toBe(23 * HOUR_MS);
  });
});

describe('days as numbers', () => {
  it('are written and read as ISO days', () => {
    expect(isoDay(20260105)).toBe('2026-01-05');
    expect(parseDay('2026-01-05')).toBe(20260105);
  });

  it.each([
    [20261231, 1, 20270101],
    [20240228, 1, 20240229],
    [20260301, -1, 20260228],
    [20261129, -399, 20251026],
  ])('%i and %i days make %i', (day, days, expected) => {
    expect(addDays(day, days)).toBe(expected);
  });

  it('have a month and a next one', () => {
    expect(monthOf(20261129)).toBe(20261101);
    expect([20260131, 20261201, 20260228].map(nextMonth)).toEqual([20260201, 20270101, 20260301]);
  });
});
