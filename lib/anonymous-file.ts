import { constants, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Files without a name: no other process can reach them by a path, and a killed server leaves
 * nothing behind.
 */

const { O_RDWR, O_CREAT, O_EXCL } = constants;
// Missing among Node's constants. Linux has this value on all architectures that Node supports.
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/**
 * Opens an empty one for reading and writing, in the first of `directories` whose file system can
 * have it. The caller closes the descriptor.
 */
export function openAnonymousFile(directories: readonly string[], mode: number): number {
  for (const directory of directories) {
    try {
      return openSync(directory, O_TMPFILE | O_RDWR, mode);
    } catch {
      // This file system does not support O_TMPFILE; the next one may.
    }
  }
  const path = join(tmpdir(), `chill-space-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const fd = openSync(path, O_CREAT | O_EXCL | O_RDWR, mode);
  unlinkSync(path);
  return fd;
}
