/** What the processes below one use, from /proc. */
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
