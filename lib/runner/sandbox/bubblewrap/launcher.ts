import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Bind } from '#lib/languages/language';
import { anonymousFile, type PipePool, pathDescriptor } from '#lib/runner/sandbox/anonymous-files';
import {
  bubblewrapArguments,
  deferredCommand,
  SYSTEM_FILES,
  type SystemLayout,
  supervisedCommand,
} from '#lib/runner/sandbox/bubblewrap/arguments';
import { readStatus, type StatusStream } from '#lib/runner/sandbox/bubblewrap/status';
import type { Cgroup, CgroupDriver } from '#lib/runner/sandbox/cgroup';
import { ForkServer, type InheritedFd } from '#lib/runner/sandbox/fork-server/fork-server';
import type { Execution } from '#lib/runner/sandbox/sandbox';
import { killProcess } from '#lib/runner/sandbox/supervision';
import { isWorldReadable } from '#lib/runner/sandbox/world-readable';

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
}

/** What bubblewrap is started with. The descriptors are taken over. */
export interface BubblewrapLaunch extends Pick<Execution, 'env' | 'binds' | 'limits'> {
  /** Undefined where it is not known yet. */
  argv: readonly string[] | undefined;
  stdin: number;
  isStdinPipe?: boolean;
  /** At `INPUT_DESCRIPTOR`. */
  input?: number | undefined;
  hasResult: boolean;
  program: number | undefined;
  gate?: number | undefined;
  /** It is there once the gate is open. */
  lateProgram?: number | undefined;
  files: readonly { fd: number; name: string }[];
}

/** The ends of pipes that the program writes to. They are taken over. */
export interface OutputDescriptors {
  stdout: number;
  stderr: number;
  result: number | undefined;
}

export interface StartedProcess extends StatusStream {
  /** Undefined until it is there. */
  pid: () => number | undefined;
  /** Resolves with `reported`, with the exit code. Rejects where bubblewrap cannot be started. */
  exited: Promise<number>;
  /**
   * Until then bubblewrap does nothing. Rejects where it could not be started or put into its control group, and then never
   * does.
   */
  confined: Promise<void>;
}

/** Starts bubblewrap with exactly the descriptors, the user and the arguments that a sandbox takes. */
export class BubblewrapLauncher {
  readonly #options: BubblewrapOptions;
  readonly #pipes: PipePool;
  readonly #spawner = new ForkServer();
  readonly #filter: number;
  readonly #systemFiles: readonly { fd: number; at: string }[];
  readonly #publicPaths = new Map<string, boolean>();

  constructor(options: BubblewrapOptions, pipes: PipePool) {
    this.#options = options;
    this.#pipes = pipes;
    this.#filter = anonymousFile(options.filter);
    this.#systemFiles = SYSTEM_FILES.map(({ at, content }) => ({ fd: anonymousFile(Buffer.from(content)), at }));
  }

  close(): void {
    this.#spawner.close();
    for (const fd of [this.#filter, ...this.#systemFiles.map((file) => file.fd)]) closeSync(fd);
  }

  /**
   * Starts bubblewrap, which waits for its arguments: in between it is put into its control group, before it has any child.
   * `onInit` is told the process id of the sandbox's first process.
   */
  start(
    launch: BubblewrapLaunch,
    cgroup: Cgroup | undefined,
    output: OutputDescriptors,
    onInit: (pid: number) => void,
  ): StartedProcess {
    const { executable, layout, bindsDescriptors } = this.#options;
    const { argv, env, limits } = launch;
    const { stdout, stderr, result } = output;
    // Closed here as soon as bubblewrap has them.
    const { gate: opens, program, lateProgram } = launch;
    const opened = [launch.stdin, stdout, stderr, result, launch.input, opens, program, lateProgram]
      .filter((fd) => fd !== undefined)
      .concat(launch.files.map(({ fd }) => fd));
    const close = () => {
      for (const fd of opened.splice(0)) closeSync(fd);
    };
    try {
      const uid = this.#userFor(launch.binds);
      const { status, gate, lent } = this.#ownPipes(opened);
      const { reported, closed } = readStatus(status, onInit);
      const descriptors: (InheritedFd | undefined)[] = [
        { fd: launch.stdin, as: launch.isStdinPipe ? 'pipe to read' : 'file' },
        { fd: stdout, as: 'pipe to write' },
        { fd: stderr, as: 'pipe to write' },
        ...lent,
      ];
      // The fifth's number is the job's to know; those after it are bubblewrap's alone, which closes them.
      if (result !== undefined) descriptors.push({ fd: result, as: 'pipe to write' });
      else descriptors.push(launch.input === undefined ? undefined : { fd: launch.input, as: 'pipe to read' });
      const pass = (fd: number, as: InheritedFd['as'] = 'file'): number => descriptors.push({ fd, as }) - 1;
      const bind = (from: string): number => {
        const fd = pathDescriptor(from);
        opened.push(fd);
        return pass(fd, 'path');
      };
      const passed = {
        status: STATUS_DESCRIPTOR,
        seccomp: pass(this.#filter),
        system: this.#systemFiles.map(({ fd, at }) => ({ fd: pass(fd), at })),
        binds: launch.binds.map(({ from, at }) => ({
          from,
          fd: bindsDescriptors ? bind(from) : undefined,
          at: at ?? from,
        })),
        gate: opens === undefined ? undefined : pass(opens, 'pipe to read'),
        program: program === undefined ? undefined : pass(program),
        lateProgram: lateProgram === undefined ? undefined : pass(lateProgram),
        files: launch.files.map(({ fd, name }) => ({ fd: pass(fd), name })),
      };
      const command = argv === undefined ? deferredCommand(limits) : supervisedCommand(argv, limits);
      const args = ['--args', `${ARGUMENTS_DESCRIPTOR}`, '--', ...command];
      const spawned = this.#spawner.spawn({ executable, args, uid, descriptors });
      const confined = spawned.started.finally(close).then(async (pid) => {
        try {
          await cgroup?.add(pid);
        } catch (error) {
          killProcess(pid);
          throw error;
        }
      });
      confined.then(
        () => gate.end(`${bubblewrapArguments(layout, passed, env, limits).join('\0')}\0`),
        () => gate.destroy(),
      );
      const exited = reported.then(({ exitCode }) => exitCode ?? spawned.exited);
      return { pid: () => spawned.pid, reported, closed, exited, confined };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** What bubblewrap is told, and what it tells. Both are given back when it has ended. */
  #ownPipes(opened: number[]): { status: Socket; gate: Socket; lent: [InheritedFd, InheritedFd] } {
    const told = this.#pipes.openInput();
    const tells = this.#pipes.open();
    opened.push(told.reader, tells.writer);
    const gate = new Socket({ fd: told.writer, readable: false, writable: true });
    const status = new Socket({ fd: tells.reader, readable: true, writable: false });
    gate.on('error', () => {});
    status.on('close', () => {
      tells.release();
      if (gate.closed) told.release();
      else gate.on('close', told.release).destroy();
    });
    return {
      ...{ status, gate },
      lent: [
        { fd: told.reader, as: 'pipe to read' },
        { fd: tells.writer, as: 'pipe to write' },
      ],
    };
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
      known = isWorldReadable(path);
      this.#publicPaths.set(path, known);
    }
    return known;
  }
}

const ARGUMENTS_DESCRIPTOR = 3;
const STATUS_DESCRIPTOR = 4;
