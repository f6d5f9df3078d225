import { AppError } from '#lib/errors';
import { findLanguage } from '#lib/languages/index';
import { type UsageRecorder, usageRecorder } from '#lib/people/usage/usage-recorder';
import { RunStatistics } from '#lib/runner/run-statistics';
import type { Runner } from '#lib/runner/runner';
import { isFaultOfRequest, refusedRun, runUsage } from '#lib/runner/usage-of-run';
import type { Metrics } from '#lib/telemetry/metrics';
import type { RunnerStats } from '#lib/wire/server-stats';

export type Counted<R extends Runner> = R & {
  /** The runs since the process started, and what runs now. */
  stats(): RunnerStats;
  /** Number and durations of these runs. */
  readonly runs: Pick<RunStatistics, 'total' | 'durationsMs'>;
};

/**
 * Decorates a runner: counts each run that has a result in the statistics, the metrics and the
 * usage of its caller, and in the usage those that were refused as well.
 */
export function countRuns<R extends Runner>(
  runner: R,
  { codeRuns, codeDuration }: Pick<Metrics, 'codeRuns' | 'codeDuration'>,
  usage: UsageRecorder = usageRecorder(),
): Counted<R> {
  const statistics = new RunStatistics();
  return {
    ...runner,
    runs: statistics,
    run: async (request, options) => {
      const language = findLanguage(request.language)?.id;
      if (language === undefined) return await runner.run(request, options);
      try {
        const result = await runner.run(request, options);
        const { status, duration_ms } = result;
        statistics.record(language, status, duration_ms);
        codeRuns.inc({ language, status });
        codeDuration.observe({ language }, duration_ms / 1000);
        usage.record(runUsage(options.principal, language, result));
        return result;
      } catch (error) {
        const code = AppError.is(error) ? error.code : 'internal_error';
        if (!isFaultOfRequest(code)) usage.record(refusedRun(options.principal, language, code));
        throw error;
      }
    },
    stats: () => ({ ...runner.load(), ...statistics.report }),
  };
}
