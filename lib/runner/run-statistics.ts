import { PercentileWindow } from '#lib/telemetry/percentiles';
import type { LanguageId, RunStatus } from '#lib/wire/code';
import type { RunnerStats } from '#lib/wire/server-stats';

/** Counts runs, and keeps the durations of the last thousand for percentiles. */
export class RunStatistics {
  readonly #counts = new Map<string, { language: LanguageId; status: RunStatus; count: number }>();
  readonly durationsMs = new PercentileWindow();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  record(language: LanguageId, status: RunStatus, durationMs: number): void {
    this.durationsMs.add(durationMs);
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
      duration_ms: this.durationsMs.percentiles(),
    };
  }
}
