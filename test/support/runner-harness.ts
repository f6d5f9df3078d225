import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { readConfig } from '#lib/config/config';
import { LANGUAGES } from '#lib/languages/index';
import { createRunner, REFILL_DELAY_MS, type Runner } from '#lib/runner/runner';
import { type CgroupDriver, findCgroupDriver } from '#lib/runner/sandbox/cgroup';
import { type ProbeResult, probe } from '#lib/runner/sandbox/probe/probe';
import type { EmptySandboxSpec, InterpreterSpec, Sandbox, Tier, WarmSandbox } from '#lib/runner/sandbox/sandbox';
import { createLog } from '#lib/telemetry/log';
import { createMetrics } from '#lib/telemetry/metrics';
import { type CodeRequest, type CodeResult, codeRequestSchema, runStatusSchema } from '#lib/wire/code';

/** Programs of the corpus and of the attacks, and what tests of the runner share. */

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
 * Reads `<name>.<ext>` with `<name>.json` next to it, in each folder below `directory`, as it is
 * expected to go in `tier`. `{port}` becomes `port` and `{app}` the app's own directory, in
 * arguments and in the program.
 */
export function loadCases(directory: string, port = 0, tier: Tier = 'bubblewrap'): ProgramCase[] {
  const cases: ProgramCase[] = [];
  for (const folder of readdirSync(directory).toSorted())
    for (const file of readdirSync(join(directory, folder)).toSorted()) {
      const extension = extname(file);
      const language = LANGUAGES.find((known) => known.extension === extension);
      if (language === undefined) continue;
      const path = join(directory, folder, file);
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

/** Resolves when the pool has replaced what earlier runs used. */
export const poolRefilled = () => delay(REFILL_DELAY_MS + 1);

/**
 * A group that is being made for a sandbox to wait in is empty for as long as the kernel takes to
 * let it in.
 */
export const PATIENT_POLL = { timeout: 10_000 };

export interface RunnerHarness {
  runner: Runner;
  /**
   * Processes, control groups, files and mounts that ended runs have left; descriptors beyond those
   * at the last `settle`.
   */
  leaks: () => string[];
  /** How many programs went to sandboxes that waited for them. */
  warmRuns: () => number;
  /**
   * Waits until nothing is being set up, and takes the descriptors that are open then as what is
   * open at rest.
   */
  settle: () => Promise<void>;
}

export interface RunnerHarnessOptions {
  settings?: Record<string, string>;
  cores?: number;
  controlGroups?: () => CgroupDriver | undefined;
}

/** A runner over the real sandbox that also checks what its runs leave behind. */
export function runnerHarness({
  settings = {},
  cores = 2,
  controlGroups = findCgroupDriver,
}: RunnerHarnessOptions = {}): RunnerHarness {
  const seen: ObservedRuns = { namespaces: new Map(), handedOver: 0, filled: 0 };
  const config = readConfig(settings);
  const runner = createRunner({
    settings: config,
    cores,
    metrics: createMetrics(),
    log: createLog('silent', { write: () => {} }),
    probe: async () => watched(await probe(config.SANDBOX, process.cwd(), controlGroups), seen),
  });
  const mounts = mountCount();
  let atRest: DescriptorCount = { open: Number.POSITIVE_INFINITY, heldPipes: Number.POSITIVE_INFINITY };
  let filledAtRest = 0;
  return {
    runner,
    warmRuns: () => seen.handedOver,
    settle: async () => {
      atRest = await descriptorsAtRest();
      filledAtRest = seen.filled;
    },
    leaks: () => {
      const left = [...processesIn(seen.namespaces), ...leftControlGroups(), ...files()];
      if (mountCount() > mounts) left.push('a mount');
      const { open, heldPipes } = descriptors();
      const filled = seen.filled - filledAtRest;
      const more = open - atRest.open - filled * FILLED.open;
      if (more > 0) left.push(`${more} descriptors`);
      const morePipes = heldPipes - atRest.heldPipes - filled * FILLED.heldPipes;
      if (morePipes > PIPES_OF_RUNS) left.push(`${morePipes} pipes`);
      return left;
    },
  };
}

interface ObservedRuns {
  /** Of the pid namespaces of ended runs, to the tick of the run's end. */
  namespaces: Map<number, number>;
  handedOver: number;
  /**
   * Sandboxes that wait with a program of their own in them: how many there are depends on what was
   * run last.
   */
  filled: number;
}

function watchedWaiting<Given>(waiting: WarmSandbox<Given>, seen: ObservedRuns, isFilled = false): WarmSandbox<Given> {
  const leave = () => {
    if (isFilled) seen.filled -= 1;
  };
  if (isFilled) seen.filled += 1;
  return {
    get isAlive() {
      return waiting.isAlive;
    },
    residentBytes: () => waiting.residentBytes(),
    discard: () => {
      leave();
      return waiting.discard();
    },
    run: async (given, job) => {
      seen.handedOver += 1;
      leave();
      const ended = await waiting.run(given, job);
      if (ended.pidNamespace !== undefined) seen.namespaces.set(ended.pidNamespace, ticksSinceBoot());
      return ended;
    },
  };
}

function watched(probed: ProbeResult, seen: ObservedRuns): ProbeResult {
  if (probed.sandbox === undefined) return probed;
  const { sandbox } = probed;
  const { startInterpreter: wait, startEmpty: setUp } = sandbox;
  const watching: Sandbox = {
    tier: sandbox.tier,
    close: () => sandbox.close(),
    ...(wait && { startInterpreter: (shell: InterpreterSpec) => watchedWaiting(wait.call(sandbox, shell), seen) }),
    ...(setUp && {
      startEmpty: (blank: EmptySandboxSpec) =>
        watchedWaiting(setUp.call(sandbox, blank), seen, typeof blank.program === 'number'),
    }),
    run: async (job) => {
      const ended = await sandbox.run(job);
      if (ended.pidNamespace !== undefined) seen.namespaces.set(ended.pidNamespace, ticksSinceBoot());
      return ended;
    },
  };
  return { ...probed, sandbox: watching };
}

/**
 * Processes of ended runs. The kernel gives a freed namespace's number to the next sandbox on the
 * machine: a process that was started after the run had ended is not of it, and neither is who
 * still has a sandbox of ours above him, since that of an ended run has ended.
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

/** Fields of proc(5)'s stat from the third on, after the command, which may hold anything. */
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
      // A sandbox that waits has processes in its group; those of ended runs are looked for by
      // themselves.
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
  /**
   * Pipes that were made, in use or not: they are kept for the next run, so that there are as many
   * as were once needed.
   */
  heldPipes: number;
}

/**
 * What runs may have needed beyond what waits: six for each of two that go and of two that end, in
 * batches. One that each run lost would soon be more.
 */
const PIPES_OF_RUNS = 32;

/**
 * What one that waits with a program in it holds: its four pipes here, its input and its source;
 * and five pipes in all.
 */
const FILLED: DescriptorCount = { open: 6, heldPipes: 5 };

/** Without the compiled programs that are kept: nameless files in the temporary directory. */
function descriptors(): DescriptorCount {
  const seen: DescriptorCount = { open: 0, heldPipes: 0 };
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      if (path.startsWith(`${tmpdir()}/#`)) continue;
      if (path.includes('chill-space-pipes-') && isHeldOnly(fd)) seen.heldPipes += 1;
      else seen.open += 1;
    } catch {
      // The descriptor of this very listing is closed by now.
    }
  }
  return seen;
}

/** Whether it is an `O_PATH` descriptor, through which no process reads or writes. */
function isHeldOnly(fd: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & O_PATH) !== 0;
}

const O_PATH = 0o10000000;

/** Once they have stayed the same for a while. */
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
