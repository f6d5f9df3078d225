import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { HOUR_MS } from '#lib/units';

const WINDOW_MS = HOUR_MS;
/** Bounds the file of a server that crashes every second. */
const MAX_STARTS = 100;
const FILE_NAME = /^starts-\d+(?:-\d+)?\.json$/;

/** Starts of servers on one port without a clean exit: running and crashed servers. */
const startsSchema = z.array(z.object({ pid: z.int(), startedAt: z.number() }));

type ServerStart = z.infer<typeof startsSchema>[number];

export interface CrashRecord {
  /** Servers on this port that crashed in the hour before this start. */
  uncleanExits: number;
  /** Removes the record of this start. To be called at shutdown. */
  markCleanExit: () => void;
}

/**
 * Records in `directory` that a server starts on `port` at `now`, and counts the crashes before
 * it. If the directory is not writable, it counts none: that never stops a server.
 *
 * Each worker of a port has a record: two that end at once would overwrite each other's changes.
 */
export function recordStart(directory: string, port: number, now: number, worker?: number): CrashRecord {
  const path = join(directory, `starts-${port}${worker === undefined ? '' : `-${worker}`}.json`);
  const own = { pid: process.pid, startedAt: now };
  try {
    mkdirSync(directory, { recursive: true });
    removeStale(directory, now);
    // Starts in the future are left over from before the clock was set back.
    const past = read(path).filter(({ startedAt }) => startedAt <= now && now - startedAt < WINDOW_MS);
    write(path, [...past, own].slice(-MAX_STARTS));
    // In a container every server has the same pid.
    const uncleanExits = past.filter(({ pid }) => pid === process.pid || !isAlive(pid)).length;
    return { uncleanExits, markCleanExit: () => remove(path, own) };
  } catch {
    return { uncleanExits: 0, markCleanExit: () => {} };
  }
}

function remove(path: string, { pid, startedAt }: ServerStart): void {
  try {
    write(
      path,
      read(path).filter((start) => start.pid !== pid || start.startedAt !== startedAt),
    );
  } catch {
    // The next start then counts this one as a crash.
  }
}

function read(path: string): ServerStart[] {
  try {
    return startsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // The process exists, but belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Writes atomically, by renaming a complete file. */
function write(path: string, starts: ServerStart[]): void {
  if (starts.length === 0) {
    rmSync(path, { force: true });
    return;
  }
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, JSON.stringify(starts));
  renameSync(partial, path);
}

/** Removes the files of ports without recent starts. */
function removeStale(directory: string, now: number): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (FILE_NAME.test(name) && now - statSync(path).mtimeMs > WINDOW_MS) rmSync(path, { force: true });
  }
}
