import type { BatchStats } from '#lib/wire/server-stats';

export interface RequestCounts {
  total: number;
  cached: number;
  joined: number;
}

export function batchStats(counts: RequestCounts, released: { batches: number; requests: number }): BatchStats {
  return {
    total_requests: counts.total,
    cached_responses: counts.cached,
    deduplicated_requests: counts.joined,
    batches_processed: released.batches,
    average_batch_size: released.batches === 0 ? 0 : Math.round((10 * released.requests) / released.batches) / 10,
    cache_hit_rate: percent(counts.cached, counts.total),
    deduplication_rate: percent(counts.joined, counts.total),
  };
}

/** Chat requests by how they ended, and tokens, since the process started. */
export interface ChatCounters {
  /** Requests that arrived, refused ones included. */
  requests: number;
  /** Look-ups in the response cache, and those that found a response. */
  lookups: number;
  hits: number;
  /** Requests whose response is complete, cached ones not included. */
  completed: number;
  /** Requests that this server or a model server failed: those with a status from 500. */
  failed: number;
  /** Requests that a client or an operator stopped. */
  cancelled: number;
  /** Generated tokens, counted as they arrive. */
  tokens: number;
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((100 * part) / whole);
}
