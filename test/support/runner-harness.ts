import { setTimeout as delay } from 'node:timers/promises';
import { readConfig } from '#lib/config/config';
import { LANGUAGES } from '#lib/languages/index';
import { type Counted, countRuns } from '#lib/runner/counting-runner';
import { createRunner, REFILL_DELAY_MS, type Runner } from '#lib/runner/runner';
import { type CgroupDriver, findCgroupDriver } from '#lib/runner/sandbox/cgroup';
import { type ProbeResult, probe } from '#lib/runner/sandbox/probe/probe';
import type {
  CompileService,
  CompileServiceSpec,
  EmptySandboxSpec,
  Execution,
  ExitReport,
  InterpreterSpec,
  Sandbox,
  WarmSandbox,
} from '#lib/runner/sandbox/sandbox';
import { createLog } from '#lib/telemetry/log';
import { createMetrics } from '#lib/telemetry/metrics';
import {
  type DescriptorCount,
  descriptors,
  descriptorsAtRest,
  leftControlGroups,
  leftFiles,
  mountCount,
  OF_PRELOADED,
  PIPES_OF_RUNS,
  processesIn,
  ticksSinceBoot,
} from './runner-leaks.ts';

/** A runner over the real sandbox, and what its tests share. */

/** Tests try the opt-in languages, too. */
const ALL_LANGUAGES = LANGUAGES.map(({ id }) => id).join(',');

/** Resolves when the pool was refilled after the last run. */
export const poolRefilled = () => delay(REFILL_DELAY_MS + 1);

/** A control group of a new warm sandbox is empty until the kernel has let its process in. */
export const PATIENT_POLL = { timeout: 10_000 };

export interface RunnerHarness {
  runner: Counted<Runner>;
  /**
   * Processes, control groups, files and mounts that ended runs have left, and descriptors beyond
   * those of the last `settle`.
   */
  leaks: () => string[];
  /** The number of programs that ran in a warm sandbox. */
  warmRuns: () => number;
  /** The number of programs that a compile service has compiled, or has failed to. */
  servedCompilations: () => number;
  /** Waits until no sandbox is being started, and records the open descriptors as the baseline. */
  settle: () => Promise<void>;
  /** Limits compilers that start from now on; without a number to what the settings say. */
  limitCompilers: (seconds?: number) => void;
}

export interface RunnerHarnessOptions {
  settings?: Record<string, string>;
  cores?: number;
  controlGroups?: () => CgroupDriver | undefined;
}

/** Creates a runner over the real sandbox, and observes what its runs leave. */
export function runnerHarness({
  settings = {},
  cores = 2,
  controlGroups = findCgroupDriver,
}: RunnerHarnessOptions = {}): RunnerHarness {
  const observed: ObservedRuns = { namespaces: new Map(), warm: 0, served: 0, preloaded: 0 };
  const config = readConfig({ CODE_LANGUAGES: ALL_LANGUAGES, ...settings });
  let compileSeconds = config.CODE_COMPILE_TIMEOUT_SECONDS;
  const runner = createRunner({
    settings: {
      ...config,
      get CODE_COMPILE_TIMEOUT_SECONDS() {
        return compileSeconds;
      },
    },
    cores,
    log: createLog('silent', { write: () => {} }),
    probe: async () => observe(await probe(config.SANDBOX, process.cwd(), controlGroups), observed),
  });
  const mounts = mountCount();
  let atRest: DescriptorCount = { open: Number.POSITIVE_INFINITY, heldPipes: Number.POSITIVE_INFINITY };
  let preloadedAtRest = 0;
  return {
    runner: countRuns(runner, createMetrics()),
    warmRuns: () => observed.warm,
    servedCompilations: () => observed.served,
    settle: async () => {
      atRest = await descriptorsAtRest();
      preloadedAtRest = observed.preloaded;
    },
    limitCompilers: (seconds = config.CODE_COMPILE_TIMEOUT_SECONDS) => {
      compileSeconds = seconds;
    },
    leaks: () => {
      const found = [...processesIn(observed.namespaces), ...leftControlGroups(), ...leftFiles()];
      if (mountCount() > mounts) found.push('a mount');
      const { open, heldPipes } = descriptors();
      const preloaded = observed.preloaded - preloadedAtRest;
      const more = open - atRest.open - preloaded * OF_PRELOADED.open;
      if (more > 0) found.push(`${more} descriptors`);
      const morePipes = heldPipes - atRest.heldPipes - preloaded * OF_PRELOADED.heldPipes;
      if (morePipes > PIPES_OF_RUNS) found.push(`${morePipes} pipes`);
      return found;
    },
  };
}

interface ObservedRuns {
  /** The pid namespace of each ended run, with the tick of its end. */
  namespaces: Map<number, number>;
  warm: number;
  served: number;
  /** Sandboxes that wait with a program in them; their number depends on the last runs. */
  preloaded: number;
}

function observeWarm(sandbox: WarmSandbox, observed: ObservedRuns, isPreloaded = false): WarmSandbox {
  const leave = () => {
    if (isPreloaded) observed.preloaded -= 1;
  };
  if (isPreloaded) observed.preloaded += 1;
  return {
    get isAlive() {
      return sandbox.isAlive;
    },
    residentBytes: () => sandbox.residentBytes(),
    discard: () => {
      leave();
      return sandbox.discard();
    },
    run: (execution) => {
      observed.warm += 1;
      leave();
      return observeRun(sandbox, execution, observed);
    },
  };
}

function observeService(service: CompileService, observed: ObservedRuns): CompileService {
  return {
    get isAlive() {
      return service.isAlive;
    },
    get isReady() {
      return service.isReady;
    },
    get isWorn() {
      return service.isWorn;
    },
    residentBytes: () => service.residentBytes(),
    discard: () => service.discard(),
    run: (execution) => {
      observed.warm += 1;
      observed.served += 1;
      return observeRun(service, execution, observed);
    },
  };
}

function observe(result: ProbeResult, observed: ObservedRuns): ProbeResult {
  if (result.sandbox === undefined) return result;
  const { sandbox } = result;
  const { startInterpreter, startCompileService, startEmpty } = sandbox;
  const observing: Sandbox = {
    tier: sandbox.tier,
    close: () => sandbox.close(),
    ...(startInterpreter && {
      startInterpreter: (spec: InterpreterSpec) => observeWarm(startInterpreter.call(sandbox, spec), observed),
    }),
    ...(startCompileService && {
      startCompileService: (spec: CompileServiceSpec) =>
        observeService(startCompileService.call(sandbox, spec), observed),
    }),
    ...(startEmpty && {
      startEmpty: (spec: EmptySandboxSpec) =>
        observeWarm(startEmpty.call(sandbox, spec), observed, typeof spec.program === 'number'),
    }),
    run: (execution) => observeRun(sandbox, execution, observed),
  };
  return { ...result, sandbox: observing };
}

async function observeRun(
  sandbox: Pick<Sandbox, 'run'>,
  execution: Execution,
  observed: ObservedRuns,
): Promise<ExitReport> {
  const report = await sandbox.run(execution);
  if (report.pidNamespace !== undefined) observed.namespaces.set(report.pidNamespace, ticksSinceBoot());
  return report;
}
