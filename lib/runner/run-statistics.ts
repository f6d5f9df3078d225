import type { LanguageId, RunStatus } from '#lib/wire/code';
import type { Percentiles, RunnerStats } from '#lib/wire/server-stats';

const WINDOW = 1000;

/** Counts runs, and keeps the durations of the last thousand for percentiles. */
export class RunStatistics {
  readonly #counts = new Map<string, { language: LanguageId; status: RunStatus; count: number }>();
  readonly #durationsMs: number[] = [];
  #total = 0;

  record(language: LanguageId, status: RunStatus, durationMs: number): void {
    this.#durationsMs[this.#total % WINDOW] = durationMs;
    this.#total += 1;
    const key = `${language}\n${status}`;
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, { language, status, count: 1 });
    else entry.count += 1;
  }

  get report(): Pick<RunnerStats, 'total_runs' | 'runs' | 'duration_ms'> {
    return {
      total_runs: this.#total,
      runs: [...this.#counts.values()].map((entry) => ({ ...entry })),
      duration_ms: percentiles(this.#durationsMs),
    };
  }
}

/** Nearest-rank percentiles, rounded to a tenth. Pure. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    return value === undefined ? null : Math.round(value * 10) / 10;
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
