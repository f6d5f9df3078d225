import { availableParallelism } from 'node:os';
import { config } from '#lib/config/index';
import { log } from '#lib/observe/log';
import { metrics } from '#lib/observe/metrics';
import { processWide } from '#lib/process';
import { createRunner, type Runner } from '#lib/runner/runner';
import { probe } from '#lib/runner/sandbox/probe';

export { languageIds } from '#lib/runner/request';
export type { Runner, RunOptions } from '#lib/runner/runner';

/** The process's code runner. Nothing is started before the first run or question. */
export function runner(): Runner {
  return processWide('runner', () => {
    const settings = config();
    return createRunner({
      settings,
      cores: availableParallelism(),
      metrics: metrics(),
      log: log(),
      probe: () => probe(settings.SANDBOX, process.cwd()),
    });
  });
}
