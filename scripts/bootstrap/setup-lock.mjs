/**
 * A lock file over one folder's set-up: two starts at once must not install or build at the same
 * time. Plain JavaScript without packages, like all of set-up.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deniedComplaint, exitOnSignals, SetupError } from './setup.mjs';

const POLL_MS = 300;
const HEARTBEAT_MS = 5_000;
/**
 * A holder that cannot be looked up as a process is taken for ended after so long without a
 * heartbeat.
 */
const ABANDONED_MS = 30_000;

/**
 * Runs `work` while this process alone holds the lock `file`, and resolves with its result. Waits
 * for another holder and reports that once through `say`. `work` gets `alsoHeldBy(pid)`: a child
 * that outlives this process keeps the lock. The lock of a process that was killed is taken over.
 * Throws a SetupError where the lock, or its folder, belongs to another user.
 *
 * @template T
 * @param {string} file
 * @param {string} task
 * @param {(line: string) => void} say
 * @param {(alsoHeldBy: (pid: number) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function exclusively(file, task, say, work) {
  const own = { host: hostname(), task, processes: [identify(process.pid)] };
  await acquire(file, own, say);
  const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS);
  heartbeat.unref();
  const release = () => {
    if (holds(file, own)) rmSync(file, { force: true });
  };
  process.on('exit', release);
  const ignoreSignals = exitOnSignals();
  try {
    return await work((pid) => {
      own.processes.push(identify(pid));
      writeFileSync(file, JSON.stringify(own));
    });
  } finally {
    clearInterval(heartbeat);
    ignoreSignals();
    process.off('exit', release);
    release();
  }
}

async function acquire(file, own, say) {
  for (let reported = false; ; await sleep(POLL_MS)) {
    const seen = permitted(file, () => create(file, own) ?? read(file));
    if (seen === 'created') return;
    if (seen === undefined) continue;
    if (isAbandoned(seen)) {
      permitted(file, () => remove(file, seen));
      continue;
    }
    if (reported) continue;
    const pid = seen.holder?.processes[0]?.pid;
    say(
      `Another start is ${seen.holder?.task ?? 'at work'}${pid === undefined ? '' : ` (process ${pid})`}; waiting for it …`,
    );
    reported = true;
  }
}

/** 'created', or undefined where another lock is there. */
function create(file, own) {
  mkdirSync(dirname(file), { recursive: true });
  try {
    writeFileSync(file, JSON.stringify(own), { flag: 'wx' });
    return 'created';
  } catch (error) {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  }
}

/** Throws a SetupError where the lock cannot be made, read or removed: waiting would not help. */
function permitted(file, operation) {
  try {
    return operation();
  } catch (error) {
    const complaint = deniedComplaint(error, file);
    if (complaint !== undefined) throw new SetupError(complaint);
    if (error.code === 'EISDIR') throw new SetupError(`${file} is a folder: remove it.`);
    throw error;
  }
}

/**
 * Removes the abandoned lock and no other: a rename takes one file, and what was taken is
 * compared. Throws where this user may not.
 */
function remove(file, seen) {
  const taken = `${file}.${hostname()}.${process.pid}`;
  try {
    renameSync(file, taken);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  try {
    // Another start took the abandoned lock over in between. A link does not replace the lock that
    // a third one may have made since.
    if (read(taken)?.text !== seen.text) linkSync(taken, file);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(taken, { force: true });
  }
}

/** Undefined where there is no file. Throws where it cannot be read. */
function read(file) {
  try {
    const text = readFileSync(file, 'utf8');
    return { text, touched: statSync(file).mtimeMs, holder: parse(text) };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** False also for a lock of another user in its place. */
function holds(file, own) {
  try {
    return readFileSync(file, 'utf8') === JSON.stringify(own);
  } catch {
    return false;
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
  const isSilent = Date.now() - touched > ABANDONED_MS;
  if (holder?.host !== hostname()) return isSilent;
  const states = holder.processes.map(stateOf);
  return !states.includes('alive') && (isSilent || !states.includes('unknown'));
}

/**
 * A pid alone is not enough: after a restart of the machine or container it may be another
 * program's. Without `began` (macOS) only the heartbeat shows which it is.
 */
function identify(pid) {
  return { pid, began: beginning(pid) };
}

function stateOf({ pid, began }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return 'ended';
  }
  const now = beginning(pid);
  if (now === undefined || began === undefined) return 'unknown';
  return now === began ? 'alive' : 'ended';
}

/**
 * When a process began, in clock ticks since the machine's start; undefined without a readable
 * /proc. See proc_pid_stat(5).
 */
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
