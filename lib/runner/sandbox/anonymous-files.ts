import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openAnonymousFile } from '#lib/anonymous-file';

/**
 * Files without a name. What goes into a sandbox never has a path on the host: no program can
 * redirect it with a symlink, and a killed server leaves nothing behind.
 */

const { O_RDONLY } = constants;
// Missing among Node's constants. Linux has this value on all architectures that Node supports.
const O_PATH = 0o10000000;
const READ_ONLY_MODE = 0o444;
const COPY_BYTES = 256 * 1024;

/**
 * A file in memory (or in the temporary directory, if /dev/shm is absent). The caller closes it.
 */
export function anonymousFile(content: Uint8Array): number {
  const fd = createAnonymous(['/dev/shm', tmpdir()]);
  writeAll(fd, content, 0);
  return fd;
}

/** As `anonymousFile`, opened for reading only. */
export function anonymousReadOnlyFile(content: Uint8Array): number {
  const fd = anonymousFile(content);
  try {
    return reopen(fd, O_RDONLY);
  } finally {
    closeSync(fd);
  }
}

/** An empty file that need not stay in memory. The caller closes it. */
export function anonymousDiskFile(): number {
  return createAnonymous([tmpdir(), '/dev/shm']);
}

/** An anonymous file that is filled after its reader was passed to a sandbox. */
export interface DeferredFile {
  /** Read-only. The caller closes it. */
  reader: number;
  /** Fills it once, with bytes or with the content of another file, before anything reads it. */
  fill: (content: Uint8Array | number) => void;
  /** Closes the only descriptor that can write to it. */
  close: () => void;
}

export function deferredFile(): DeferredFile {
  const fd = createAnonymous(['/dev/shm', tmpdir()]);
  try {
    return {
      reader: reopen(fd, O_RDONLY),
      fill: (content) => (typeof content === 'number' ? copy(content, fd) : writeAll(fd, content, 0)),
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A descriptor with an own offset: of the same file, or of a new one with this content. */
export function openContent(content: number | Uint8Array): number {
  return typeof content === 'number' ? reopenForReading(content) : anonymousFile(content);
}

/** A new descriptor of the same file, with an own offset. */
export function reopenForReading(fd: number): number {
  return reopen(fd, O_RDONLY);
}

export function reopen(fd: number, flags: number): number {
  return openSync(`/proc/self/fd/${fd}`, flags);
}

/** An `O_PATH` descriptor, by which a process can bind a path that its user cannot reach. */
export function pathDescriptor(path: string): number {
  return openSync(path, O_PATH);
}

function createAnonymous(directories: readonly string[]): number {
  return openAnonymousFile(directories, READ_ONLY_MODE);
}

function copy(from: number, to: number): void {
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  for (let position = 0; ; ) {
    const size = readSync(from, buffer, 0, COPY_BYTES, position);
    if (size === 0) return;
    writeAll(to, buffer.subarray(0, size), position);
    position += size;
  }
}

/** Writes at a position, so that the offset of the descriptor stays at the beginning. */
function writeAll(fd: number, content: Uint8Array, position: number): void {
  for (let written = 0; written < content.byteLength; )
    written += writeSync(fd, content, written, content.byteLength - written, position + written);
}
