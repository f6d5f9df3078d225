import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync, realpathSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { dirname } from 'node:path';
import { Readable, Writable } from 'node:stream';
import {
  bubblewrapArguments,
  SYSTEM_FILES,
  type SystemLayout,
  supervisedCommand,
  WORK_DIRECTORY,
} from '#lib/runner/sandbox/bubblewrap-arguments';
import { type Cgroup, type CgroupDriver, groupName, type Usage } from '#lib/runner/sandbox/cgroup';
import {
  namelessFile,
  namelessReadOnlyFile,
  type PipeEnds,
  PipePool,
  pathDescriptor,
  reopenForReading,
} from '#lib/runner/sandbox/descriptors';
import type { Ended, Job, Sandbox, Shell, Waiting } from '#lib/runner/sandbox/sandbox';
import { exitOf, type Running, type Supervised, supervise } from '#lib/runner/sandbox/supervision';
import { ProcessTree } from '#lib/runner/sandbox/watchdog';

export interface BubblewrapOptions {
  executable: string;
  layout: SystemLayout;
  /** The host user that sandboxes run as; undefined: as the server's own. */
  hostUid: number | undefined;
  cgroups: CgroupDriver | undefined;
  /** Whether this bubblewrap has `--ro-bind-fd`. */
  bindsDescriptors: boolean;
  /** The seccomp program. */
  filter: Uint8Array;
  /** Descriptors of the server that would leak into a program. */
  inherited: readonly number[];
}

const NO_ENVIRONMENT: NodeJS.ProcessEnv = Object.create(null);
/** Programs yield to the server that watches them. */
const NICENESS = 5;

/** Runs each program in namespaces of its own, made by bubblewrap. */
export class Bubblewrap implements Sandbox {
  readonly tier = 'bubblewrap';
  readonly #options: BubblewrapOptions;
  readonly #pipes = new PipePool();
  readonly #filter: number;
  readonly #nothing = openSync('/dev/null', 'r');
  readonly #systemFiles: readonly { fd: number; at: string }[];
  readonly #publicPaths = new Map<string, boolean>();
  #count = 0;

  constructor(options: BubblewrapOptions) {
    this.#options = options;
    this.#filter = namelessFile(options.filter);
    this.#systemFiles = SYSTEM_FILES.map(({ at, content }) => ({ fd: namelessFile(Buffer.from(content)), at }));
  }

  async close(): Promise<void> {
    this.#pipes.close();
    for (const fd of [this.#filter, this.#nothing, ...this.#systemFiles.map((file) => file.fd)]) closeSync(fd);
  }

  async run(job: Job): Promise<Ended> {
    const box = this.#open(job, job.onResult === undefined ? undefined : this.#pipes.open());
    return this.#finish(box, job, { startedAt: performance.now(), cpuMs: 0 });
  }

  /** Only the program is missing: the interpreter is up and reads the descriptor that leads here. */
  wait(shell: Shell): Waiting {
    const input = this.#pipes.openInput();
    const job: Job = { ...shell, files: [], stdin: new Uint8Array(), onStdout: () => false, onStderr: () => false };
    let box: Box;
    try {
      box = this.#open(job, undefined, input.reader);
    } catch (error) {
      closeSync(input.writer);
      input.release();
      throw error;
    }
    const writer = new Socket({ fd: input.writer, readable: false, writable: true });
    writer.on('error', () => {});
    const closed = new Promise<void>((resolve) => {
      writer.on('close', () => resolve());
    });
    const finish = async (job: Parameters<Waiting['run']>[1], since: Since) => {
      try {
        return await this.#finish(box, job, since);
      } finally {
        writer.destroy();
        await closed;
        input.release();
      }
    };
    return {
      get isAlive() {
        return box.child.exitCode === null && box.child.signalCode === null;
      },
      run: (message, job) => {
        const since = { startedAt: performance.now(), cpuMs: box.usage().cpuMs };
        writer.end(message);
        return finish(job, since);
      },
      discard: async () => {
        box.kill();
        await finish(job, { startedAt: performance.now(), cpuMs: 0 });
      },
    };
  }

  #open(job: Job, result: PipeEnds | undefined, input?: number): Box {
    this.#count += 1;
    const stdout = this.#pipes.open();
    const stderr = this.#pipes.open();
    const cgroup = this.#options.cgroups?.create(groupName(this.#count), job.limits);
    let begun: { child: ChildProcess; status: Readable };
    try {
      begun = this.#start(job, cgroup, stdout.writer, stderr.writer, result?.writer ?? input);
    } catch (error) {
      giveBack([stdout, stderr, result]);
      void cgroup?.remove();
      throw error;
    }
    const { child, status } = begun;
    let init: number | undefined;
    let isKilled = false;
    let tree: ProcessTree | undefined;
    const reported = readStatus(status, (pid) => {
      init = pid;
      const { memoryBytes, diskBytes } = job.limits;
      if (cgroup === undefined) tree = new ProcessTree(pid, memoryBytes, { mount: WORK_DIRECTORY, bound: diskBytes });
      if (isKilled) killProcess(pid);
    });
    return {
      ...{ child, exited: exitOf(child), reported, stdout, stderr, result, cgroup },
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

  async #finish(box: Box, job: Supervised, since: Since): Promise<Ended> {
    try {
      const seen = await supervise(job, box, since.startedAt);
      const report = await box.reported;
      const usage = box.usage();
      return {
        started: report.exitCode !== undefined,
        trouble: report.exitCode === undefined ? `bubblewrap ended with ${seen.code}: ${seen.complaint}` : '',
        exitCode: report.exitCode ?? seen.code,
        stoppedFor: seen.stoppedFor,
        outOfMemory: seen.stoppedFor === 'memory' || usage.oomKills > 0,
        wallMs: seen.wallMs,
        cpuMs: Math.max(0, usage.cpuMs - since.cpuMs),
        peakMemoryBytes: usage.peakMemoryBytes,
        pidNamespace: report.pidNamespace,
      };
    } finally {
      await box.cgroup?.remove();
    }
  }

  /**
   * A toolchain in the home of the server's user can be bound by that user alone. Root's own processes are not counted
   * against RLIMIT_NPROC, so that such a job needs a control group.
   */
  #userFor({ binds }: Job): number | undefined {
    const { hostUid, cgroups } = this.#options;
    if (hostUid === undefined || binds.every(({ from }) => this.#isPublic(from))) return hostUid;
    if (cgroups === undefined)
      throw new Error('without control groups, a toolchain must lie where every user can read it');
    return undefined;
  }

  #isPublic(path: string): boolean {
    let known = this.#publicPaths.get(path);
    if (known === undefined) {
      known = isPublic(path);
      this.#publicPaths.set(path, known);
    }
    return known;
  }

  /** Starts bubblewrap, which waits for its arguments: in between it is put into its control group, before it has any child. */
  #start(
    job: Job,
    cgroup: Cgroup | undefined,
    stdout: number,
    stderr: number,
    result: number | undefined,
  ): { child: ChildProcess; status: Readable } {
    const { executable, layout, bindsDescriptors, inherited } = this.#options;
    const opened: number[] = [stdout, stderr];
    const stdio: (number | 'pipe' | 'ignore')[] = [];
    const pass = (fd: number): number => {
      opened.push(fd);
      return stdio.push(fd) - 1;
    };
    try {
      // A file and not a pipe: programs open /dev/stdin again, which on a FIFO would wait for a writer that is gone.
      pass(namelessReadOnlyFile(job.stdin));
      stdio.push(stdout, stderr, 'pipe', 'pipe');
      // Its number is the job's to know; the others after it are bubblewrap's alone, which closes them.
      if (result === undefined) stdio.push('ignore');
      else pass(result);
      const argumentsAt = 3;
      const passed = {
        status: 4,
        seccomp: pass(reopenForReading(this.#filter)),
        system: this.#systemFiles.map(({ fd, at }) => ({ fd: pass(reopenForReading(fd)), at })),
        binds: job.binds.map(({ from, at }) => ({
          from,
          fd: bindsDescriptors ? pass(pathDescriptor(from)) : undefined,
          at: at ?? from,
        })),
        program: job.program === undefined ? undefined : pass(reopenForReading(job.program)),
        files: job.files.map(({ name, content }) => ({ fd: pass(namelessFile(content)), name })),
      };
      coverInherited(stdio, inherited, this.#nothing);
      // An empty environment: bubblewrap is pid 1 inside at first, and its environment could be read there.
      const options: SpawnOptions = { env: NO_ENVIRONMENT, cwd: '/', stdio };
      const uid = this.#userFor(job);
      if (uid !== undefined) Object.assign(options, { uid, gid: uid });
      const command = supervisedCommand(job.argv, job.limits);
      const child = spawn(executable, ['--args', `${argumentsAt}`, '--', ...command], options);
      const [gate, status] = [child.stdio[argumentsAt], child.stdio[passed.status]];
      if (child.pid === undefined || !(gate instanceof Writable) || !(status instanceof Readable))
        throw new Error('bubblewrap could not be started');
      try {
        cgroup?.add(child.pid);
        setPriority(child.pid, NICENESS);
      } catch (error) {
        child.kill('SIGKILL');
        throw error;
      }
      gate.on('error', () => {});
      gate.end(`${bubblewrapArguments(layout, passed, job.env, job.limits).join('\0')}\0`);
      return { child, status };
    } finally {
      for (const fd of opened) closeSync(fd);
    }
  }
}

/** A sandbox that was started. */
interface Box extends Running {
  reported: Promise<Report>;
  cgroup: Cgroup | undefined;
  usage: () => Usage;
}

/** From when on a program's time counts, and what was used before it. */
interface Since {
  startedAt: number;
  cpuMs: number;
}

/** Pipes that nobody reads, since there is no program. */
function giveBack(pipes: readonly (PipeEnds | undefined)[]): void {
  for (const pipe of pipes) {
    if (pipe === undefined) continue;
    closeSync(pipe.reader);
    pipe.release();
  }
}

/** Whether a user who owns nothing can read what is at `path`. */
function isPublic(path: string): boolean {
  const target = realpathSync(path);
  const READ = 0o004;
  const ENTER = 0o001;
  if ((statSync(target).mode & READ) === 0) return false;
  for (let directory = dirname(target); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & ENTER) === 0) return false;
    if (directory === '/') return true;
  }
}

/** Overwrites what the server itself inherited; a descriptor that is in use for this spawn already is one of ours. */
function coverInherited(stdio: (number | 'pipe' | 'ignore')[], inherited: readonly number[], nothing: number): void {
  for (const fd of inherited) {
    while (stdio.length <= fd) stdio.push('ignore');
    if (stdio[fd] === 'ignore') stdio[fd] = nothing;
  }
}

interface Report {
  /** Undefined where the program never ran. */
  exitCode: number | undefined;
  pidNamespace: number | undefined;
}

/** Follows the JSON lines of `--json-status-fd` to their end. */
function readStatus(stream: Readable, onInit: (pid: number) => void): Promise<Report> {
  return new Promise((resolve) => {
    const report: Report = { exitCode: undefined, pidNamespace: undefined };
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line: unknown = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        const init = numberIn(line, 'child-pid');
        if (init !== undefined) onInit(init);
        report.exitCode ??= numberIn(line, 'exit-code');
        report.pidNamespace ??= numberIn(line, 'pid-namespace');
      }
    });
    stream.on('error', () => resolve(report));
    stream.on('close', () => resolve(report));
  });
}

function numberIn(line: unknown, name: string): number | undefined {
  if (typeof line !== 'object' || line === null) return undefined;
  const value: unknown = Reflect.get(line, name);
  return typeof value === 'number' ? value : undefined;
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone already, and its monitor is about to say so.
  }
}
