import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setPriority } from 'node:os';
import { Readable, Writable } from 'node:stream';
import type { Bind } from '#lib/runner/languages/language';
import {
  bubblewrapArguments,
  lateCommand,
  SYSTEM_FILES,
  type SystemLayout,
  supervisedCommand,
} from '#lib/runner/sandbox/bubblewrap-arguments';
import type { Cgroup, CgroupDriver } from '#lib/runner/sandbox/cgroup';
import { namelessFile, pathDescriptor, reopenForReading } from '#lib/runner/sandbox/descriptors';
import { isPublic } from '#lib/runner/sandbox/public-path';
import type { Job } from '#lib/runner/sandbox/sandbox';

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

/** What bubblewrap is started with. The descriptors are taken over. */
export interface Launch extends Pick<Job, 'env' | 'binds' | 'limits'> {
  /** Undefined where it is not known yet. */
  argv: readonly string[] | undefined;
  stdin: number;
  /** At `INPUT_DESCRIPTOR`. */
  input?: number | undefined;
  hasResult: boolean;
  gate?: number | undefined;
  program: number | undefined;
  files: readonly { fd: number; name: string }[];
}

export interface Begun {
  child: ChildProcess;
  status: Readable;
  /** Until then bubblewrap does nothing. Rejects where it could not be put into its control group, and then never does. */
  confined: Promise<void>;
}

export const NO_ENVIRONMENT: NodeJS.ProcessEnv = Object.create(null);
/** Programs yield to the server that watches them. */
export const NICENESS = 5;

/** Starts bubblewrap with exactly the descriptors, the user and the arguments that a sandbox takes. */
export class Launcher {
  readonly #options: BubblewrapOptions;
  readonly #filter: number;
  readonly #nothing = openSync('/dev/null', 'r');
  readonly #systemFiles: readonly { fd: number; at: string }[];
  readonly #publicPaths = new Map<string, boolean>();

  constructor(options: BubblewrapOptions) {
    this.#options = options;
    this.#filter = namelessFile(options.filter);
    this.#systemFiles = SYSTEM_FILES.map(({ at, content }) => ({ fd: namelessFile(Buffer.from(content)), at }));
  }

  close(): void {
    for (const fd of [this.#filter, this.#nothing, ...this.#systemFiles.map((file) => file.fd)]) closeSync(fd);
  }

  /** Starts bubblewrap, which waits for its arguments: in between it is put into its control group, before it has any child. */
  start(launch: Launch, cgroup: Cgroup | undefined, stdout: number, stderr: number, result: number | undefined): Begun {
    const { executable, layout, bindsDescriptors, inherited } = this.#options;
    const { argv, env, limits } = launch;
    const fifth = result ?? launch.input;
    const opened = [launch.stdin, stdout, stderr, launch.gate, launch.program, fifth].filter((fd) => fd !== undefined);
    opened.push(...launch.files.map(({ fd }) => fd));
    // The fifth's number is the job's to know; those after it are bubblewrap's alone, which closes them.
    const stdio: (number | 'pipe' | 'ignore')[] = [launch.stdin, stdout, stderr, 'pipe', 'pipe', fifth ?? 'ignore'];
    const pass = (fd: number): number => stdio.push(fd) - 1;
    const own = (fd: number): number => {
      opened.push(fd);
      return pass(fd);
    };
    try {
      const argumentsAt = 3;
      const passed = {
        status: 4,
        seccomp: own(reopenForReading(this.#filter)),
        system: this.#systemFiles.map(({ fd, at }) => ({ fd: own(reopenForReading(fd)), at })),
        binds: launch.binds.map(({ from, at }) => ({
          from,
          fd: bindsDescriptors ? own(pathDescriptor(from)) : undefined,
          at: at ?? from,
        })),
        gate: launch.gate === undefined ? undefined : pass(launch.gate),
        program: launch.program === undefined ? undefined : pass(launch.program),
        files: launch.files.map(({ fd, name }) => ({ fd: pass(fd), name })),
      };
      coverInherited(stdio, inherited, this.#nothing);
      // An empty environment: bubblewrap is pid 1 inside at first, and its environment could be read there.
      const options: SpawnOptions = { env: NO_ENVIRONMENT, cwd: '/', stdio };
      const uid = this.#userFor(launch.binds);
      if (uid !== undefined) Object.assign(options, { uid, gid: uid });
      const command = argv === undefined ? lateCommand(limits) : supervisedCommand(argv, limits);
      const child = spawn(executable, ['--args', `${argumentsAt}`, '--', ...command], options);
      const [gate, status] = [child.stdio[argumentsAt], child.stdio[passed.status]];
      if (child.pid === undefined || !(gate instanceof Writable) || !(status instanceof Readable))
        throw new Error('bubblewrap could not be started');
      setPriority(child.pid, NICENESS);
      gate.on('error', () => {});
      const confined = cgroup?.add(child.pid) ?? Promise.resolve();
      confined.then(
        () => gate.end(`${bubblewrapArguments(layout, passed, env, limits).join('\0')}\0`),
        () => child.kill('SIGKILL'),
      );
      return { child, status, confined };
    } finally {
      for (const fd of opened) closeSync(fd);
    }
  }
  /**
   * A toolchain in the home of the server's user can be bound by that user alone. Root's own processes are not counted
   * against RLIMIT_NPROC, so that such a job needs a control group.
   */
  #userFor(binds: readonly Bind[]): number | undefined {
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
}

/** Overwrites what the server itself inherited; a descriptor that is in use for this spawn already is one of ours. */
export function coverInherited(
  stdio: (number | 'pipe' | 'ignore')[],
  inherited: readonly number[],
  nothing: number,
): void {
  for (const fd of inherited) {
    while (stdio.length <= fd) stdio.push('ignore');
    if (stdio[fd] === 'ignore') stdio[fd] = nothing;
  }
}
