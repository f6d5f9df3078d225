import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * File descriptors without a name. What goes into a sandbox and comes out of it never has a path on the host, so there is
 * nothing that a program could lead astray, and nothing that a killed server could leave behind.
 */

const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK, O_CREAT, O_EXCL } = constants;
// Not among Node's constants; these are Linux's values on every architecture that Node runs on but Alpha and SPARC.
const O_PATH = 0o10000000;
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** A file in memory (or in the temporary directory where there is no /dev/shm) that stands at its beginning. The caller closes it. */
export function anonymousFile(content: Uint8Array): number {
  const fd = createAnonymous(['/dev/shm', tmpdir()]);
  writeAll(fd, content, 0);
  return fd;
}

/** The same for one who may only read it. */
export function anonymousReadOnlyFile(content: Uint8Array): number {
  const fd = anonymousFile(content);
  try {
    return reopen(fd, O_RDONLY);
  } finally {
    closeSync(fd);
  }
}

/** A nameless file that gets its content after its reader was handed over. */
export interface DeferredFile {
  /** Read-only. The caller closes it. */
  reader: number;
  /** Once, before anybody reads. */
  fill: (content: Uint8Array) => void;
  /** The same, with all that is in another file. */
  copy: (fd: number) => void;
  /** After that nobody can write to it. */
  close: () => void;
}

export function deferredFile(): DeferredFile {
  const fd = createAnonymous(['/dev/shm', tmpdir()]);
  try {
    return {
      reader: reopen(fd, O_RDONLY),
      fill: (content) => writeAll(fd, content, 0),
      copy: (from) => {
        const buffer = Buffer.allocUnsafe(COPY_BYTES);
        for (let at = 0; ; ) {
          const size = readSync(from, buffer, 0, COPY_BYTES, at);
          if (size === 0) break;
          writeAll(fd, buffer.subarray(0, size), at);
          at += size;
        }
      },
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const COPY_BYTES = 256 * 1024;

/** With a position, so that the descriptor's own offset stays at the beginning. */
function writeAll(fd: number, content: Uint8Array, at: number): void {
  for (let written = 0; written < content.byteLength; )
    written += writeSync(fd, content, written, content.byteLength - written, at + written);
}

/** A fresh descriptor of the same file, with an offset of its own. */
export function reopenForReading(fd: number): number {
  return reopen(fd, O_RDONLY);
}

/** A descriptor that stands for a path, usable by a process that could not reach the path itself. */
export function pathDescriptor(path: string): number {
  return openSync(path, O_PATH);
}

/** An empty file that need not stay in memory. The caller closes it. */
export function anonymousDiskFile(): number {
  return createAnonymous([tmpdir(), '/dev/shm']);
}

function createAnonymous(directories: readonly string[]): number {
  for (const directory of directories) {
    try {
      return openSync(directory, O_TMPFILE | O_RDWR, 0o444);
    } catch {
      // This file system cannot; the next may.
    }
  }
  const path = join(tmpdir(), `chill-space-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const fd = openSync(path, O_CREAT | O_EXCL | O_RDWR, 0o444);
  unlinkSync(path);
  return fd;
}

function reopen(fd: number, flags: number): number {
  return openSync(`/proc/self/fd/${fd}`, flags);
}

/** Opens one end of a pipe that has a path, whether or not anybody has the other: it would be waited for otherwise. */
export function openPipe(path: string, flags: number): number {
  const both = openSync(path, O_RDWR);
  try {
    return openSync(path, flags);
  } finally {
    closeSync(both);
  }
}

/** The two ends of a pipe. The caller closes both. */
export interface OutputPipe {
  /** For the host: does not block. */
  reader: number;
  /** For the program. */
  writer: number;
  /** Gives the pipe back, once both ends are closed everywhere. */
  release: () => void;
}

/** The same the other way round. */
export interface InputPipe {
  /** For the program. */
  reader: number;
  /** For the host: does not block. */
  writer: number;
  release: () => void;
}

/**
 * Pipes for the output of programs. Node's own `pipe` is a socket, which programs cannot open as /dev/stdout; Node cannot
 * make a pipe, so these are FIFOs whose names are gone, held by O_PATH descriptors, which count neither as reader nor
 * as writer. A FIFO that nobody has open any more is as good as new, and no other is given out: a process that ends lets go of what it has
 * open one after the other, and what it still has keeps what is in it for whoever is next.
 */
export class PipePool {
  readonly #idle: number[] = [];
  readonly #all = new Set<number>();
  readonly #mkfifo: string;

  constructor(mkfifo = '/usr/bin/mkfifo') {
    this.#mkfifo = mkfifo;
  }

  open(): OutputPipe {
    const held = this.#take();
    const reader = reopen(held, O_RDONLY | O_NONBLOCK);
    const writer = reopen(held, O_WRONLY);
    return { reader, writer, release: () => this.#idle.push(held) };
  }

  openInput(): InputPipe {
    const held = this.#take();
    const reader = openPipe(`/proc/self/fd/${held}`, O_RDONLY);
    const writer = reopen(held, O_WRONLY | O_NONBLOCK);
    return { reader, writer, release: () => this.#idle.push(held) };
  }

  close(): void {
    for (const fd of this.#all) closeSync(fd);
    this.#all.clear();
    this.#idle.length = 0;
  }

  /** One that nobody has open. Those that somebody has are looked at again later. */
  #take(): number {
    for (let left = this.#idle.length; left > 0; left--) {
      const held = this.#idle.at(-1);
      if (held === undefined) break;
      const isFree = isUnused(held);
      this.#idle.pop();
      if (isFree) return held;
      this.#idle.unshift(held);
    }
    return this.#make();
  }

  #make(): number {
    const directory = mkdtempSync(join(tmpdir(), `chill-space-pipes-${process.pid}-`));
    try {
      const paths = Array.from({ length: BATCH }, (_, index) => join(directory, String(index)));
      // The sandbox's user may open its own output again (/dev/stdout), whoever made the pipe.
      execFileSync(this.#mkfifo, ['-m', '0666', ...paths], { stdio: 'ignore' });
      for (const path of paths) {
        const fd = openSync(path, O_PATH);
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

const BATCH = 8;

/** Whether nobody has the FIFO open, neither to read nor to write. */
function isUnused(held: number): boolean {
  try {
    closeSync(reopen(held, O_WRONLY | O_NONBLOCK));
    return false;
  } catch (error) {
    // Nobody reads it.
    if (errorCode(error) !== 'ENXIO') throw error;
  }
  const reader = reopen(held, O_RDONLY | O_NONBLOCK);
  try {
    // Its end: nobody writes to it, and nothing is in it.
    return readSync(reader, ONE_BYTE) === 0;
  } catch (error) {
    if (errorCode(error) !== 'EAGAIN') throw error;
    return false;
  } finally {
    closeSync(reader);
  }
}

const ONE_BYTE = Buffer.alloc(1);

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * Descriptors that whoever started this process left open for its children: Node hands them on to every process that it
 * spawns, and bubblewrap to the program. They are found once, and overwritten in each spawn.
 */
export function inheritedDescriptors(): number[] {
  const inherited: number[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd < 3) continue;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
      if (flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0) inherited.push(fd);
    } catch {
      // The descriptor of this very listing is gone by now.
    }
  }
  return inherited;
}

const O_CLOEXEC = 0o2000000;
