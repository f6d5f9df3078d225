/**
 * A lock file over one folder's set-up: two starts at once must not install or build at the same time.
 * Plain JavaScript without packages, like all of set-up.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 300;
const HEARTBEAT_MS = 5_000;
/** A lock of another host, or one that cannot be read, is abandoned when its holder has been silent for so long. */
const ABANDONED_MS = 30_000;

/**
 * Runs `work` while this process alone holds the lock `file`, and resolves with its result. Waits for another holder
 * and reports that once through `say`. `work` gets `alsoHeldBy(pid)`: a child that outlives this process keeps the lock.
 * The lock of a process that was killed is taken over.
 */
export async function exclusively(file, task, say, work) {
  const own = { host: hostname(), task, processes: [identify(process.pid)] };
  await acquire(file, own, say);
  const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS);
  heartbeat.unref();
  const release = () => {
    if (read(file)?.text === JSON.stringify(own)) rmSync(file, { force: true });
  };
  process.on('exit', release);
  try {
    return await work((pid) => {
      own.processes.push(identify(pid));
      writeFileSync(file, JSON.stringify(own));
    });
  } finally {
    clearInterval(heartbeat);
    process.off('exit', release);
    release();
  }
}

async function acquire(file, own, say) {
  mkdirSync(dirname(file), { recursive: true });
  for (let reported = false; ; ) {
    try {
      writeFileSync(file, JSON.stringify(own), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const seen = read(file);
    if (seen === undefined) continue;
    if (isAbandoned(seen)) {
      remove(file, seen);
      continue;
    }
    if (!reported) {
      const pid = seen.holder?.processes[0]?.pid;
      say(
        `Another start is ${seen.holder?.task ?? 'at work'}${pid === undefined ? '' : ` (process ${pid})`}; waiting for it …`,
      );
      reported = true;
    }
    await sleep(POLL_MS);
  }
}

/** Removes the abandoned lock and no other: a rename takes one file, and what was taken is compared. */
function remove(file, seen) {
  const taken = `${file}.${hostname()}.${process.pid}`;
  try {
    renameSync(file, taken);
  } catch {
    return;
  }
  // Another start took the abandoned lock over in between; this one is in force.
  if (read(taken)?.text !== seen.text) renameSync(taken, file);
  else rmSync(taken, { force: true });
}

function read(file) {
  try {
    const text = readFileSync(file, 'utf8');
    return { text, touched: statSync(file).mtimeMs, holder: parse(text) };
  } catch {
    return undefined;
  }
}

/** Undefined for a file that is still being written, or that something else wrote. */
function parse(text) {
  try {
    const holder = JSON.parse(text);
    return Array.isArray(holder?.processes) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function isAbandoned({ holder, touched }) {
  if (holder?.host === hostname()) return !holder.processes.some(isAlive);
  return Date.now() - touched > ABANDONED_MS;
}

/** A pid alone is not enough: after a restart of the machine or container it may be another program's. */
function identify(pid) {
  return { pid, began: beginning(pid) };
}

function isAlive({ pid, began }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  const now = beginning(pid);
  return now === undefined || began === undefined || now === began;
}

/** When a process began, in clock ticks since the machine's start; undefined where there is no /proc. See proc_pid_stat(5). */
function beginning(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // The file was removed by hand; there is nothing to keep alive.
  }
}
