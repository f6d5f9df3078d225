import { closeSync } from 'node:fs';
import {
  anonymousFile,
  anonymousReadOnlyFile,
  deferredFile,
  type OutputPipe,
  PipePool,
  reopenForReading,
} from '#lib/runner/sandbox/anonymous-files';
import { launchScript, writableMounts } from '#lib/runner/sandbox/bubblewrap/arguments';
import {
  type BubblewrapLaunch,
  BubblewrapLauncher,
  type BubblewrapOptions,
  type StartedProcess,
} from '#lib/runner/sandbox/bubblewrap/launcher';
import { type Cgroup, cgroupName } from '#lib/runner/sandbox/cgroup';
import type { Baseline, RunningSandbox } from '#lib/runner/sandbox/running-sandbox';
import type {
  EmptySandboxSpec,
  Execution,
  ExitReport,
  InterpreterSpec,
  LaunchInput,
  Sandbox,
  StdinPayload,
  SupervisionInput,
  WarmSandbox,
} from '#lib/runner/sandbox/sandbox';
import { killProcess, supervise } from '#lib/runner/sandbox/supervision';
import { createWarmSandbox } from '#lib/runner/sandbox/warm-sandbox';
import { ProcessTree, residentBytes } from '#lib/runner/sandbox/watchdog';
import { log } from '#lib/telemetry/log';

const NOTHING = new Uint8Array();

/** Runs each program in namespaces of its own, made by bubblewrap. */
export class Bubblewrap implements Sandbox {
  readonly tier = 'bubblewrap';
  readonly #launcher: BubblewrapLauncher;
  readonly #cgroups: BubblewrapOptions['cgroups'];
  readonly #pipes = new PipePool();
  readonly #leaving = new Set<Promise<void>>();
  #count = 0;

  constructor(options: BubblewrapOptions) {
    this.#launcher = new BubblewrapLauncher(options, this.#pipes);
    this.#cgroups = options.cgroups;
  }

  async close(): Promise<void> {
    await Promise.all(this.#leaving);
    this.#launcher.close();
    this.#pipes.close();
  }

  async run(job: Execution): Promise<ExitReport> {
    const box = this.#open({
      ...{ argv: job.argv, env: job.env, binds: job.binds, limits: job.limits },
      // A file and not a pipe: programs open /dev/stdin again, which on a FIFO would wait for a writer that is gone.
      stdin: anonymousReadOnlyFile(job.stdin),
      hasResult: job.onResult !== undefined,
      program: job.program === undefined ? undefined : reopenForReading(job.program),
      files: job.files.map(({ name, content }) => ({ fd: anonymousFile(content), name })),
    });
    return this.#finish(box, job, { startedAt: performance.now(), cpuMs: 0 });
  }

  /** Only the program is missing: the interpreter is up and reads the descriptor that leads here. */
  startInterpreter({
    argv,
    env,
    binds,
    limits,
    program,
    hasResult = false,
  }: InterpreterSpec): WarmSandbox<StdinPayload> {
    const input = this.#pipes.openInput();
    const stdin = hasResult ? undefined : deferredFile();
    return createWarmSandbox<StdinPayload>({
      ...{ input, limits },
      late: stdin === undefined ? [] : [stdin],
      open: () =>
        this.#open({
          ...{ argv, env, binds, limits, hasResult },
          stdin: stdin?.reader ?? input.reader,
          isStdinPipe: stdin === undefined,
          input: stdin === undefined ? undefined : input.reader,
          program: program === undefined ? undefined : reopenForReading(program),
          files: [],
        }),
      finish: (box, job, since) => this.#finish(box, job, since),
      fill: (given) => {
        stdin?.fill(given.stdin);
        return given.text;
      },
    });
  }

  /** bubblewrap itself waits, before the last steps of the set-up: no process that a program could find knows of it. */
  startEmpty({ binds, limits, names, program, hasResult }: EmptySandboxSpec): WarmSandbox<LaunchInput> {
    const gate = this.#pipes.openInput();
    const stdin = deferredFile();
    const late = program === 'handed over' ? deferredFile() : undefined;
    const files = names.map((name) => ({ name, file: deferredFile() }));
    return createWarmSandbox<LaunchInput>({
      ...{ input: gate, limits },
      late: [stdin, ...(late === undefined ? [] : [late]), ...files.map(({ file }) => file)],
      open: () =>
        this.#open({
          ...{ argv: undefined, env: {}, binds, limits, hasResult },
          stdin: stdin.reader,
          gate: gate.reader,
          program: typeof program === 'number' ? reopenForReading(program) : undefined,
          lateProgram: late?.reader,
          files: files.map(({ name, file }) => ({ name, fd: file.reader })),
        }),
      finish: (box, job, since) => this.#finish(box, job, since),
      fill: (given, job) => {
        stdin.fill(given.stdin);
        if (given.program !== undefined) late?.copy(given.program);
        for (const [index, { file }] of files.entries()) file.fill(given.contents[index] ?? NOTHING);
        return launchScript(given.argv, given.env, job.limits);
      },
    });
  }

  #open(launch: BubblewrapLaunch): RunningSandbox {
    this.#count += 1;
    const { limits } = launch;
    const stdout = this.#pipes.open();
    const stderr = this.#pipes.open();
    const result = launch.hasResult ? this.#pipes.open() : undefined;
    const cgroup = this.#cgroups?.create(cgroupName(this.#count), limits);
    let init: number | undefined;
    let isKilled = false;
    let tree: ProcessTree | undefined;
    const onInit = (pid: number) => {
      init = pid;
      const { memoryBytes, diskBytes } = limits;
      if (cgroup === undefined) tree = new ProcessTree(pid, memoryBytes, writableMounts(diskBytes));
      if (isKilled) killProcess(pid);
    };
    const output = { stdout: stdout.writer, stderr: stderr.writer, result: result?.writer };
    let begun: StartedProcess;
    try {
      begun = this.#launcher.start(launch, cgroup, output, onInit);
    } catch (error) {
      releasePipes([stdout, stderr, result]);
      this.#remove(cgroup, Promise.resolve());
      throw error;
    }
    const { pid, reported, closed, exited, confined } = begun;
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    exited.then(over, over);
    let isVacated = false;
    reported.then(({ exitCode }) => {
      isVacated = exitCode !== undefined;
    });
    // What a pipe holds is forgotten only when the monitor has let go of it, too.
    const heldUntilClosed = (pipe: OutputPipe): OutputPipe => ({ ...pipe, release: () => closed.then(pipe.release) });
    return {
      ...{ exited, isOver: () => isOver, hasNoWriters: () => isVacated, confined, reported, closed, cgroup },
      ...{ stdout: heldUntilClosed(stdout), stderr: heldUntilClosed(stderr) },
      result: result && heldUntilClosed(result),
      residentBytes: () => residentBytesOf(pid()),
      usage: () => {
        tree?.look();
        return cgroup?.usage() ?? { cpuMs: tree?.cpuMs ?? 0, peakMemoryBytes: tree?.peakMemoryBytes ?? 0, oomKills: 0 };
      },
      isOverMemory: () => (cgroup === undefined ? tree?.look() === true : cgroup.usage().oomKills > 0),
      // The end of a run is the end of its pid namespace: bubblewrap's monitor returns when its first process was reaped,
      // which the kernel allows only after all the others are gone. So that process is killed, and not the monitor.
      kill: () => {
        isKilled = true;
        if (init !== undefined) killProcess(init);
      },
    };
  }

  async #finish(box: RunningSandbox, job: SupervisionInput, since: Baseline): Promise<ExitReport> {
    try {
      const seen = await supervise(job, box, since.startedAt);
      await box.confined;
      const report = await box.reported;
      const usage = box.usage();
      return {
        started: report.exitCode !== undefined,
        setupError: report.exitCode === undefined ? `bubblewrap ended with ${seen.code}: ${seen.stderrStart}` : '',
        exitCode: report.exitCode ?? seen.code,
        stopReason: seen.stopReason,
        outOfMemory: seen.stopReason === 'memory' || usage.oomKills > 0,
        wallMs: seen.wallMs,
        cpuMs: Math.max(0, usage.cpuMs - since.cpuMs),
        peakMemoryBytes: usage.peakMemoryBytes,
        pidNamespace: report.pidNamespace,
      };
    } finally {
      this.#remove(box.cgroup, box.closed);
    }
  }

  /** Not in the way of an answer: the kernel lets go of a group a moment after its last process. */
  #remove(cgroup: Cgroup | undefined, closed: Promise<void>): void {
    const leaving = closed
      .then(() => cgroup?.remove())
      .catch((error: unknown) => log().error({ err: error }, 'a control group could not be removed'))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}

/** Pipes that nobody reads, since there is no program. */
export function releasePipes(pipes: readonly (OutputPipe | undefined)[]): void {
  for (const pipe of pipes) {
    if (pipe === undefined) continue;
    closeSync(pipe.reader);
    pipe.release();
  }
}

function residentBytesOf(pid: number | undefined): number {
  return pid === undefined ? 0 : residentBytes(pid);
}
