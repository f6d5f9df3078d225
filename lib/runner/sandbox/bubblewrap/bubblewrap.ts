import { closeSync } from 'node:fs';
import type { ResourceLimits } from '#lib/runner/resource-limits';
import {
  anonymousFile,
  anonymousReadOnlyFile,
  deferredFile,
  openContent,
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
import { MAX_SERVICE_CPU_SECONDS, superviseCompileService } from '#lib/runner/sandbox/compile-service';
import { type OutputPipe, PipePool, releasePipes } from '#lib/runner/sandbox/pipe-pool';
import type { Baseline, RunningSandbox } from '#lib/runner/sandbox/running-sandbox';
import type {
  CompileService,
  CompileServiceSpec,
  EmptySandboxSpec,
  Execution,
  ExitReport,
  InterpreterSpec,
  Sandbox,
  SupervisionInput,
  WarmSandbox,
} from '#lib/runner/sandbox/sandbox';
import { killProcess, supervise } from '#lib/runner/sandbox/supervision';
import { createWarmSandbox } from '#lib/runner/sandbox/warm-sandbox';
import { meter, ProcessTree, residentBytes } from '#lib/runner/sandbox/watchdog';
import { zygoteProgram } from '#lib/runner/sandbox/zygote/zygote-program';
import { Zygotes } from '#lib/runner/sandbox/zygote/zygotes';
import { log } from '#lib/telemetry/log';

const NO_BYTES = new Uint8Array();

/** Runs each program in namespaces that bubblewrap makes for it. */
export class Bubblewrap implements Sandbox {
  readonly tier = 'bubblewrap';
  readonly #launcher: BubblewrapLauncher;
  readonly #cgroups: BubblewrapOptions['cgroups'];
  readonly #pipes = new PipePool();
  readonly #removals = new Set<Promise<void>>();
  readonly #zygotes: Zygotes | undefined;
  #count = 0;

  constructor(options: BubblewrapOptions) {
    this.#launcher = new BubblewrapLauncher(options, this.#pipes);
    this.#cgroups = options.cgroups;
    this.#zygotes = options.python === undefined ? undefined : this.#createZygotes(options.python, options.filter);
  }

  async close(): Promise<void> {
    await this.#zygotes?.close();
    await Promise.all(this.#removals);
    this.#launcher.close();
    this.#pipes.close();
  }

  async run(execution: Execution): Promise<ExitReport> {
    const { argv, env, binds, limits, program, files } = execution;
    const sandbox = this.#open({
      ...{ argv, env, binds, limits },
      // A file and not a FIFO: a program that opens /dev/stdin again would wait for a writer.
      stdin: anonymousReadOnlyFile(execution.stdin),
      hasResult: execution.onResult !== undefined,
      program: program === undefined ? undefined : openContent(program),
      files: files.map(({ name, content }) => ({ fd: anonymousFile(content), name })),
    });
    return this.#finish(sandbox, execution, { startedAt: performance.now(), cpuMs: 0 });
  }

  /** The interpreter runs already, and blocks on the pipe that the message comes through. */
  startInterpreter(spec: InterpreterSpec): WarmSandbox {
    return this.#zygotes?.startInterpreter(spec) ?? this.#startInterpreter(spec);
  }

  #startInterpreter({ argv, env, binds, limits, program, hasResult }: InterpreterSpec): WarmSandbox {
    const input = this.#pipes.openInput();
    const stdin = hasResult ? undefined : deferredFile();
    return createWarmSandbox({
      ...{ input, limits },
      deferredFiles: stdin === undefined ? [] : [stdin],
      open: () =>
        this.#open({
          ...{ argv, env, binds, limits, hasResult },
          stdin: stdin?.reader ?? input.reader,
          isStdinPipe: stdin === undefined,
          input: stdin === undefined ? undefined : input.reader,
          program: program === undefined ? undefined : openContent(program),
          files: [],
        }),
      finish: (sandbox, supervision, baseline) => this.#finish(sandbox, supervision, baseline),
      handOver: ({ message, stdin: content }) => {
        if (message === undefined) throw new Error('an interpreter takes its program as a message');
        stdin?.fill(content);
        return message();
      },
    });
  }

  /** The limits are those of one compilation, except for CPU time, which they share. */
  startCompileService({ argv, env, binds, limits }: CompileServiceSpec): CompileService {
    const input = this.#pipes.openInput();
    const cpuSeconds = limits.cpuSeconds + 2 * MAX_SERVICE_CPU_SECONDS;
    let sandbox: RunningSandbox;
    try {
      sandbox = this.#open({
        ...{ argv, env, binds, hasResult: true, limits: { ...limits, cpuSeconds } },
        ...{ stdin: input.reader, isStdinPipe: true, program: undefined, files: [] },
      });
    } catch (error) {
      closeSync(input.writer);
      input.release();
      throw error;
    }
    return superviseCompileService({
      ...{ input, sandbox },
      compileCold: (execution) => this.run(execution),
      onEnd: () => this.#remove(sandbox.cgroup, sandbox.closed),
    });
  }

  /** bubblewrap itself blocks, before its last steps: no process in the sandbox sees the wait. */
  startEmpty({ binds, limits, fileNames, program, hasResult }: EmptySandboxSpec): WarmSandbox {
    const gate = this.#pipes.openInput();
    const stdin = deferredFile();
    const lateProgram = program === 'at launch' ? deferredFile() : undefined;
    const files = fileNames.map((name) => ({ name, file: deferredFile() }));
    return createWarmSandbox({
      ...{ input: gate, limits },
      deferredFiles: [stdin, ...(lateProgram === undefined ? [] : [lateProgram]), ...files.map(({ file }) => file)],
      open: () =>
        this.#open({
          ...{ argv: undefined, env: {}, binds, limits, hasResult },
          stdin: stdin.reader,
          gate: gate.reader,
          program: typeof program === 'number' ? reopenForReading(program) : undefined,
          lateProgram: lateProgram?.reader,
          files: files.map(({ name, file }) => ({ name, fd: file.reader })),
        }),
      finish: (sandbox, supervision, baseline) => this.#finish(sandbox, supervision, baseline),
      handOver: (execution) => {
        stdin.fill(execution.stdin);
        if (execution.program !== undefined) lateProgram?.fill(execution.program);
        for (const [index, { file }] of files.entries()) file.fill(execution.files[index]?.content ?? NO_BYTES);
        return launchScript(execution.argv, execution.env, execution.limits);
      },
    });
  }

  #createZygotes(python: string, filter: Uint8Array): Zygotes {
    return new Zygotes({
      pipes: this.#pipes,
      start: (spec, slots) =>
        this.#launcher.startZygote(spec, python, Buffer.from(zygoteProgram({ spec, filter })), slots),
      createCgroup: (limits) => this.#createCgroup(limits),
      finish: (sandbox, supervision, baseline) => this.#finish(sandbox, supervision, baseline),
      run: (execution) => this.run(execution),
    });
  }

  #createCgroup(limits: ResourceLimits): Cgroup | undefined {
    this.#count += 1;
    return this.#cgroups?.create(cgroupName(this.#count), limits);
  }

  #open(launch: BubblewrapLaunch): RunningSandbox {
    const { limits } = launch;
    const stdout = this.#pipes.open();
    const stderr = this.#pipes.open();
    const result = launch.hasResult ? this.#pipes.open() : undefined;
    const cgroup = this.#createCgroup(limits);
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
    let started: StartedProcess;
    try {
      started = this.#launcher.start(launch, cgroup, output, onInit);
    } catch (error) {
      releasePipes([stdout, stderr, result]);
      this.#remove(cgroup, Promise.resolve());
      throw error;
    }
    const { pid, reported, closed, exited, confined } = started;
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    exited.then(end, end);
    let hasNoWriters = false;
    reported.then(({ exitCode }) => {
      hasNoWriters = exitCode !== undefined;
    });
    // The content of a pipe is lost only when the monitor has closed it, too.
    const heldUntilClosed = (pipe: OutputPipe): OutputPipe => ({ ...pipe, release: () => closed.then(pipe.release) });
    return {
      ...{ exited, isOver: () => isOver, hasNoWriters: () => hasNoWriters, confined, reported, closed, cgroup },
      ...{ stdout: heldUntilClosed(stdout), stderr: heldUntilClosed(stderr) },
      result: result && heldUntilClosed(result),
      residentBytes: () => residentBytesOf(pid()),
      ...meter(cgroup, () => tree),
      // A run ends with its pid namespace. bubblewrap's monitor returns when the first process was
      // reaped, which the kernel allows only after all others. So this kills that process.
      kill: () => {
        isKilled = true;
        if (init !== undefined) killProcess(init);
      },
    };
  }

  async #finish(sandbox: RunningSandbox, input: SupervisionInput, baseline: Baseline): Promise<ExitReport> {
    try {
      const seen = await supervise(input, sandbox, baseline.startedAt);
      await sandbox.confined;
      const status = await sandbox.reported;
      const usage = sandbox.usage();
      return {
        started: status.exitCode !== undefined,
        setupError: status.exitCode === undefined ? `bubblewrap ended with ${seen.code}: ${seen.stderrStart}` : '',
        exitCode: status.exitCode ?? seen.code,
        stopReason: seen.stopReason,
        outOfMemory: seen.stopReason === 'memory' || usage.oomKills > 0,
        wallMs: seen.wallMs,
        cpuMs: Math.max(0, usage.cpuMs - baseline.cpuMs),
        peakMemoryBytes: usage.peakMemoryBytes,
        pidNamespace: status.pidNamespace,
      };
    } finally {
      this.#remove(sandbox.cgroup, sandbox.closed);
    }
  }

  /**
   * The response does not wait: the kernel frees a group a moment after its last process ended.
   */
  #remove(cgroup: Cgroup | undefined, closed: Promise<void>): void {
    const removal = closed
      .then(() => cgroup?.remove())
      .catch((error: unknown) => log().error({ err: error }, 'a control group could not be removed'))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }
}

function residentBytesOf(pid: number | undefined): number {
  return pid === undefined ? 0 : residentBytes(pid);
}
