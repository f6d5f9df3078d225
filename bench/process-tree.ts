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
  /** Proportional set size: a page that n processes share counts 1/n for each. In MB (1e6 bytes), all together. */
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
/** Of 10 ms, within one look. */
const QUIET_TICKS = 1;

/** Resolves when `pid` and all below it have next to nothing to do any more: what is refilled is full. */
export async function untilQuiet(pid: number): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  let before = ticks(pid);
  let quiet = 0;
  while (quiet < 2 && performance.now() < deadline) {
    await delay(LOOK_EVERY_MS);
    const now = ticks(pid);
    quiet = Math.abs(now - before) <= QUIET_TICKS ? quiet + 1 : 0;
    before = now;
  }
}

/** User and system time, of the living. Fields 14 and 15 of proc(5)'s stat, counted after the command. */
function ticks(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, member) => {
    const stat = read(`/proc/${member}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) || 0) + (Number(fields[12]) || 0);
  }, 0);
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
