import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, for this user alone. `mkdirSync` with `recursive` loops for
 * ever on a file system that makes no folders, such as /proc.
 */
export function makeFolder(path: string): void {
  const make = () => mkdirSync(path, { mode: 0o700 });
  try {
    make();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' && dirname(path) !== path) {
      makeFolder(dirname(path));
      make();
    } else if (code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}
