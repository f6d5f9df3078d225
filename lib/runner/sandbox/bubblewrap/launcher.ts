import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Bind } from '#lib/languages/language';
import { anonymousFile, anonymousReadOnlyFile, pathDescriptor } from '#lib/runner/sandbox/anonymous-files';
import {
  bubblewrapArguments,
  deferredCommand,
  SYSTEM_FILES,
  type SystemLayout,
  supervisedCommand,
  zygoteArguments,
} from '#lib/runner/sandbox/bubblewrap/arguments';
import { readStatus, type StatusStream } from '#lib/runner/sandbox/bubblewrap/status';
import type { Cgroup, CgroupDriver } from '#lib/runner/sandbox/cgroup';
import { ForkServer, type InheritedFd } from '#lib/runner/sandbox/fork-server/fork-server';
import type { InputPipe, OutputPipe, PipePool } from '#lib/runner/sandbox/pipe-pool';
import type { Execution, InterpreterSpec } from '#lib/runner/sandbox/sandbox';
import { killProcess } from '#lib/runner/sandbox/supervision';
import { isWorldReadable } from '#lib/runner/sandbox/world-readable';
import type { ZygoteProcess } from '#lib/runner/sandbox/zygote/zygote';
import { zygoteCommand, zygoteScriptPath } from '#lib/runner/sandbox/zygote/zygote-program';

const ARGUMENTS_DESCRIPTOR = 3;
const STATUS_DESCRIPTOR = 4;

export interface BubblewrapOptions {
  executable: string;
  layout: SystemLayout;
  /** The host user of the sandboxes; undefined: the user of the server. */
  hostUid: number | undefined;
  cgroups: CgroupDriver | undefined;
  /** Whether this bubblewrap supports `--ro-bind-fd`. */
  bindsDescriptors: boolean;
  /** The seccomp program, as `assemble` returns it. */
  filter: Uint8Array;
  /** Path of the Python of zygotes, on the host and inside; undefined: there are none. */
  python?: string | undefined;
}

/** Input of one start. The launcher takes over all descriptors. */
export interface BubblewrapLaunch extends Pick<Execution, 'env' | 'binds' | 'limits'> {
  /** Undefined if it comes later, through the gate. */
  argv: readonly string[] | undefined;
  stdin: number;
  isStdinPipe?: boolean;
  /** Becomes `INPUT_DESCRIPTOR`. */
  input?: number | undefined;
  hasResult: boolean;
  program: number | undefined;
  /** bubblewrap blocks on it before it copies `lateProgram` and `files`. */
  gate?: number | undefined;
  lateProgram?: number | undefined;
  files: readonly { fd: number; name: string }[];
}

/** The write ends of the program's pipes. The launcher takes them over. */
export interface OutputDescriptors {
  stdout: number;
  stderr: number;
  result: number | undefined;
}

export interface StartedProcess extends StatusStream {
  /** Undefined until the process exists. */
  pid: () => number | undefined;
  /** Resolves together with `reported`. Rejects if bubblewrap cannot be started. */
  exited: Promise<number>;
  /**
   * bubblewrap does nothing before it resolves. Rejects if the process cannot be started or put
   * into its control group; bubblewrap then never does anything.
   */
  confined: Promise<void>;
}

/** Starts bubblewrap with the exact descriptors, user and arguments of a sandbox. */
export class BubblewrapLauncher {
  readonly #options: BubblewrapOptions;
  readonly #pipes: PipePool;
  readonly #forkServer = new ForkServer();
  readonly #filter: number;
  readonly #systemFiles: readonly { fd: number; at: string }[];
  readonly #worldReadable = new Map<string, boolean>();

  constructor(options: BubblewrapOptions, pipes: PipePool) {
    this.#options = options;
    this.#pipes = pipes;
    this.#filter = anonymousFile(options.filter);
    this.#systemFiles = SYSTEM_FILES.map(({ at, content }) => ({ fd: anonymousFile(Buffer.from(content)), at }));
  }

  close(): void {
    this.#forkServer.close();
    for (const fd of [this.#filter, ...this.#systemFiles.map((file) => file.fd)]) closeSync(fd);
  }

  /**
   * Starts bubblewrap, which blocks until it gets its arguments. Before that it is put into its
   * control group, while it has no children. `onInit` gets the id of the sandbox's first process.
   */
  start(
    launch: BubblewrapLaunch,
    cgroup: Cgroup | undefined,
    output: OutputDescriptors,
    onInit: (pid: number) => void,
  ): StartedProcess {
    const { executable, layout, bindsDescriptors } = this.#options;
    const { argv, env, limits, gate, program, lateProgram } = launch;
    const { stdout, stderr, result } = output;
    // Closed here as soon as the new process has them.
    const opened = [launch.stdin, stdout, stderr, result, launch.input, gate, program, lateProgram]
      .filter((fd) => fd !== undefined)
      .concat(launch.files.map(({ fd }) => fd));
    const close = () => {
      for (const fd of opened.splice(0)) closeSync(fd);
    };
    try {
      const uid = this.#userFor(launch.binds);
      const control = this.#openControlPipes(opened);
      const { reported, closed } = readStatus(control.status, onInit);
      const descriptors: (InheritedFd | undefined)[] = [
        { fd: launch.stdin, as: launch.isStdinPipe ? 'pipe to read' : 'file' },
        { fd: stdout, as: 'pipe to write' },
        { fd: stderr, as: 'pipe to write' },
        ...control.inherited,
      ];
      // The program knows the number 5. Later numbers are bubblewrap's, which closes them.
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
        gate: gate === undefined ? undefined : pass(gate, 'pipe to read'),
        program: program === undefined ? undefined : pass(program),
        lateProgram: lateProgram === undefined ? undefined : pass(lateProgram),
        files: launch.files.map(({ fd, name }) => ({ fd: pass(fd), name })),
      };
      const command = argv === undefined ? deferredCommand(limits) : supervisedCommand(argv, limits);
      const args = ['--args', `${ARGUMENTS_DESCRIPTOR}`, '--', ...command];
      const spawned = this.#forkServer.spawn({ executable, args, uid, descriptors });
      const confined = spawned.started.finally(close).then(async (pid) => {
        try {
          await cgroup?.add(pid);
        } catch (error) {
          killProcess(pid);
          throw error;
        }
      });
      confined.then(
        () => control.arguments.end(`${bubblewrapArguments(layout, passed, env, limits).join('\0')}\0`),
        () => control.arguments.destroy(),
      );
      const exited = reported.then(({ exitCode }) => exitCode ?? spawned.exited);
      return { pid: () => spawned.pid, reported, closed, exited, confined };
    } catch (error) {
      close();
      throw error;
    }
  }

  /**
   * Starts the zygote of an interpreter, whose program is `script`. It gets the `O_PATH`
   * descriptors of its slots' pipes, which stay the caller's.
   */
  startZygote(spec: InterpreterSpec, python: string, script: Uint8Array, slots: readonly number[]): ZygoteProcess {
    const { executable, layout, bindsDescriptors } = this.#options;
    const opened: number[] = [];
    const open = (fd: number): number => {
      opened.push(fd);
      return fd;
    };
    const close = () => {
      for (const fd of opened.splice(0)) closeSync(fd);
    };
    try {
      const uid = this.#userFor(spec.binds);
      // First: a toolchain that was removed leaves no pipe open.
      const binds = spec.binds.map(({ from, at }) => ({
        ...{ from, at: at ?? from },
        source: bindsDescriptors ? open(pathDescriptor(from)) : undefined,
      }));
      const control = this.#openControlPipes(opened);
      const started = Promise.withResolvers<number>();
      const { closed } = readStatus(control.status, started.resolve);
      const [commands, events, stdout, stderr] = this.#openZygotePipes(opened);
      const descriptors: InheritedFd[] = [
        // As those of a program that was started for itself: a file and two pipes.
        { fd: open(anonymousReadOnlyFile(new Uint8Array())), as: 'file' },
        { fd: stdout.writer, as: 'pipe to write' },
        { fd: stderr.writer, as: 'pipe to write' },
        ...control.inherited,
        { fd: commands.reader, as: 'pipe to read' },
        { fd: events.writer, as: 'pipe to write' },
        ...slots.map((fd): InheritedFd => ({ fd, as: 'path' })),
      ];
      const pass = (fd: number, as: InheritedFd['as'] = 'file'): number => descriptors.push({ fd, as }) - 1;
      const passed = {
        status: STATUS_DESCRIPTOR,
        system: this.#systemFiles.map(({ fd, at }) => ({ fd: pass(fd), at })),
        binds: binds.map(({ from, at, source }) => ({
          ...{ from, at },
          fd: source === undefined ? undefined : pass(source, 'path'),
        })),
        program: spec.zygote?.by === 'exec' ? pass(open(anonymousFile(Buffer.from(spec.zygote.script)))) : undefined,
        script: pass(open(anonymousFile(script))),
        scriptPath: zygoteScriptPath(spec),
      };
      const args = ['--args', `${ARGUMENTS_DESCRIPTOR}`, '--', ...zygoteCommand(spec, python)];
      const spawned = this.#forkServer.spawn({ executable, args, uid, descriptors });
      spawned.started.finally(close).then(
        () => control.arguments.end(`${zygoteArguments(layout, passed, spec.env).join('\0')}\0`),
        () => control.arguments.destroy(),
      );
      const over = Promise.allSettled([closed, spawned.exited]);
      return {
        started: started.promise,
        control: inputSocket(commands),
        events: outputSocket(events, over),
        errors: [outputSocket(stdout, over), outputSocket(stderr, over)],
        ended: over.then(() => {}),
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  #openZygotePipes(opened: number[]): [InputPipe, OutputPipe, OutputPipe, OutputPipe] {
    const commands = this.#pipes.openInput();
    const outputs: [OutputPipe, OutputPipe, OutputPipe] = [this.#pipes.open(), this.#pipes.open(), this.#pipes.open()];
    opened.push(commands.reader, ...outputs.map(({ writer }) => writer));
    return [commands, ...outputs];
  }

  /**
   * Opens the pipes of `--args` and `--json-status-fd`; releases both when bubblewrap has ended.
   */
  #openControlPipes(opened: number[]): {
    status: Socket;
    arguments: Socket;
    inherited: [InheritedFd, InheritedFd];
  } {
    const input = this.#pipes.openInput();
    const output = this.#pipes.open();
    opened.push(input.reader, output.writer);
    const writer = new Socket({ fd: input.writer, readable: false, writable: true });
    const status = new Socket({ fd: output.reader, readable: true, writable: false });
    writer.on('error', () => {});
    status.on('close', () => {
      output.release();
      if (writer.closed) input.release();
      else writer.on('close', input.release).destroy();
    });
    return {
      ...{ status, arguments: writer },
      inherited: [
        { fd: input.reader, as: 'pipe to read' },
        { fd: output.writer, as: 'pipe to write' },
      ],
    };
  }

  /**
   * A toolchain in the home of the server's user can be bound by that user only. The kernel does
   * not count root's processes against RLIMIT_NPROC, so such a sandbox needs a control group.
   */
  #userFor(binds: readonly Bind[]): number | undefined {
    const { hostUid, cgroups } = this.#options;
    if (hostUid === undefined || binds.every(({ from }) => this.#isWorldReadable(from))) return hostUid;
    if (cgroups === undefined)
      throw new Error('without control groups, a toolchain must lie where every user can read it');
    return undefined;
  }

  #isWorldReadable(path: string): boolean {
    let known = this.#worldReadable.get(path);
    if (known === undefined) {
      known = isWorldReadable(path);
      this.#worldReadable.set(path, known);
    }
    return known;
  }
}

function inputSocket({ writer, release }: InputPipe): Socket {
  const socket = new Socket({ fd: writer, readable: false, writable: true });
  socket.on('error', () => {});
  socket.on('close', release);
  return socket;
}

/** Reads a pipe, and closes it when the process has ended. */
function outputSocket({ reader, release }: OutputPipe, over: Promise<unknown>): Socket {
  const socket = new Socket({ fd: reader, readable: true, writable: false });
  socket.on('error', () => {});
  socket.on('close', release);
  void over.then(() => socket.destroy());
  return socket;
}
