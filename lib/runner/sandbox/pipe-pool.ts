import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathDescriptor, reopen } from '#lib/runner/sandbox/anonymous-files';

const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = constants;
const BATCH = 8;
const ONE_BYTE = Buffer.alloc(1);

/** The two ends of a pipe to the host. The caller closes both. */
export interface OutputPipe {
  /** For the host, non-blocking. */
  reader: number;
  /** For the program. */
  writer: number;
  /** Returns the pipe to the pool, once both ends are closed everywhere. */
  release: () => void;
}

/** The two ends of a pipe from the host. The caller closes both. */
export interface InputPipe {
  /** For the program. */
  reader: number;
  /** For the host, non-blocking. */
  writer: number;
  /** Returns the pipe to the pool, once both ends are closed everywhere. */
  release: () => void;
}

/** A pipe for many uses, one after the other, by its holder only. */
export interface ReservedPipe {
  /** An `O_PATH` descriptor. Not the caller's to close. */
  fd: number;
  /** Whether no process has it open, as before each use. */
  isUnused: () => boolean;
  open: () => Omit<OutputPipe, 'release'>;
  openInput: () => Omit<InputPipe, 'release'>;
  /** Returns the pipe to the pool. */
  release: () => void;
}

/**
 * Pipes for the output of programs. Node's own `pipe` is a socket, which a program cannot open as
 * /dev/stdout, and Node has no pipe(2). So these are FIFOs without a name, held by `O_PATH`
 * descriptors, which count neither as reader nor as writer.
 *
 * A FIFO is reused only when no process has it open. Until then it keeps its content, and a
 * process that is ending closes its descriptors one after the other.
 */
export class PipePool {
  readonly #idle: number[] = [];
  readonly #all = new Set<number>();
  readonly #mkfifo: string;

  constructor(mkfifo = '/usr/bin/mkfifo') {
    this.#mkfifo = mkfifo;
  }

  open(): OutputPipe {
    const fifo = this.#take();
    return { ...openOutputEnds(fifo), release: () => this.#idle.push(fifo) };
  }

  openInput(): InputPipe {
    const fifo = this.#take();
    return { ...openInputEnds(fifo), release: () => this.#idle.push(fifo) };
  }

  reserve(): ReservedPipe {
    const fd = this.#take();
    return {
      fd,
      isUnused: () => isUnused(fd),
      open: () => openOutputEnds(fd),
      openInput: () => openInputEnds(fd),
      release: () => this.#idle.push(fd),
    };
  }

  close(): void {
    for (const fd of this.#all) closeSync(fd);
    this.#all.clear();
    this.#idle.length = 0;
  }

  /**
   * Returns an unused FIFO. One that is still open somewhere goes to the other end of the list.
   */
  #take(): number {
    for (let left = this.#idle.length; left > 0; left--) {
      const fifo = this.#idle.at(-1);
      if (fifo === undefined) break;
      const isFree = isUnused(fifo);
      this.#idle.pop();
      if (isFree) return fifo;
      this.#idle.unshift(fifo);
    }
    return this.#make();
  }

  #make(): number {
    const directory = mkdtempSync(join(tmpdir(), `chill-space-pipes-${process.pid}-`));
    try {
      const paths = Array.from({ length: BATCH }, (_, index) => join(directory, String(index)));
      // The user of the sandbox may open its own output again (/dev/stdout).
      execFileSync(this.#mkfifo, ['-m', '0666', ...paths], { stdio: 'ignore' });
      for (const path of paths) {
        const fd = pathDescriptor(path);
        this.#all.add(fd);
        this.#idle.push(fd);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    const fd = this.#idle.pop();
    if (fd === undefined) throw new Error('no pipe could be made');
    return fd;
  }
}

function openOutputEnds(fifo: number): Omit<OutputPipe, 'release'> {
  return { reader: reopen(fifo, O_RDONLY | O_NONBLOCK), writer: reopen(fifo, O_WRONLY) };
}

function openInputEnds(fifo: number): Omit<InputPipe, 'release'> {
  return { reader: openPipe(`/proc/self/fd/${fifo}`, O_RDONLY), writer: reopen(fifo, O_WRONLY | O_NONBLOCK) };
}

/** Closes the host's ends of pipes whose program was never started. */
export function releasePipes(pipes: readonly (OutputPipe | undefined)[]): void {
  for (const pipe of pipes) {
    if (pipe === undefined) continue;
    closeSync(pipe.reader);
    pipe.release();
  }
}

/** Opens one end of a FIFO by its path without waiting for the other end. */
export function openPipe(path: string, flags: number): number {
  const both = openSync(path, O_RDWR);
  try {
    return openSync(path, flags);
  } finally {
    closeSync(both);
  }
}

/** Whether no process has the FIFO open, neither to read nor to write. */
function isUnused(fifo: number): boolean {
  try {
    closeSync(reopen(fifo, O_WRONLY | O_NONBLOCK));
    return false;
  } catch (error) {
    // ENXIO: no process reads it.
    if (errorCode(error) !== 'ENXIO') throw error;
  }
  const reader = reopen(fifo, O_RDONLY | O_NONBLOCK);
  try {
    // End of file: it is empty, and no process writes to it.
    return readSync(reader, ONE_BYTE) === 0;
  } catch (error) {
    if (errorCode(error) !== 'EAGAIN') throw error;
    return false;
  } finally {
    closeSync(reader);
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
