import { type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import type { ResourceLimits } from '#lib/runner/resource-limits';
import {
  anonymousFile,
  anonymousReadOnlyFile,
  PipePool,
  pathDescriptor,
  reopenForReading,
} from '#lib/runner/sandbox/anonymous-files';
import { SANDBOX_UID, SYSTEM_FILES } from '#lib/runner/sandbox/bubblewrap/arguments';
import { releasePipes } from '#lib/runner/sandbox/bubblewrap/bubblewrap';
import type { BubblewrapOptions } from '#lib/runner/sandbox/bubblewrap/launcher';
import { type BubblewrapStatus, readStatus } from '#lib/runner/sandbox/bubblewrap/status';
import { type Cgroup, type CgroupUsage, cgroupName } from '#lib/runner/sandbox/cgroup';
import { beNicer, coverInherited, NO_ENVIRONMENT } from '#lib/runner/sandbox/fork-server/spawn-options';
import { containerSpec, END_DESCRIPTOR, outerArguments, outerCommand } from '#lib/runner/sandbox/gvisor/bundle';
import type { Execution, ExitReport, Sandbox } from '#lib/runner/sandbox/sandbox';
import { exitOf, hasExited, killProcess, type SupervisedProcess, supervise } from '#lib/runner/sandbox/supervision';
import { GvisorProcessTree } from '#lib/runner/sandbox/watchdog';
import { isWorldReadable } from '#lib/runner/sandbox/world-readable';

export type GvisorOptions = Omit<BubblewrapOptions, 'filter'> & {
  /** Descriptors of the server that would leak into a program. */
  inherited: readonly number[];
  runsc: string;
  platform: string;
  /** What gVisor takes with next to nothing in it, which is not counted as the program's. */
  ownBytes: number;
  /** How long it takes to begin, which is not counted either. */
  ownMs: number;
};

/** gVisor's own memory grows with what it runs: so many times what it takes at first is allowed for beside the program's bound. */
const OWN_SHARE = 2;
/**
 * Threads of gVisor's own, and those with which it runs the program's: up to one for each of its own that has met the process. Its
 * kernel keeps the program's own limit; should the host's be met first, gVisor would give up.
 */
const OWN_THREADS = 512;
const THREADS_PER_PROCESS = 32;

/**
 * Runs each program on a kernel of its own: gVisor's, a process that answers its system calls and makes few of its own. gVisor runs
 * in namespaces that bubblewrap made, so that its end and its place among the host's files are as in the other tier, and whoever breaks
 * out of the one is in the other.
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

  async run(job: Execution): Promise<ExitReport> {
    const startedAt = performance.now();
    const box = this.#open(job);
    try {
      const limits = { ...job.limits, wallMs: job.limits.wallMs + this.#options.ownMs };
      const seen = await supervise(
        { ...job, limits, onStdout: job.onResult ?? job.onStdout, onResult: undefined },
        box,
        startedAt,
      );
      await box.confined;
      const [report, endedItself] = await Promise.all([box.reported, box.endedItself]);
      const usage = box.usage();
      const outOfMemory = seen.stopReason === 'memory' || usage.oomKills > 0;
      return {
        // gVisor's own end, in whichever moment it came, is not the program's.
        started: endedItself || outOfMemory || seen.stopReason !== undefined,
        setupError: endedItself ? '' : `gVisor ended with ${report.exitCode ?? seen.code}: ${seen.stderrStart}`,
        exitCode: outOfMemory && !endedItself ? KILLED : (report.exitCode ?? seen.code),
        stopReason: seen.stopReason,
        outOfMemory,
        wallMs: seen.wallMs,
        cpuMs: usage.cpuMs,
        peakMemoryBytes: Math.max(LEAST_BYTES, usage.peakMemoryBytes - this.#options.ownBytes),
        pidNamespace: report.pidNamespace,
      };
    } finally {
      await box.cgroup?.remove();
    }
  }

  #open(job: Execution): RunningGvisor {
    this.#count += 1;
    const stdout = this.#pipes.open();
    const stderr = this.#pipes.open();
    const limits = this.#outerLimits(job.limits);
    const cgroup = this.#options.cgroups?.create(cgroupName(this.#count), limits);
    try {
      const { child, status, end, confined } = this.#start(job, cgroup, stdout.writer, stderr.writer);
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
        ...{ cgroup, confined, reported, endedItself: hasWords(end) },
        usage: () => {
          tree?.look();
          return (
            cgroup?.usage() ?? { cpuMs: tree?.cpuMs ?? 0, peakMemoryBytes: tree?.peakMemoryBytes ?? 0, oomKills: 0 }
          );
        },
        isOverMemory: () => (cgroup === undefined ? tree?.look() === true : cgroup.usage().oomKills > 0),
        // As in the other tier: the first process of the namespaces, in which all of gVisor is.
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
      memoryBytes: limits.memoryBytes + OWN_SHARE * this.#options.ownBytes,
      processes: OWN_THREADS + THREADS_PER_PROCESS * limits.processes,
    };
  }

  #start(job: Execution, cgroup: Cgroup | undefined, stdout: number, stderr: number) {
    const { executable, layout, hostUid, bindsDescriptors, inherited, runsc, platform } = this.#options;
    const opened: number[] = [stdout, stderr];
    const stdio: (number | 'pipe' | 'ignore')[] = [];
    const pass = (fd: number): number => {
      opened.push(fd);
      return stdio.push(fd) - 1;
    };
    try {
      pass(anonymousReadOnlyFile(job.stdin));
      stdio.push(stdout, stderr, 'pipe', 'pipe', 'pipe');
      const argumentsAt = 3;
      const passed = {
        status: 4,
        spec: pass(anonymousFile(Buffer.from(containerSpec(job, SANDBOX_UID)))),
        system: this.#systemFiles.map(({ fd, at }) => ({ fd: pass(reopenForReading(fd)), at })),
        binds: job.binds.map(({ from, at }) => ({
          from,
          fd: bindsDescriptors ? pass(pathDescriptor(from)) : undefined,
          at: at ?? from,
        })),
        program: job.program === undefined ? undefined : pass(reopenForReading(job.program)),
        files: job.files.map(({ name, content }) => ({ fd: pass(anonymousFile(content)), name })),
      };
      coverInherited(stdio, inherited, this.#nothing);
      const options: SpawnOptions = { env: NO_ENVIRONMENT, cwd: '/', stdio };
      if (hostUid !== undefined && job.binds.every(({ from }) => isWorldReadable(from)))
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

interface RunningGvisor extends SupervisedProcess {
  confined: Promise<void>;
  reported: Promise<BubblewrapStatus>;
  /** Whether it was the program that ended, and not gVisor. */
  endedItself: Promise<boolean>;
  cgroup: Cgroup | undefined;
  usage: () => CgroupUsage;
}

/** By SIGKILL, as a shell would say it. */
const KILLED = 137;
/** What the smallest program takes. */
const LEAST_BYTES = 1024 * 1024;

function hasWords(stream: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    let seen = false;
    stream.on('data', () => {
      seen = true;
    });
    stream.on('error', () => resolve(seen));
    stream.on('close', () => resolve(seen));
  });
}
