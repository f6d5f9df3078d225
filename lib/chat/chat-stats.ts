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

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((100 * part) / whole);
}
