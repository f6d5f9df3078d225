import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { Readable, Writable } from 'node:stream';
import {
  bubblewrapArguments,
  SYSTEM_FILES,
  type SystemLayout,
  supervisedCommand,
} from '#lib/runner/sandbox/bubblewrap-arguments';
import type { Cgroup, CgroupDriver } from '#lib/runner/sandbox/cgroup';
import {
  namelessFile,
  namelessReadOnlyFile,
  type PipeEnds,
  PipePool,
  pathDescriptor,
  reopenForReading,
} from '#lib/runner/sandbox/descriptors';
import type { Ended, Job, Sandbox, StopReason } from '#lib/runner/sandbox/sandbox';
import { ProcessTree } from '#lib/runner/sandbox/watchdog';

export interface BubblewrapOptions {
  executable: string;
  layout: SystemLayout;
  /** The host user that sandboxes run as; undefined: as the server's own. */
  hostUid: number | undefined;
  cgroups: CgroupDriver | undefined;
  /** The seccomp program. */
  filter: Uint8Array;
  /** Descriptors of the server that would leak into a program. */
  inherited: readonly number[];
}

const NO_ENVIRONMENT: NodeJS.ProcessEnv = Object.create(null);
const LOOK_EVERY_MS = 25;
/** Programs yield to the server that watches them. */
const NICENESS = 5;
const MAX_TROUBLE_BYTES = 4000;

/** Runs each program in namespaces of its own, made by bubblewrap. */
export class Bubblewrap implements Sandbox {
  readonly tier = 'bubblewrap';
  readonly #options: BubblewrapOptions;
  readonly #pipes = new PipePool();
  readonly #filter: number;
  readonly #nothing = openSync('/dev/null', 'r');
  readonly #systemFiles: readonly { fd: number; at: string }[];
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
    this.#count += 1;
    const cgroup = this.#options.cgroups?.create(`chill-space-${process.pid}-${this.#count}`, job.limits);
    try {
      return await this.#supervise(job, cgroup);
    } finally {
      await cgroup?.remove();
    }
  }

  async #supervise(job: Job, cgroup: Cgroup | undefined): Promise<Ended> {
    const stdout = this.#pipes.open();
    const stderr = this.#pipes.open();
    const started = performance.now();
    const { child, status } = this.#start(job, cgroup, stdout.writer, stderr.writer);
    let stoppedFor: StopReason | undefined;
    let watchdogFired = false;
    let init: number | undefined;
    let tree: ProcessTree | undefined;

    // The end of a run is the end of its pid namespace: bubblewrap's monitor returns when the last process in it is gone,
    // which is why its child is killed and not the monitor itself.
    const stop = (reason: StopReason) => {
      if (stoppedFor !== undefined || child.exitCode !== null || child.signalCode !== null) return;
      stoppedFor = reason;
      if (init !== undefined) killProcess(init);
    };
    const report = readStatus(status, (pid) => {
      init = pid;
      if (cgroup === undefined) tree = new ProcessTree(pid);
      if (stoppedFor !== undefined) killProcess(pid);
    });

    const look = () => {
      if (cgroup !== undefined) {
        if (cgroup.usage().oomKills > 0) stop('memory');
      } else if (tree !== undefined && tree.look() > job.limits.memoryBytes) {
        watchdogFired = true;
        stop('memory');
      }
    };
    const watch = setInterval(look, LOOK_EVERY_MS);
    const clock = setTimeout(() => stop('wall'), job.limits.wallMs);
    const cancel = () => stop('cancelled');
    job.signal?.addEventListener('abort', cancel, { once: true });
    if (job.signal?.aborted === true) cancel();

    let trouble = '';
    const onRefused = () => stop('output');
    const drains = [
      new Drain(stdout, job.onStdout, onRefused),
      new Drain(
        stderr,
        (chunk) => {
          if (trouble.length < MAX_TROUBLE_BYTES) trouble += chunk.toString('latin1', 0, MAX_TROUBLE_BYTES);
          return job.onStderr(chunk);
        },
        onRefused,
      ),
    ];
    const code = await exitOf(child);
    const wallMs = performance.now() - started;
    clearInterval(watch);
    clearTimeout(clock);
    job.signal?.removeEventListener('abort', cancel);
    await Promise.all(drains.map((drain) => drain.finish()));
    const exitCode = await report;
    const usage = cgroup?.usage();
    return {
      started: exitCode !== undefined,
      trouble: exitCode === undefined ? `bubblewrap ended with ${code}: ${trouble}` : '',
      exitCode: exitCode ?? code,
      stoppedFor,
      outOfMemory: watchdogFired || (usage?.oomKills ?? 0) > 0,
      wallMs,
      cpuMs: usage?.cpuMs ?? tree?.cpuMs ?? 0,
      peakMemoryBytes: usage?.peakMemoryBytes ?? tree?.peakMemoryBytes ?? 0,
    };
  }

  /** Starts bubblewrap, which waits for its arguments: in between it is put into its control group, before it has any child. */
  #start(
    job: Job,
    cgroup: Cgroup | undefined,
    stdout: number,
    stderr: number,
  ): { child: ChildProcess; status: Readable } {
    const { executable, layout, hostUid, inherited } = this.#options;
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
      const argumentsAt = 3;
      const passed = {
        status: 4,
        seccomp: pass(reopenForReading(this.#filter)),
        system: this.#systemFiles.map(({ fd, at }) => ({ fd: pass(reopenForReading(fd)), at })),
        binds: job.binds.map(({ from, at }) => ({ fd: pass(pathDescriptor(from)), at: at ?? from })),
        files: job.files.map(({ name, content }) => ({ fd: pass(namelessFile(content)), name })),
      };
      coverInherited(stdio, inherited, this.#nothing);
      // An empty environment: bubblewrap is pid 1 inside at first, and its environment could be read there.
      const options: SpawnOptions = { env: NO_ENVIRONMENT, cwd: '/', stdio };
      if (hostUid !== undefined) Object.assign(options, { uid: hostUid, gid: hostUid });
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

/** Overwrites what the server itself inherited; a descriptor that is in use for this spawn already is one of ours. */
function coverInherited(stdio: (number | 'pipe' | 'ignore')[], inherited: readonly number[], nothing: number): void {
  for (const fd of inherited) {
    while (stdio.length <= fd) stdio.push('ignore');
    if (stdio[fd] === 'ignore') stdio[fd] = nothing;
  }
}

/** Follows the JSON lines of `--json-status-fd`; resolves with the exit code, or undefined where the program never ran. */
function readStatus(stream: Readable, onInit: (pid: number) => void): Promise<number | undefined> {
  return new Promise((resolve) => {
    let text = '';
    let exitCode: number | undefined;
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line: unknown = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        if (typeof line !== 'object' || line === null) continue;
        if ('child-pid' in line && typeof line['child-pid'] === 'number') onInit(line['child-pid']);
        if ('exit-code' in line && typeof line['exit-code'] === 'number') exitCode = line['exit-code'];
      }
    });
    stream.on('error', () => resolve(exitCode));
    stream.on('close', () => resolve(exitCode));
  });
}

/**
 * Reads a pipe until nobody can write to it any more. Once `take` refuses nothing more is read, so that the writer is held up
 * until it is gone; `release` is called when this end is closed too.
 */
class Drain {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #refused = false;

  constructor({ reader, release }: PipeEnds, take: (chunk: Buffer) => boolean, onRefused: () => void) {
    const socket = new Socket({ fd: reader, readable: true, writable: false });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#refused || take(chunk)) return;
      this.#refused = true;
      socket.pause();
      onRefused();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        release();
        resolve();
      });
    });
  }

  /** The writers are gone: reads what is left, unless that is not wanted. */
  finish(): Promise<void> {
    if (this.#refused) this.#socket.destroy();
    return this.closed;
  }
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === null ? 0 : 128)));
  });
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone already, and its monitor is about to say so.
  }
}
