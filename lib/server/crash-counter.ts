import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** How far back is looked. */
const WINDOW_MS = 60 * 60_000;
/** A server that falls over every second would otherwise write an ever longer file. */
const MOST_STARTS = 100;
const NAME = /^starts-\d+\.json$/;

/** The starts of servers on one port that have not been shut down: those that run, and those that ended in another way. */
const Starts = z.array(z.object({ pid: z.int(), startedAt: z.number() }));

export interface CrashRecord {
  /** How many starts on this port, in the hour before this one, ended without being shut down. */
  uncleanExits: number;
  /** To be called when this one was shut down. */
  markCleanExit: () => void;
}

/**
 * Writes down in `directory` that a server starts on `port` at `now`, and tells what became of those before. Where nothing can be
 * written, nothing is known: that never stops a server.
 */
export function recordStart(directory: string, port: number, now: number): CrashRecord {
  const path = join(directory, `starts-${port}.json`);
  const own = { pid: process.pid, startedAt: now };
  try {
    mkdirSync(directory, { recursive: true });
    removeOld(directory, now);
    // A clock that was set back leaves starts that are yet to come.
    const past = read(path).filter(({ startedAt }) => startedAt <= now && now - startedAt < WINDOW_MS);
    write(path, [...past, own].slice(-MOST_STARTS));
    // In a container each server has the number of the one before.
    const uncleanExits = past.filter(({ pid }) => pid === process.pid || !isAlive(pid)).length;
    return { uncleanExits, markCleanExit: () => forget(path, own) };
  } catch {
    return { uncleanExits: 0, markCleanExit: () => {} };
  }
}

function forget(path: string, { pid, startedAt }: z.infer<typeof Starts>[number]): void {
  try {
    write(
      path,
      read(path).filter((start) => start.pid !== pid || start.startedAt !== startedAt),
    );
  } catch {
    // The next start then counts this one among those that fell over.
  }
}

function read(path: string): z.infer<typeof Starts> {
  try {
    return Starts.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's cannot be signalled, and is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whole or not at all, whoever reads meanwhile. */
function write(path: string, starts: z.infer<typeof Starts>): void {
  if (starts.length === 0) {
    rmSync(path, { force: true });
    return;
  }
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, JSON.stringify(starts));
  renameSync(partial, path);
}

/** What was written on ports that nobody listens on any more. */
function removeOld(directory: string, now: number): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (NAME.test(name) && now - statSync(path).mtimeMs > WINDOW_MS) rmSync(path, { force: true });
  }
}
