import { afterEach, describe, expect, it, vi } from 'vitest';
import { Calendar, periodAt, rollOver } from '#lib/people/limits/calendar';
import { DAY_MS, HOUR_MS } from '#lib/units';

afterEach(() => vi.unstubAllEnvs());

const at = (iso: string) => Date.parse(iso);

describe('a day', () => {
  it.each([
    ['UTC', '2026-11-29T23:59:59Z', '2026-11-29', '2026-11-30T00:00:00Z', 24],
    ['Europe/Berlin', '2026-11-29T23:30:00Z', '2026-11-30', '2026-11-30T23:00:00Z', 24],
    ['America/Los_Angeles', '2026-12-01T07:59:00Z', '2026-11-30', '2026-12-01T08:00:00Z', 24],
    ['Europe/Berlin', '2026-03-29T10:00:00Z', '2026-03-29', '2026-03-29T22:00:00Z', 23],
    ['Europe/Berlin', '2026-10-25T10:00:00Z', '2026-10-25', '2026-10-25T23:00:00Z', 25],
    // The clocks skip midnight there: the day begins at one.
    ['America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06', '2026-09-07T03:00:00Z', 23],
    // The hour before midnight comes twice there.
    ['America/Santiago', '2026-04-05T03:30:00Z', '2026-04-04', '2026-04-05T04:00:00Z', 25],
  ])('in %s at %s is %s and ends at %s', (zone, now, id, end, hours) => {
    vi.stubEnv('TZ', zone);
    const day = periodAt('day', at(now));
    expect([day.id, day.endMs, day.endMs - day.startMs]).toEqual([id, at(end), hours * HOUR_MS]);
  });
});

describe('a month', () => {
  it.each([
    ['UTC', '2026-12-31T23:59:59Z', '2026-12', '2027-01-01T00:00:00Z'],
    ['Europe/Berlin', '2026-12-31T23:00:00Z', '2027-01', '2027-01-31T23:00:00Z'],
    ['Europe/Berlin', '2028-02-29T12:00:00Z', '2028-02', '2028-02-29T23:00:00Z'],
  ])('in %s at %s is %s and ends at %s', (zone, now, id, end) => {
    vi.stubEnv('TZ', zone);
    const month = periodAt('month', at(now));
    expect([month.id, month.endMs]).toEqual([id, at(end)]);
  });
});

describe('a calendar', () => {
  it('gives the same periods as without a memory, in any order of times', () => {
    vi.stubEnv('TZ', 'Europe/Berlin');
    const calendar = new Calendar();
    for (const days of [0, 1, 40, 39, -3, 400, 0])
      for (const unit of ['day', 'month'] as const) {
        const now = at('2026-11-29T12:00:00Z') + days * DAY_MS;
        expect(calendar.at(unit, now)).toEqual(periodAt(unit, now));
      }
  });
});

describe('a count', () => {
  const today = periodAt('day', at('2026-11-29T12:00:00Z'));
  const daysLater = (days: number) => periodAt('day', today.startMs + days * DAY_MS + 12 * HOUR_MS);

  it.each([
    ['goes on within its day', 0, { period: today, used: 7 }],
    ['starts again with the next day', 1, { period: daysLater(1), used: 0 }],
    ['starts again after many days', 90, { period: daysLater(90), used: 0 }],
    ['gives nothing back when the clock goes back over midnight', -1, { period: today, used: 7 }],
    ['is not kept for the years by which a clock was wrong', -2, { period: daysLater(-2), used: 7 }],
  ])('%s', (_title, days, expected) => {
    const count = { period: today, used: 7 };
    rollOver(count, daysLater(days));
    expect(count).toEqual(expected);
  });
});
