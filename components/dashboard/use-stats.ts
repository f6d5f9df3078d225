import { createStatsSampler, useSampledStats } from '#lib/browser/use-sampled-stats';
import type { ServerStats } from '#lib/wire/server-stats';
import { fetchStats } from './cache-stats-api.ts';

/** One sample of the charts. Null without a measurement. */
export interface StatsSample {
  /** Milliseconds since the epoch. */
  at: number;
  waiting: number;
  runs: number;
  hitPercent: number | null;
  firstTokenP50: number | null;
  firstTokenP95: number | null;
  totalP50: number | null;
  totalP95: number | null;
  codeP50: number | null;
  codeP95: number | null;
  memoryMb: number;
}

const sampler = createStatsSampler(fetchStats, toStatsSample);

export function useStats() {
  return useSampledStats('stats', sampler);
}

export function toStatsSample(stats: ServerStats): StatsSample {
  const cache = stats.response_cache;
  return {
    at: Date.parse(stats.timestamp),
    waiting: stats.queue_length,
    runs: stats.runner.active,
    hitPercent: cache.hits + cache.misses === 0 ? null : cache.hit_rate * 100,
    firstTokenP50: stats.latency.first_token_ms.p50,
    firstTokenP95: stats.latency.first_token_ms.p95,
    totalP50: stats.latency.total_ms.p50,
    totalP95: stats.latency.total_ms.p95,
    codeP50: stats.runner.duration_ms.p50,
    codeP95: stats.runner.duration_ms.p95,
    memoryMb: stats.process.rss_mb,
  };
}
