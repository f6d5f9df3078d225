import { findLanguage } from '#lib/languages/index';
import { RunStatistics } from '#lib/runner/run-statistics';
import type { Runner } from '#lib/runner/runner';
import type { Metrics } from '#lib/telemetry/metrics';
import type { RunnerStats } from '#lib/wire/server-stats';

export type Counted<R extends Runner> = R & {
  /** The runs since the process started, and what runs now. */
  stats(): RunnerStats;
  /** Number and durations of these runs. */
  readonly runs: Pick<RunStatistics, 'total' | 'durationsMs'>;
};

/** Decorates a runner: counts each run that has a result, in the statistics and in the metrics. */
export function countRuns<R extends Runner>(
  runner: R,
  { codeRuns, codeDuration }: Pick<Metrics, 'codeRuns' | 'codeDuration'>,
): Counted<R> {
  const statistics = new RunStatistics();
  return {
    ...runner,
    runs: statistics,
    run: async (request, options) => {
      const result = await runner.run(request, options);
      const language = findLanguage(request.language)?.id;
      if (language !== undefined) {
        const { status, duration_ms } = result;
        statistics.record(language, status, duration_ms);
        codeRuns.inc({ language, status });
        codeDuration.observe({ language }, duration_ms / 1000);
      }
      return result;
    },
    stats: () => ({ ...runner.load(), ...statistics.report }),
  };
}
