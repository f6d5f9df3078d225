import { describe, expect, it } from 'vitest';
import type { StatsHistory } from '#lib/wire/stats-history';
import { isHistoryRange, joinHistory, recentMean, toChartData } from './stats-history.ts';

const LIMITS = { response_cache_mb: 256, conversation_cache_mb: 128 };

/** A history of the gateway whose every value is its moment. */
function history(time: number[], completeUntil: number): StatsHistory {
  const [requests_per_second, first_byte_p50_ms, first_byte_p95_ms] = [time, time, time];
  const gateway = {
    ...{ requests_per_second, first_byte_p50_ms, first_byte_p95_ms },
    ...{ error_rate: time, open_requests: time, open_web_sockets: time },
  };
  return { range: '5m', step_seconds: 10, time, complete_until: completeUntil, limits: LIMITS, gateway };
}

describe('joinHistory', () => {
  it('replaces the interval in progress and appends what followed, without a seam', () => {
    const joined = joinHistory(history([10, 20, 24], 20), history([30, 33], 30));
    expect(joined.time).toEqual([10, 20, 30, 33]);
    expect(joined.gateway?.open_requests).toEqual([10, 20, 30, 33]);
    expect(joined.complete_until).toBe(30);
  });

  it('does not double a point that comes twice', () => {
    expect(joinHistory(history([10, 20], 20), history([10, 20, 30], 30)).time).toEqual([10, 20, 30]);
  });

  it('drops what has left the range', () => {
    const long = Array.from({ length: 30 }, (_, index) => 10 * (index + 1));
    const { time } = joinHistory(history(long, 300), history([310], 310));
    expect(time).toHaveLength(30);
    expect(time[0]).toBe(20);
  });

  it('keeps the points from before a restart of the server', () => {
    expect(joinHistory(history([10, 20], 20), history([95], 93)).time).toEqual([10, 20, 95]);
  });

  it('keeps what it has when another server of a cluster is a step behind', () => {
    const known = history([10, 20, 24], 20);
    expect(joinHistory(known, history([], 10))).toBe(known);
    expect(joinHistory(known, history([21], 12)).time).toEqual([10, 20, 24]);
  });

  it('starts again for another range, or when the server’s clock went back', () => {
    const back = history([5], 5);
    expect(joinHistory(history([10, 20], 20), back)).toBe(back);
    const other: StatsHistory = { ...history([30], 30), range: '1h' };
    expect(joinHistory(history([10, 20], 20), other)).toBe(other);
  });
});

describe('toChartData', () => {
  it('breaks the line at a restart, and not where the interval in progress is shorter', () => {
    const { times, values, windowMs } = toChartData(history([10, 20, 60, 70, 73], 70), { a: [1, 2, 3, null, 5] });
    expect(times).toEqual([10_000, 20_000, 30_000, 60_000, 70_000, 73_000]);
    expect(values.a).toEqual([1, 2, null, 3, null, 5]);
    expect(windowMs).toBe(300_000);
  });
});

describe('recentMean', () => {
  it('is of the measured values of the last while, and null without one', () => {
    expect(recentMean([1_000, 2_000, 3_000, 4_000], [9, 2, null, 4], 3_000)).toBe(3);
    expect(recentMean([1_000], [null], 3_000)).toBeNull();
    expect(recentMean([], [], 3_000)).toBeNull();
  });
});

it('isHistoryRange knows the ranges of an address', () => {
  expect(['5m', '1h', '24h'].every(isHistoryRange)).toBe(true);
  expect([undefined, '2h', 'toString', ['1h']].some(isHistoryRange)).toBe(false);
});
