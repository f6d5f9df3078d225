import { readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * No half file is ever under the final name: bytes go to a part file that belongs to one process
 * (its host and pid are in the name), and only a checked file is renamed. A part that was left
 * behind is claimed by renaming it, which only one process can do, so two starts at once cannot
 * write to the same file.
 */

/** A part of another host whose writer has been silent for so long is abandoned. */
const ABANDONED_MS = 120_000;

const ownPart = (path: string) => `${path}.part.${hostname()}.${process.pid}`;

/** The part file of this process, with what an abandoned part has of the file. */
export async function claimPart(path: string): Promise<string> {
  const own = ownPart(path);
  for (const name of await readdir(dirname(path))) {
    const candidate = join(dirname(path), name);
    if (!name.startsWith(`${basename(path)}.part`) || candidate === own || !(await isAbandoned(candidate, path)))
      continue;
    try {
      await rename(candidate, own);
      return own;
    } catch {
      // Another start took it first.
    }
  }
  return own;
}

async function isAbandoned(candidate: string, path: string): Promise<boolean> {
  if (candidate === `${path}.part`) return true;
  const owner = /\.part\.(.+)\.(\d+)$/.exec(candidate);
  if (owner?.[1] === hostname()) {
    try {
      process.kill(Number(owner[2]), 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  }
  const touched = (await stat(candidate).catch(() => undefined))?.mtimeMs;
  return touched !== undefined && Date.now() - touched > ABANDONED_MS;
}

/** Keeps the fetched bytes for the next start, under the name that any process may claim. */
export async function leavePart(part: string, path: string): Promise<void> {
  if ((await sizeOf(part)) === 0) await rm(part, { force: true });
  else await rename(part, `${path}.part`);
}

/** 0 for a file that is missing. */
export const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;
