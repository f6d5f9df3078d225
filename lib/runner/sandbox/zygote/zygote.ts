import { closeSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { BubblewrapStatus } from '#lib/runner/sandbox/bubblewrap/status';
import type { Cgroup } from '#lib/runner/sandbox/cgroup';
import type { InputPipe, OutputPipe, PipePool, ReservedPipe } from '#lib/runner/sandbox/pipe-pool';
import { killProcess } from '#lib/runner/sandbox/supervision';
import { proportionalBytes } from '#lib/runner/sandbox/watchdog';
import { PIPES_OF_A_SLOT, SLOTS } from '#lib/runner/sandbox/zygote/zygote-program';

/** A zygote's process, as it was started. */
export interface ZygoteProcess {
  /** Its slots are numbers that are written here. */
  control: Writable;
  /** Its events arrive here, a line each. */
  events: Readable;
  /** What it prints, none of which is a program's: an error that ends it. */
  errors: readonly Readable[];
  /** Resolves with the host's id of the Python process. */
  started: Promise<number>;
  /** Resolves when the process and all its sandboxes have ended. Never rejects. */
  ended: Promise<void>;
}

/** A sandbox that a zygote was asked for. */
export interface ClonedSandbox {
  input: InputPipe;
  stdout: OutputPipe;
  stderr: OutputPipe;
  /** The host's id of its first process; undefined until that is known. */
  pid: () => number | undefined;
  /** As in `StartedProcess`: resolves once it is in its control group and may go on. */
  confined: Promise<void>;
  cgroup: Cgroup | undefined;
  /** Resolves with the host's id of its first process. */
  cloned: Promise<number>;
  reported: Promise<BubblewrapStatus>;
  exited: Promise<number>;
}

interface Slot {
  pipes: readonly [input: ReservedPipe, stdout: ReservedPipe, stderr: ReservedPipe];
  /** Ends that this process or the sandbox may have open. */
  holders: number;
  running: RunningSlot | undefined;
}

interface RunningSlot {
  /** In the pid namespace of the zygote. */
  innerPid: number | undefined;
  pid: number | undefined;
  pidNamespace: number | undefined;
  cloned: PromiseWithResolvers<number>;
  ended: PromiseWithResolvers<number>;
  closeProgramEnds: () => void;
}

const KILLED = 137;
const MAX_PRINTED = 4_000;
/** A zygote is replaced after so many sandboxes, since all share its random hash seed. */
const MAX_CLONES = 500;

/** The host's side of a zygote: one process that clones sandboxes, and its slots. */
export class Zygote {
  readonly #process: ZygoteProcess;
  readonly #slots: readonly Slot[];
  #pid: number | undefined;
  #clones = 0;
  #isOver = false;
  readonly #worked = Promise.withResolvers<void>();
  readonly #idle = Promise.withResolvers<void>();

  /** `start` gets the descriptors of the slots' pipes, which it passes on. */
  constructor(pipes: PipePool, start: (slotDescriptors: readonly number[]) => ZygoteProcess) {
    const reserved = Array.from({ length: SLOTS * PIPES_OF_A_SLOT }, () => pipes.reserve());
    try {
      this.#process = start(reserved.map(({ fd }) => fd));
    } catch (error) {
      for (const pipe of reserved) pipe.release();
      throw error;
    }
    // Rejects also for a zygote on trial, which no caller waits for yet.
    this.#worked.promise.catch(() => {});
    this.#slots = Array.from({ length: SLOTS }, (_, index) => {
      const [input, stdout, stderr] = reserved.slice(index * PIPES_OF_A_SLOT);
      if (input === undefined || stdout === undefined || stderr === undefined) throw new Error('too few pipes');
      return { pipes: [input, stdout, stderr], holders: 0, running: undefined };
    });
    void this.#process.started.then((pid) => {
      this.#pid = pid;
      this.#readEvents();
    });
    let printed = '';
    for (const stream of this.#process.errors) {
      stream.on('data', (chunk: Buffer) => {
        if (printed.length < MAX_PRINTED) printed += chunk.toString();
      });
    }
    void this.#process.ended.then(() => {
      this.#isOver = true;
      this.#worked.reject(new Error(`the zygote has ended: ${printed}`));
      this.#process.control.destroy();
      this.#idle.resolve();
      for (const { running } of this.#slots) {
        running?.cloned.reject(new Error('the zygote has ended'));
        running?.ended.resolve(KILLED);
      }
      for (const pipe of reserved) pipe.release();
    });
  }

  /** Whether it takes no further sandbox, ever. */
  get isSpent(): boolean {
    return this.#isOver || this.#clones >= MAX_CLONES;
  }

  /** Resolves when one of its sandboxes was set up completely; rejects if the first was not. */
  get worked(): Promise<void> {
    return this.#worked.promise;
  }

  get ended(): Promise<void> {
    return this.#process.ended;
  }

  /** Resolves when it is spent, and its last sandbox has ended. */
  get idle(): Promise<void> {
    if (this.isSpent && this.isIdle) this.#idle.resolve();
    return this.#idle.promise;
  }

  /** Whether none of its sandboxes is running. */
  get isIdle(): boolean {
    return this.#slots.every(({ running }) => running === undefined);
  }

  /** The share of each of its sandboxes in its resident memory. */
  residentShare(): number {
    const running = this.#slots.filter((slot) => slot.running !== undefined).length;
    return this.#pid === undefined || running === 0 ? 0 : Math.round(proportionalBytes(this.#pid) / running);
  }

  /** Ends it, and all its sandboxes with it. */
  close(): void {
    // One that is still starting exits when it finds its control pipe closed.
    this.#process.control.end();
    if (this.#pid !== undefined && !this.#isOver) killProcess(this.#pid);
  }

  /** Clones a sandbox; undefined if all slots are taken. */
  clone(cgroup: () => Cgroup | undefined): ClonedSandbox | undefined {
    const index = this.#slots.findIndex(
      ({ holders, running, pipes }) => holders === 0 && running === undefined && pipes.every((pipe) => pipe.isUnused()),
    );
    const slot = this.#slots[index];
    if (slot === undefined || this.#isOver) return undefined;
    const group = cgroup();
    this.#clones += 1;
    const [input, stdout, stderr] = openPipes(slot, group);
    slot.holders = PIPES_OF_A_SLOT;
    const release = () => {
      slot.holders -= 1;
    };
    const programEnds = [input.reader, stdout.writer, stderr.writer];
    const running: RunningSlot = {
      ...{ innerPid: undefined, pid: undefined, pidNamespace: undefined },
      ...{ cloned: Promise.withResolvers(), ended: Promise.withResolvers() },
      closeProgramEnds: () => {
        for (const fd of programEnds.splice(0)) closeSync(fd);
      },
    };
    slot.running = running;
    const exited = running.ended.promise.finally(() => {
      running.closeProgramEnds();
      slot.running = undefined;
      if (running.pidNamespace === undefined) this.#worked.reject(new Error('a sandbox could not be set up'));
      if (this.isSpent && this.isIdle) this.#idle.resolve();
    });
    const confined = running.cloned.promise.then(async (pid) => {
      try {
        await group?.add(pid);
      } catch (error) {
        killProcess(pid);
        throw error;
      }
    });
    // The run awaits it too, and reports its failure; it may begin later.
    confined.catch(() => {});
    this.#process.control.write(Buffer.of(index));
    return {
      ...{ cgroup: group, cloned: running.cloned.promise, confined, exited },
      input: { ...input, release },
      stdout: { ...stdout, release },
      stderr: { ...stderr, release },
      pid: () => running.pid,
      reported: exited.then((code) => ({
        exitCode: running.pidNamespace === undefined ? undefined : code,
        pidNamespace: running.pidNamespace,
      })),
    };
  }

  #readEvents(): void {
    let text = '';
    this.#process.events.setEncoding('latin1');
    this.#process.events.on('error', () => {});
    this.#process.events.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const [type = '', one, other] = text.slice(0, end).split(' ');
        text = text.slice(end + 1);
        this.#handle(type, Number(one), Number(other));
      }
    });
  }

  #handle(type: string, one: number, other: number): void {
    if (type === 'E') {
      this.#slots.find(({ running }) => running?.innerPid === one)?.running?.ended.resolve(other);
      return;
    }
    const running = this.#slots[one]?.running;
    if (running === undefined) return;
    if (type === 'S') {
      running.innerPid = other;
      const pid = this.#hostPid(other);
      running.pid = pid;
      if (pid !== undefined) {
        running.cloned.resolve(pid);
        return;
      }
      // It is not among the children: it has ended and was reaped.
      running.cloned.reject(new Error('a cloned sandbox has ended at once'));
      running.ended.resolve(KILLED);
    } else {
      this.#worked.resolve();
      running.pidNamespace = other;
      running.closeProgramEnds();
    }
  }

  /** The id of a child of the zygote, by its id in the zygote's namespace. */
  #hostPid(innerPid: number): number | undefined {
    const known = new Set(this.#slots.map(({ running }) => running?.pid));
    return childrenOf(this.#pid)
      .filter((pid) => !known.has(pid))
      .find((pid) => innerPidOf(pid) === innerPid);
  }
}

/** Opens the pipes of a slot; closes them and removes the control group if that fails. */
function openPipes({ pipes: [input, stdout, stderr] }: Slot, group: Cgroup | undefined) {
  const opened: { reader: number; writer: number }[] = [];
  const keep = <Pipe extends { reader: number; writer: number }>(pipe: Pipe): Pipe => {
    opened.push(pipe);
    return pipe;
  };
  try {
    return [keep(input.openInput()), keep(stdout.open()), keep(stderr.open())] as const;
  } catch (error) {
    for (const { reader, writer } of opened) for (const fd of [reader, writer]) closeSync(fd);
    // What cannot be removed is empty: the next start of the server sweeps it.
    group?.remove().catch(() => {});
    throw error;
  }
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // It has ended.
    return [];
  }
}

/** The id of a process in the namespace below that of the host: proc(5), NSpid. */
function innerPidOf(pid: number): number | undefined {
  try {
    const [, , inner] = /^NSpid:\t(\d+)\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return inner === undefined ? undefined : Number(inner);
  } catch {
    return undefined;
  }
}
