import type { Percentiles } from '#lib/wire/server-stats';

/** Percentiles cover the newest values, at most this many. */
export const PERCENTILE_WINDOW = 1000;

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

  /** Null while the window is empty. O(n log n): call it for reports, not per request. */
  percentiles(): Percentiles {
    const sorted = this.#values.slice(0, Math.min(this.#total, PERCENTILE_WINDOW)).sort();
    const scale = 10 ** this.#decimals;
    const at = (rank: number): number | null => {
      const value = sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)];
      return value === undefined ? null : Math.round(value * scale) / scale;
    };
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}
