import { availableParallelism } from 'node:os';
import { config } from '#lib/config/config';
import { createRoutingRunner, type RoutingRunner } from '#lib/runner/routing-runner';
import { createRunner } from '#lib/runner/runner';
import { probe } from '#lib/runner/sandbox/probe/probe';
import { singleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';

export { languageIds } from '#lib/runner/program';
export type { Runner, RunOptions } from '#lib/runner/runner';

/** The process's code runner. Nothing is started before the first run or question. */
export function runner(): RoutingRunner {
  return singleton('runner', () => {
    const settings = config();
    const local = createRunner({
      settings,
      cores: availableParallelism(),
      metrics: metrics(),
      log: log(),
      probe: () => probe(settings.SANDBOX, process.cwd()),
    });
    return createRoutingRunner(local, settings, metrics());
  });
}
