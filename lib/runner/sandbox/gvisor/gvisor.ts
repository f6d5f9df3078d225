import { type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import type { ResourceLimits } from '#lib/runner/resource-limits';
import {
  anonymousFile,
  anonymousReadOnlyFile,
  openContent,
  pathDescriptor,
  reopenForReading,
} from '#lib/runner/sandbox/anonymous-files';
import { SANDBOX_UID, SYSTEM_FILES } from '#lib/runner/sandbox/bubblewrap/arguments';
import type { BubblewrapOptions } from '#lib/runner/sandbox/bubblewrap/launcher';
import { type BubblewrapStatus, readStatus } from '#lib/runner/sandbox/bubblewrap/status';
import { type Cgroup, type CgroupUsage, cgroupName } from '#lib/runner/sandbox/cgroup';
import { beNicer, coverInherited, NO_ENVIRONMENT } from '#lib/runner/sandbox/fork-server/spawn-options';
import { containerSpec, END_DESCRIPTOR, outerArguments, outerCommand } from '#lib/runner/sandbox/gvisor/bundle';
import { PipePool, releasePipes } from '#lib/runner/sandbox/pipe-pool';
import type { Execution, ExitReport, Sandbox } from '#lib/runner/sandbox/sandbox';
import { exitOf, hasExited, killProcess, type SupervisedProcess, supervise } from '#lib/runner/sandbox/supervision';
import { GvisorProcessTree, meter } from '#lib/runner/sandbox/watchdog';
import { isWorldReadable } from '#lib/runner/sandbox/world-readable';

export type GvisorOptions = Omit<BubblewrapOptions, 'filter'> & {
  /** Descriptors of the server that would leak into a program. */
  inherited: readonly number[];
  runsc: string;
  platform: string;
  /** Memory of gVisor with a minimal program, which does not count as the program's. */
  ownBytes: number;
  /** Start time of gVisor, which does not count either. */
  ownMs: number;
};

/** gVisor's memory grows with its program: this multiple of `ownBytes` is allowed on top. */
const OWN_MEMORY_FACTOR = 2;
/**
 * Threads of gVisor itself, and those that run a process of the program: up to one for each of its
 * own threads that has met the process. gVisor's kernel enforces the limit of the program; if the
 * host's limit came first, gVisor would give up.
 */
const OWN_THREADS = 512;
const THREADS_PER_PROCESS = 32;
/** SIGKILL, as a shell reports it. */
const KILLED = 137;
const MIN_REPORTED_BYTES = 1024 * 1024;

interface RunningGvisor extends SupervisedProcess {
  confined: Promise<void>;
  reported: Promise<BubblewrapStatus>;
  /** Whether the program ended, and not gVisor. */
  endedItself: Promise<boolean>;
  cgroup: Cgroup | undefined;
  usage: () => CgroupUsage;
}

/**
 * Runs each program on gVisor's kernel: a process that handles its system calls and makes few of
 * its own. gVisor itself runs in namespaces that bubblewrap makes, so a program that escapes from
 * one is still in the other.
 */
export class Gvisor implements Sandbox {
  readonly tier = 'gvisor';
  readonly #options: GvisorOptions;
  readonly #pipes = new PipePool();
  readonly #nothing = openSync('/dev/null', 'r');
  readonly #systemFiles: readonly { fd: number; at: string }[];
  #count = 0;

  constructor(options: GvisorOptions) {
    this.#options = options;
    this.#systemFiles = SYSTEM_FILES.map(({ at, content }) => ({ fd: anonymousFile(Buffer.from(content)), at }));
  }

  async close(): Promise<void> {
    this.#pipes.close();
    for (const fd of [this.#nothing, ...this.#systemFiles.map((file) => file.fd)]) closeSync(fd);
  }

  async run(execution: Execution): Promise<ExitReport> {
    const startedAt = performance.now();
    const running = this.#open(execution);
    try {
      const limits = { ...execution.limits, wallMs: execution.limits.wallMs + this.#options.ownMs };
      const seen = await supervise(
        { ...execution, limits, onStdout: execution.onResult ?? execution.onStdout, onResult: undefined },
        running,
        startedAt,
      );
      await running.confined;
      const [report, endedItself] = await Promise.all([running.reported, running.endedItself]);
      const usage = running.usage();
      const outOfMemory = seen.stopReason === 'memory' || usage.oomKills > 0;
      return {
        // If gVisor itself ended, at any time, the program did not run to its end.
        started: endedItself || outOfMemory || seen.stopReason !== undefined,
        setupError: endedItself ? '' : `gVisor ended with ${report.exitCode ?? seen.code}: ${seen.stderrStart}`,
        exitCode: outOfMemory && !endedItself ? KILLED : (report.exitCode ?? seen.code),
        stopReason: seen.stopReason,
        outOfMemory,
        wallMs: seen.wallMs,
        cpuMs: usage.cpuMs,
        peakMemoryBytes: Math.max(MIN_REPORTED_BYTES, usage.peakMemoryBytes - this.#options.ownBytes),
        pidNamespace: report.pidNamespace,
      };
    } finally {
      await running.cgroup?.remove();
    }
  }

  #open(execution: Execution): RunningGvisor {
    this.#count += 1;
    const stdout = this.#pipes.open();
    const stderr = this.#pipes.open();
    const limits = this.#outerLimits(execution.limits);
    const cgroup = this.#options.cgroups?.create(cgroupName(this.#count), limits);
    try {
      const { child, status, end, confined } = this.#start(execution, cgroup, stdout.writer, stderr.writer);
      let init: number | undefined;
      let isKilled = false;
      let tree: GvisorProcessTree | undefined;
      const { reported } = readStatus(status, (pid) => {
        init = pid;
        if (cgroup === undefined) tree = new GvisorProcessTree(pid, limits.memoryBytes);
        if (isKilled) killProcess(pid);
      });
      return {
        ...{ exited: exitOf(child), isOver: () => hasExited(child), stdout, stderr, result: undefined },
        ...{ cgroup, confined, reported, endedItself: hasContent(end) },
        ...meter(cgroup, () => tree),
        // The first process of the namespaces, in which all of gVisor runs.
        kill: () => {
          isKilled = true;
          if (init !== undefined) killProcess(init);
        },
      };
    } catch (error) {
      releasePipes([stdout, stderr]);
      void cgroup?.remove();
      throw error;
    }
  }

  #outerLimits(limits: ResourceLimits): ResourceLimits {
    return {
      ...limits,
      memoryBytes: limits.memoryBytes + OWN_MEMORY_FACTOR * this.#options.ownBytes,
      processes: OWN_THREADS + THREADS_PER_PROCESS * limits.processes,
    };
  }

  #start(execution: Execution, cgroup: Cgroup | undefined, stdout: number, stderr: number) {
    const { executable, layout, hostUid, bindsDescriptors, inherited, runsc, platform } = this.#options;
    const opened: number[] = [stdout, stderr];
    const stdio: (number | 'pipe' | 'ignore')[] = [];
    const pass = (fd: number): number => {
      opened.push(fd);
      return stdio.push(fd) - 1;
    };
    try {
      pass(anonymousReadOnlyFile(execution.stdin));
      stdio.push(stdout, stderr, 'pipe', 'pipe', 'pipe');
      const argumentsAt = 3;
      const passed = {
        status: 4,
        spec: pass(anonymousFile(Buffer.from(containerSpec(execution, SANDBOX_UID)))),
        system: this.#systemFiles.map(({ fd, at }) => ({ fd: pass(reopenForReading(fd)), at })),
        binds: execution.binds.map(({ from, at }) => ({
          from,
          fd: bindsDescriptors ? pass(pathDescriptor(from)) : undefined,
          at: at ?? from,
        })),
        program: execution.program === undefined ? undefined : pass(openContent(execution.program)),
        files: execution.files.map(({ name, content }) => ({ fd: pass(anonymousFile(content)), name })),
      };
      coverInherited(stdio, inherited, this.#nothing);
      const options: SpawnOptions = { env: NO_ENVIRONMENT, cwd: '/', stdio };
      if (hostUid !== undefined && execution.binds.every(({ from }) => isWorldReadable(from)))
        Object.assign(options, { uid: hostUid, gid: hostUid });
      const command = outerCommand(runsc, platform);
      const child = spawn(executable, ['--args', `${argumentsAt}`, '--', ...command], options);
      const [gate, status, end] = [argumentsAt, passed.status, END_DESCRIPTOR].map((at) => child.stdio[at]);
      if (
        child.pid === undefined ||
        !(gate instanceof Writable) ||
        !(status instanceof Readable) ||
        !(end instanceof Readable)
      )
        throw new Error('bubblewrap could not be started');
      beNicer(child.pid);
      gate.on('error', () => {});
      const confined = cgroup?.add(child.pid) ?? Promise.resolve();
      confined.then(
        () => gate.end(`${outerArguments(layout, passed).join('\0')}\0`),
        () => child.kill('SIGKILL'),
      );
      return { child, status, end, confined };
    } finally {
      for (const fd of opened) closeSync(fd);
    }
  }
}

/** Whether the stream carries any bytes before it closes. */
function hasContent(stream: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    let seen = false;
    stream.on('data', () => {
      seen = true;
    });
    stream.on('error', () => resolve(seen));
    stream.on('close', () => resolve(seen));
  });
}
