import type { CompleteFigures, FiguresHead, FiguresSeries } from '#lib/cluster/figures';
import type { CacheStats, ModelServerStats, ServerStats } from '#lib/wire/server-stats';

const NONE = { p50: null, p95: null, p99: null };

export const cacheStats = (fields: Partial<CacheStats> = {}): CacheStats => ({
  ...{ total_entries: 0, total_size_mb: 0, hit_rate: 0, miss_rate: 0, memory_usage_percent: 0 },
  ...{ hits: 0, misses: 0, evictions: 0 },
  ...fields,
});

export const modelServerStats = (fields: Partial<ModelServerStats> = {}): ModelServerStats => ({
  ...{ id: 'a', name: 'gpu-a', provider: 'ollama', address: 'http://gpu-a:11434', state: 'up', error: null },
  ...{ slots: 2, running: 0, waiting: 0, loaded: [], models: 3, average_ms: null, tokens_per_second: null },
  ...fields,
});

export const serverStats = (fields: Partial<ServerStats> = {}): ServerStats => ({
  timestamp: '2026-01-01T00:01:00.000Z',
  response_cache: cacheStats(),
  conversation_cache: cacheStats(),
  embedding_cache: cacheStats(),
  batch_processor: {
    ...{ total_requests: 0, cached_responses: 0, deduplicated_requests: 0, batches_processed: 0 },
    ...{ average_batch_size: 0, cache_hit_rate: 0, deduplication_rate: 0 },
  },
  queue_length: 0,
  is_processing: false,
  latency: { first_token_ms: NONE, total_ms: NONE },
  runner: {
    ...{ sandbox: 'bubblewrap', active: 0, waiting: 0, max_concurrent: 2, total_runs: 0, runs: [], warm: [] },
    duration_ms: NONE,
  },
  process: { rss_mb: 100, uptime_seconds: 60, version: '1.0.0' },
  model_servers: [],
  ...fields,
});

const windowOf = (values: number[] = []) => ({ total: values.length, values });

export const figureSeries = (fields: Partial<FiguresSeries> = {}): FiguresSeries => ({
  ...{ requests: 0, lookups: 0, hits: 0, completed: 0, failed: 0, cancelled: 0, tokens: 0, codeRuns: 0, cpuMs: 0 },
  windows: { firstToken: windowOf(), total: windowOf(), code: windowOf() },
  ...fields,
});

export const figureHead = (fields: Partial<FiguresHead> = {}): FiguresHead => ({
  ...{ id: 'one', name: 'one:3000', version: '1.0.0', at: Date.UTC(2026, 0, 1, 0, 1), startedAt: Date.UTC(2026, 0, 1) },
  ...{ isStopping: false, line: 'instance', requests: 0, running: 0, waiting: 0 },
  ...{ codeRunning: 0, codeWaiting: 0, rssMb: 100 },
  ...fields,
});

/** An instance called `id`, with what is different about it. */
export function figuresOf(
  id: string,
  fields: { head?: Partial<FiguresHead>; series?: Partial<FiguresSeries>; stats?: Partial<ServerStats> } = {},
): CompleteFigures {
  return {
    head: figureHead({ id, name: `${id}:3000`, ...fields.head }),
    series: figureSeries(fields.series),
    stats: serverStats(fields.stats),
  };
}
