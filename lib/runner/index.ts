import { availableParallelism } from 'node:os';
import { config } from '#lib/config/index';
import { log } from '#lib/observe/log';
import { metrics } from '#lib/observe/metrics';
import { processWide } from '#lib/process';
import { type ComposedRunner, composeRunner } from '#lib/runner/composed';
import { createRunner } from '#lib/runner/runner';
import { probe } from '#lib/runner/sandbox/probe';

export { languageIds } from '#lib/runner/request';
export type { Runner, RunOptions } from '#lib/runner/runner';

/** The process's code runner. Nothing is started before the first run or question. */
export function runner(): ComposedRunner {
  return processWide('runner', () => {
    const settings = config();
    const local = createRunner({
      settings,
      cores: availableParallelism(),
      metrics: metrics(),
      log: log(),
      probe: () => probe(settings.SANDBOX, process.cwd()),
    });
    return composeRunner(local, settings, metrics());
  });
}
