import useSWR, { type SWRResponse } from 'swr';
import type { ServerStats } from '#lib/wire/server-stats';
import { fetchStats } from '../chat/chat-api.ts';

/** What the plots show of one moment. Null where nothing was measured. */
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

export const REFRESH_MS = 2_000;
const KEPT_SAMPLES = 900;

/** Grows as long as the app is open, so that the plots are there again when one comes back to the dashboard. */
let samples: readonly StatsSample[] = [];

export function useStats(): SWRResponse<ServerStats, Error> & { samples: readonly StatsSample[] } {
  const answer = useSWR<ServerStats, Error>('stats', fetchSampled, {
    refreshInterval: REFRESH_MS,
    errorRetryInterval: REFRESH_MS,
    dedupingInterval: REFRESH_MS / 2,
  });
  const { data } = answer;
  // The server's own figures in the page are the first, until there are some that were asked for.
  const first = samples.length === 0 && data !== undefined ? [toStatsSample(data)] : undefined;
  return { ...answer, samples: first ?? samples };
}

async function fetchSampled(): Promise<ServerStats> {
  const stats = await fetchStats();
  samples = withSample(samples, toStatsSample(stats));
  return stats;
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

/** The samples with one more, the oldest left out beyond what is kept. A server whose clock went back begins anew. */
export function withSample<S extends { at: number }>(before: readonly S[], sample: S): readonly S[] {
  const last = before.at(-1);
  if (last !== undefined && sample.at === last.at) return before;
  if (last !== undefined && sample.at < last.at) return [sample];
  return [...before.slice(-(KEPT_SAMPLES - 1)), sample];
}
