import { describe, expect, it } from 'vitest';
import type { ServerStats } from '#lib/wire/server-stats';
import { type StatsSample, toStatsSample, withSample } from './use-stats.ts';

const sample = (at: number): StatsSample => ({
  at,
  waiting: 0,
  runs: 0,
  hitPercent: null,
  firstTokenP50: null,
  firstTokenP95: null,
  totalP50: null,
  totalP95: null,
  codeP50: null,
  codeP95: null,
  memoryMb: 1,
});

describe('the samples of the plots', () => {
  it('grow by one, in order, up to what is kept', () => {
    let samples: readonly StatsSample[] = [];
    for (let at = 1; at <= 1_000; at += 1) samples = withSample(samples, sample(at));
    expect(samples).toHaveLength(900);
    expect(samples[0]?.at).toBe(101);
    expect(samples.at(-1)?.at).toBe(1_000);
  });

  it('take one moment once, and begin anew when the clock went back', () => {
    const two = [sample(1), sample(2)];
    expect(withSample(two, sample(2))).toBe(two);
    expect(withSample(two, sample(1))).toEqual([sample(1)]);
  });

  it('show no rate where nothing was looked up', () => {
    const cache = {
      total_entries: 0,
      total_size_mb: 0,
      hit_rate: 0,
      miss_rate: 0,
      memory_usage_percent: 0,
      hits: 0,
      misses: 0,
      evictions: 0,
    };
    const none = { p50: null, p95: null, p99: null };
    const stats: ServerStats = {
      timestamp: '2026-01-01T00:00:01.000Z',
      response_cache: cache,
      conversation_cache: cache,
      batch_processor: {
        total_requests: 0,
        cached_responses: 0,
        deduplicated_requests: 0,
        batches_processed: 0,
        average_batch_size: 0,
        cache_hit_rate: 0,
        deduplication_rate: 0,
      },
      queue_length: 3,
      is_processing: true,
      latency: { first_token_ms: none, total_ms: none },
      runner: {
        sandbox: 'bubblewrap',
        active: 1,
        waiting: 0,
        max_concurrent: 2,
        total_runs: 0,
        runs: [],
        duration_ms: none,
        warm: [],
      },
      process: { rss_mb: 120, uptime_seconds: 1, version: '0' },
    };
    expect(toStatsSample(stats)).toMatchObject({
      at: Date.UTC(2026, 0, 1, 0, 0, 1),
      waiting: 3,
      hitPercent: null,
      runs: 1,
    });
    const hit = { ...stats, response_cache: { ...cache, hits: 1, misses: 3, hit_rate: 0.25 } };
    expect(toStatsSample(hit).hitPercent).toBe(25);
  });
});
