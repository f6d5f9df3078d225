import type { BatchStats, Percentiles } from '#lib/wire/server-stats';

/** The newest so many values are what percentiles are taken over. */
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

/** How much the newest run counts in the moving average of run times. */
const NEWEST_SHARE = 0.2;
const MAX_MODELS = 256;

/** Exponentially weighted moving averages of measured run times, for each model and over all; milliseconds. */
export class GenerationTimes {
  readonly #fallbackMs: number;
  readonly #models = new Map<string, number>();
  #all: number | undefined;

  /** `fallbackMs` stands in until something was measured. */
  constructor(fallbackMs: number) {
    this.#fallbackMs = fallbackMs;
  }

  add(model: string, ms: number): void {
    this.#all = moved(this.#all, ms);
    const average = moved(this.#models.get(model), ms);
    // The newest last, so that the first is the one to forget.
    this.#models.delete(model);
    this.#models.set(model, average);
    if (this.#models.size > MAX_MODELS)
      for (const oldest of this.#models.keys()) return void this.#models.delete(oldest);
  }

  get averageMs(): number {
    return this.#all ?? this.#fallbackMs;
  }

  /** How long the request at `position` of the line waits, where `slots` run at a time. */
  estimateMs(model: string, position: number, slots: number): number {
    return Math.round((this.#models.get(model) ?? this.#fallbackMs) * Math.ceil(position / slots));
  }
}

function moved(average: number | undefined, value: number): number {
  return average === undefined ? value : average + NEWEST_SHARE * (value - average);
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
