import type { Percentiles } from '#lib/wire/server-stats';

/** Percentiles cover the newest values, at most this many. */
export const PERCENTILE_WINDOW = 1000;

/** Percentiles by nearest rank; null without a value. Sorts `values`. */
export function percentilesOf(values: Float64Array, decimals = 1): Percentiles {
  const sorted = values.sort();
  const scale = 10 ** decimals;
  const at = (rank: number): number | null => {
    const value = sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)];
    return value === undefined ? null : Math.round(value * scale) / scale;
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** A ring buffer of the newest values, with percentiles by nearest rank. */
export class PercentileWindow {
  readonly #values = new Float64Array(PERCENTILE_WINDOW);
  readonly #decimals: number;
  #total = 0;

  /** `decimals` of the reported percentiles. */
  constructor(decimals = 1) {
    this.#decimals = decimals;
  }

  add(value: number): void {
    this.#values[this.#total % PERCENTILE_WINDOW] = value;
    this.#total += 1;
  }

  /** How many values were added so far. */
  get total(): number {
    return this.#total;
  }

  /**
   * Percentiles of the values that were added after the first `since`, and are in the window. Null
   * if there are none. O(n log n): call it for reports, not per request.
   */
  percentiles(since = 0): Percentiles {
    return percentilesOf(this.#newest(Math.min(this.#total - since, PERCENTILE_WINDOW)), this.#decimals);
  }

  /** The values of the window with its decimals, oldest first. A copy. */
  values(): number[] {
    const scale = 10 ** this.#decimals;
    return Array.from(this.#newest(PERCENTILE_WINDOW), (value) => Math.round(value * scale) / scale);
  }

  /** A copy of the newest `count` values. */
  #newest(count: number): Float64Array {
    const end = this.#total % PERCENTILE_WINDOW;
    if (count >= Math.min(this.#total, PERCENTILE_WINDOW))
      return this.#values.slice(0, Math.min(this.#total, PERCENTILE_WINDOW));
    if (count <= end) return this.#values.slice(end - count, end);
    const newest = new Float64Array(count);
    newest.set(this.#values.subarray(PERCENTILE_WINDOW - (count - end)));
    newest.set(this.#values.subarray(0, end), count - end);
    return newest;
  }
}
