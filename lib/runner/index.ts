import { availableParallelism } from 'node:os';
import { config } from '#lib/config/config';
import { type Counted, countRuns } from '#lib/runner/counting-runner';
import { endWithCaller } from '#lib/runner/end-with-caller';
import { createRoutingRunner, type RoutingRunner } from '#lib/runner/routing-runner';
import { createRunner } from '#lib/runner/runner';
import { probe } from '#lib/runner/sandbox/probe/probe';
import { singleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';

export { languageIds } from '#lib/runner/program';
export type { Runner, RunOptions } from '#lib/runner/runner';

/** The code runner of this process. It probes and starts nothing before its first use. */
export function runner(): Counted<RoutingRunner> {
  return singleton('runner', () => {
    const settings = config();
    const local = createRunner({
      settings,
      cores: availableParallelism(),
      log: log(),
      probe: () => probe(settings.SANDBOX, process.cwd()),
    });
    return countRuns(endWithCaller(createRoutingRunner(local, settings)), metrics());
  });
}
