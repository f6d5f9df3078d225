import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
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
  Tier,
  WarmSandbox,
} from '#lib/runner/sandbox/sandbox';
import { createLog } from '#lib/telemetry/log';
import { createMetrics } from '#lib/telemetry/metrics';
import { type CodeRequest, type CodeResult, codeRequestSchema, runStatusSchema } from '#lib/wire/code';

/** Programs of the corpus and of the attacks, and what tests of the runner share. */

/** Tests try the opt-in languages, too. */
const ALL_LANGUAGES = LANGUAGES.map(({ id }) => id).join(',');

const expectationSchema = z.strictObject({
  /** One of these. */
  status: z.array(runStatusSchema).min(1).default(['success']),
  exit_code: z.number().optional(),
  stdout: z.string().optional(),
  stdout_matches: z.string().optional(),
  stderr: z.string().optional(),
  stderr_matches: z.string().optional(),
  truncated: z.boolean().optional(),
});
type Expectation = z.infer<typeof expectationSchema>;

const caseSchema = z.strictObject({
  /** What it tries, where the name does not say it. */
  about: z.string().optional(),
  stdin: z.string().optional(),
  args: z.array(z.string()).optional(),
  timeout: z.number().optional(),
  files: codeRequestSchema.shape.files,
  expect: expectationSchema,
  /** Where something else is right in gVisor, which has its own kernel. */
  gvisor: expectationSchema.optional(),
});

export interface ProgramCase {
  name: string;
  request: CodeRequest;
  expected: Expectation;
}

/**
 * Reads the attacks: `<name>.<ext>` is a program, and `<name>.json` next to it says what is
 * expected of it in `tier`. In arguments and in programs, `{port}` becomes `port` and `{app}` the
 * app's own directory.
 */
export function loadAttacks(port: number, tier: Tier): ProgramCase[] {
  const root = 'lib/runner/attacks';
  return readdirSync(root)
    .toSorted()
    .flatMap((folder) => casesIn(folder, join(root, folder), port, tier));
}

/** Reads the honest programs of every language, `lib/languages/<id>/corpus`. */
export function loadCorpus(tier: Tier = 'bubblewrap'): ProgramCase[] {
  return LANGUAGES.flatMap(({ id }) => casesIn(id, join('lib/languages', id, 'corpus'), 0, tier));
}

function casesIn(folder: string, directory: string, port: number, tier: Tier): ProgramCase[] {
  const cases: ProgramCase[] = [];
  for (const file of readdirSync(directory).toSorted()) {
    const extension = extname(file);
    const language = LANGUAGES.find((known) => `.${known.extension}` === extension);
    if (language === undefined) continue;
    const path = join(directory, file);
    const read = caseSchema.parse(JSON.parse(readFileSync(path.slice(0, -extension.length).concat('.json'), 'utf8')));
    const { expect, gvisor = expect, about: _about, ...request } = read;
    const filled = (text: string) => text.replaceAll('{port}', String(port)).replaceAll('{app}', process.cwd());
    const args = request.args?.map(filled);
    cases.push({
      name: `${folder}/${file}`,
      expected: tier === 'gvisor' ? gvisor : expect,
      request: codeRequestSchema.parse({
        ...request,
        args,
        language: language.id,
        code: filled(readFileSync(path, 'utf8')),
      }),
    });
  }
  return cases;
}

/** What of `result` is not as expected; empty where all of it is. */
export function differences(result: CodeResult, expected: Expectation): string[] {
  const wrong: string[] = [];
  const shown = JSON.stringify({ ...result, stdout: result.stdout.slice(-2000), stderr: result.stderr.slice(-2000) });
  const check = (what: string, holds: boolean) => {
    if (!holds) wrong.push(`${what}: ${shown}`);
  };
  check('status', expected.status.includes(result.status));
  if (expected.exit_code !== undefined) check('exit_code', result.exit_code === expected.exit_code);
  if (expected.stdout !== undefined) check('stdout', result.stdout === expected.stdout);
  if (expected.stdout_matches !== undefined) check('stdout', new RegExp(expected.stdout_matches).test(result.stdout));
  if (expected.stderr !== undefined) check('stderr', result.stderr === expected.stderr);
  if (expected.stderr_matches !== undefined) check('stderr', new RegExp(expected.stderr_matches).test(result.stderr));
  if (expected.truncated !== undefined) check('truncated', result.truncated === expected.truncated);
  return wrong;
}

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
  const runner = createRunner({
    settings: config,
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
    leaks: () => {
      const found = [...processesIn(observed.namespaces), ...leftControlGroups(), ...files()];
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

/**
 * Processes of ended runs. The kernel reuses the number of a freed namespace for any later sandbox
 * on the machine. So a process that started after the run had ended is not part of it, and neither
 * is one below this process, since the sandbox of an ended run has no parent left.
 */
function processesIn(namespaces: ReadonlyMap<number, number>): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const ended = namespaces.get(Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/pid`))?.[0]));
        return ended !== undefined && Number(statOf(pid)[START_TIME]) < ended && !isBelow(pid, process.pid);
      } catch {
        return false;
      }
    })
    .map((pid) => `process ${pid}`);
}

function isBelow(pid: string, ancestor: number): boolean {
  const parent = statOf(pid)[PARENT] ?? '0';
  return Number(parent) === ancestor || (Number(parent) > 1 && isBelow(parent, ancestor));
}

/** Fields of proc(5)'s stat after the command, which may contain any character. */
function statOf(pid: string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

const PARENT = 1;
const START_TIME = 19;
const TICKS_PER_SECOND = 100;

function ticksSinceBoot(): number {
  return Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * TICKS_PER_SECOND);
}

function leftControlGroups(): string[] {
  const mine = `chill-space-${process.pid}-`;
  const found: string[] = [];
  const visit = (directory: string, depth: number) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      // The group of a warm sandbox has processes; `processesIn` finds those of ended runs.
      if (entry.name.startsWith(mine)) {
        if (isEmpty(join(directory, entry.name))) found.push(`control group ${entry.name}`);
      } else if (depth > 0) visit(join(directory, entry.name), depth - 1);
    }
  };
  if (existsSync('/sys/fs/cgroup')) visit('/sys/fs/cgroup', CGROUP_DEPTH);
  return found;
}

function isEmpty(group: string): boolean {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'utf8') === '';
  } catch {
    return false;
  }
}

const CGROUP_DEPTH = 4;

function files(): string[] {
  return [tmpdir(), '/dev/shm']
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)))
    .filter((path) => new RegExp(`chill-space-(run|pipes)-${process.pid}-`).test(path));
}

function mountCount(): number {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length;
}

interface DescriptorCount {
  open: number;
  /** Pipes of the pool, in use or not: it has as many as were needed at once. */
  heldPipes: number;
}

/**
 * Pipes that runs may need on top of warm sandboxes: six for each of two that run and two that
 * end, in batches, and those of a zygote that is replaced while its last sandboxes run. A leak of
 * one per run would soon be more.
 */
const PIPES_OF_RUNS = 32 + 56;

/** Descriptors of a preloaded sandbox: four pipes, its input and its source; five pipes in all. */
const OF_PRELOADED: DescriptorCount = { open: 6, heldPipes: 5 };

/** Without the cached programs: anonymous files in the temporary directory. */
function descriptors(): DescriptorCount {
  const seen: DescriptorCount = { open: 0, heldPipes: 0 };
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      if (path.startsWith(`${tmpdir()}/#`)) continue;
      if (path.includes('chill-space-pipes-') && isHeldOnly(fd)) seen.heldPipes += 1;
      else seen.open += 1;
    } catch {
      // The descriptor of this listing is closed by now.
    }
  }
  return seen;
}

/** Whether it is an `O_PATH` descriptor, which can neither read nor write. */
function isHeldOnly(fd: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & O_PATH) !== 0;
}

const O_PATH = 0o10000000;

/** Resolves when the counts have stayed the same for a while. */
async function descriptorsAtRest(): Promise<DescriptorCount> {
  const until = performance.now() + PATIENT_POLL.timeout;
  let before = descriptors();
  for (let same = 0; same < LOOKS_AT_REST; ) {
    if (performance.now() > until) throw new Error('descriptors come and go although nothing runs');
    await delay(LOOK_EVERY_MS);
    const now = descriptors();
    same = now.open === before.open && now.heldPipes === before.heldPipes ? same + 1 : 0;
    before = now;
  }
  return before;
}

const LOOKS_AT_REST = 4;
const LOOK_EVERY_MS = 50;
