import { describe, expect, it } from 'vitest';
import type { ServerStats } from '#lib/wire/server-stats';
import { toStatsSample } from './use-stats.ts';

describe('toStatsSample', () => {
  it('has no hit rate before the first cache lookup', () => {
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
