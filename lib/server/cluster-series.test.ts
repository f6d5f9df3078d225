import { describe, expect, it } from 'vitest';
import { clusterPoint, readingOf } from '#lib/server/cluster-series';
import { figureSeries, figuresOf } from '../../test/support/instance-figures.ts';

const AT = Date.UTC(2026, 0, 1, 1);
const START = Date.UTC(2026, 0, 1);

/** An instance with so many requests, each of which took its number in milliseconds. */
function instance(id: string, requests: number, head: { at?: number; startedAt?: number; running?: number } = {}) {
  const times = Array.from({ length: requests }, (_, index) => index + 1);
  const none = { total: 0, values: [] };
  return figuresOf(id, {
    head: { at: AT, startedAt: START, rssMb: 50, waiting: 1, ...head },
    series: figureSeries({
      ...{ requests, lookups: requests, completed: requests, cpuMs: 10 * requests },
      windows: { firstToken: { total: requests, values: times.slice(-1_000) }, total: none, code: none },
    }),
  });
}

describe('a point of the time series over all instances', () => {
  it('has the sum of rates and gauges, and percentiles of what all have measured since', () => {
    const before = readingOf([instance('one', 100), instance('two', 10)]);
    const after = readingOf([instance('one', 110), instance('two', 40)]);
    const point = clusterPoint(before, after, 10);
    expect(point).toMatchObject({ requests_per_second: 4, queued: 2, rss_mb: 100, cpu_percent: 4, error_rate: 0 });
    // 11 … 40 and 101 … 110
    expect([point.first_token_p50_ms, point.first_token_p95_ms]).toEqual([30, 108]);
    expect([point.total_p50_ms, point.code_p95_ms]).toEqual([Number.NaN, Number.NaN]);
  });

  it('counts an instance that was started meanwhile from its start, and one that was only unknown from now on', () => {
    const before = readingOf([instance('one', 100)]);
    const started = instance('new', 20, { startedAt: AT + 1_000 });
    const unknown = instance('old', 9_000);
    expect(clusterPoint(before, readingOf([instance('one', 100), started, unknown]), 10).requests_per_second).toBe(2);
  });

  it('falls to no rate below 0 when an instance has ended', () => {
    const before = readingOf([instance('one', 100), instance('two', 5_000)]);
    const point = clusterPoint(before, readingOf([instance('one', 130)]), 10);
    expect(point).toMatchObject({ requests_per_second: 3, rss_mb: 50 });
  });
});
