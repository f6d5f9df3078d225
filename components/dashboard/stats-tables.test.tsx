import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import type { CacheStats, ServerStats } from '#lib/wire/server-stats';
import { CacheTable } from './stats-tables.tsx';

const cache = (fields: Partial<CacheStats> = {}): CacheStats => ({
  total_entries: 0,
  total_size_mb: 0,
  hit_rate: 0,
  miss_rate: 0,
  memory_usage_percent: 0,
  hits: 0,
  misses: 0,
  evictions: 0,
  ...fields,
});

function shown(embeddings: CacheStats): string {
  const percentiles = { p50: null, p95: null, p99: null };
  const stats: ServerStats = {
    timestamp: '2026-01-01T00:00:00.000Z',
    response_cache: cache({ hits: 11 }),
    conversation_cache: cache({ hits: 22 }),
    embedding_cache: embeddings,
    batch_processor: {
      total_requests: 0,
      cached_responses: 0,
      deduplicated_requests: 0,
      batches_processed: 0,
      average_batch_size: 0,
      cache_hit_rate: 0,
      deduplication_rate: 0,
    },
    queue_length: 0,
    is_processing: false,
    latency: { first_token_ms: percentiles, total_ms: percentiles },
    runner: {
      sandbox: 'none',
      active: 0,
      waiting: 0,
      max_concurrent: 1,
      total_runs: 0,
      runs: [],
      duration_ms: percentiles,
      warm: [],
    },
    process: { rss_mb: 1, uptime_seconds: 1, version: '1' },
  };
  return renderToStaticMarkup(<CacheTable stats={stats} />).replaceAll(/<[^>]*>/g, ' ');
}

describe('the table of caches', () => {
  it('has the embeddings once any were requested', () => {
    expect(shown(cache())).not.toContain('Embeddings');
    const text = shown(cache({ misses: 33, total_entries: 44 }));
    expect(text).toMatch(/Responses\s+Conversations\s+Embeddings/);
    expect(text).toMatch(/Entries\s+0\s+0\s+44\s/);
    expect(text).toMatch(/Misses\s+0\s+0\s+33\s/);
  });
});
