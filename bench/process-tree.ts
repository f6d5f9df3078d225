/** What a process and those below it use, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export function descendants(pid: number): number[] {
  let children: number[];
  try {
    children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
  return [...children, ...children.flatMap(descendants)];
}

/** Processor time in ticks of the kernel's clock, from proc(5)'s stat. */
export interface ProcessorTicks {
  own: number;
  /** Of children that have ended and were waited for, with theirs. */
  reaped: number;
}

/** Throws on a line that is not proc(5)'s stat. A program's name may hold spaces and brackets. */
export function parseTicks(stat: string): ProcessorTicks {
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  const [user, system, reapedUser, reapedSystem] = fields.slice(11, 15).map(Number);
  if (user === undefined || system === undefined || reapedUser === undefined || reapedSystem === undefined)
    throw new Error(`not a line of /proc/<pid>/stat: ${stat}`);
  return { own: user + system, reaped: reapedUser + reapedSystem };
}

/**
 * Processor time in ms that a process and all below it have taken so far, with that of children
 * that have ended. A child that ends without being waited for is lost.
 */
export function treeProcessorMs(pid: number): number {
  return inMs([pid, ...descendants(pid)].reduce((sum, one) => sum + ticksOf(one).own + ticksOf(one).reaped, 0));
}

/** Processor time in ms of the children of this process that have ended. */
export function endedChildrenMs(): number {
  return inMs(ticksOf(process.pid).reaped);
}

const inMs = (ticks: number) => (ticks * 1000) / TICKS_PER_SECOND;

/** Of Linux, on all platforms that Node supports. */
const TICKS_PER_SECOND = 100;

function ticksOf(pid: number): ProcessorTicks {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' ? { own: 0, reaped: 0 } : parseTicks(stat);
}

/** Resident memory of one process, in MB (1e6 bytes): now, and at most so far. */
export function residentMb(pid: number): number {
  return statusMb(pid, 'VmRSS');
}

export function peakResidentMb(pid: number): number {
  return statusMb(pid, 'VmHWM');
}

function statusMb(pid: number, field: string): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(read(`/proc/${pid}/status`))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

export interface Share {
  /** The program's name. */
  command: string;
  count: number;
  /**
   * Proportional set size: a page that n processes share counts 1/n for each. In MB (1e6 bytes),
   * all together.
   */
  mb: number;
}

/** Memory of everything below `pid` by command, the largest first. */
export function memoryBelow(pid: number): Share[] {
  const shares = new Map<string, Share>();
  for (const child of descendants(pid)) {
    const [command, kib] = [basename(read(`/proc/${child}/cmdline`).split('\0')[0] ?? ''), pssKib(child)];
    if (command === '') continue;
    const share = shares.get(command) ?? { command, count: 0, mb: 0 };
    shares.set(command, { command, count: share.count + 1, mb: share.mb + (kib * 1024) / 1e6 });
  }
  return [...shares.values()].sort((one, other) => other.mb - one.mb);
}

const LOOK_EVERY_MS = 50;
const LONGEST_WAIT_MS = 15_000;
/** Of 10 ms, within one look, of all cores together. */
const QUIET_TICKS = 1;

/**
 * Resolves when the machine has next to nothing to do any more: what is refilled is full. One file
 * is read for that: to look at each process would empty the caches that the next measurement
 * finds.
 */
export async function untilQuiet(): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  let before = busyTicks();
  let quiet = 0;
  while (quiet < 2 && performance.now() < deadline) {
    await delay(LOOK_EVERY_MS);
    const now = busyTicks();
    quiet = now - before <= QUIET_TICKS ? quiet + 1 : 0;
    before = now;
  }
}

/** User, nice and system time of all cores: the first three numbers of proc(5)'s stat. */
function busyTicks(): number {
  const [, user, nice, system] = read('/proc/stat').split(/\s+/, 4).map(Number);
  return (user ?? 0) + (nice ?? 0) + (system ?? 0);
}

function pssKib(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
