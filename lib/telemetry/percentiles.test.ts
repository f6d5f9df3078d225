import { describe, expect, it } from 'vitest';
import { PERCENTILE_WINDOW, PercentileWindow } from '#lib/telemetry/percentiles';

function windowOf(values: Iterable<number>, decimals?: number): PercentileWindow {
  const window = new PercentileWindow(decimals);
  for (const value of values) window.add(value);
  return window;
}

describe('PercentileWindow', () => {
  it('reports no percentiles before the first value', () => {
    expect(new PercentileWindow().percentiles()).toEqual({ p50: null, p95: null, p99: null });
  });

  it('reports percentiles by nearest rank over the newest thousand values', () => {
    const values = windowOf(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(values.percentiles()).toEqual({ p50: 50, p95: 95, p99: 99 });
    for (let count = 0; count < PERCENTILE_WINDOW; count += 1) values.add(7);
    expect(values.percentiles()).toEqual({ p50: 7, p95: 7, p99: 7 });
  });

  it('reports one value as every percentile', () => {
    expect(windowOf([3]).percentiles()).toEqual({ p50: 3, p95: 3, p99: 3 });
  });

  it('sorts by value, in whatever order values arrive', () => {
    expect(windowOf([100, 9, 20]).percentiles()).toEqual({ p50: 20, p95: 100, p99: 100 });
  });

  it('covers what was added since a moment, across the end of the ring', () => {
    const window = windowOf(Array.from({ length: 1_500 }, (_, index) => index));
    expect(window.total).toBe(1_500);
    expect(window.percentiles(1_498)).toEqual({ p50: 1_498, p95: 1_499, p99: 1_499 });
    expect(window.percentiles(990).p50).toBe(1_244);
    expect(window.percentiles(100).p50).toBe(999);
    expect(window.percentiles(1_500)).toEqual({ p50: null, p95: null, p99: null });
    expect(windowOf([1, 2, 3]).percentiles(1)).toEqual({ p50: 2, p95: 3, p99: 3 });
  });

  it('rounds to one decimal, or to the given number of decimals', () => {
    expect(windowOf([1.2345]).percentiles().p50).toBe(1.2);
    expect(windowOf([1.2345], 2).percentiles().p50).toBe(1.23);
  });
});
