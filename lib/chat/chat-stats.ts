import type { BatchStats, Percentiles } from '#lib/wire/server-stats';

/** How many of the newest values percentiles are taken over. */
const WINDOW = 1000;

/** Percentiles of the newest values, by nearest rank. */
export class PercentileWindow {
  readonly #values = new Float64Array(WINDOW);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count % WINDOW] = value;
    this.#count += 1;
  }

  percentiles(): Percentiles {
    const sorted = this.#values.slice(0, Math.min(this.#count, WINDOW)).sort();
    const at = (share: number): number | null => {
      const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
      return value === undefined ? null : Math.round(value * 10) / 10;
    };
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}

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
