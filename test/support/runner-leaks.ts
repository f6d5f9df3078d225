import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What runs of programs leave: processes, control groups, files, mounts and descriptors. */

/**
 * Processes of ended runs. The kernel reuses the number of a freed namespace for any later sandbox
 * on the machine. So a process that started after the run had ended is not part of it, and neither
 * is one below this process, since the sandbox of an ended run has no parent left.
 */
export function processesIn(namespaces: ReadonlyMap<number, number>): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const ended = namespaces.get(Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/pid`))?.[0]));
        return ended !== undefined && Number(statOf(pid)[START_TIME]) < ended && !isBelow(pid, process.pid);
      } catch {
        return false;
      }
    })
    .map((pid) => `process ${pid}`);
}

function isBelow(pid: string, ancestor: number): boolean {
  const parent = statOf(pid)[PARENT] ?? '0';
  return Number(parent) === ancestor || (Number(parent) > 1 && isBelow(parent, ancestor));
}

/** Fields of proc(5)'s stat after the command, which may contain any character. */
function statOf(pid: string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

const PARENT = 1;
const START_TIME = 19;
const TICKS_PER_SECOND = 100;

export function ticksSinceBoot(): number {
  return Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * TICKS_PER_SECOND);
}

export function leftControlGroups(): string[] {
  const mine = `chill-space-${process.pid}-`;
  const found: string[] = [];
  const visit = (directory: string, depth: number) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      // The group of a warm sandbox has processes; `processesIn` finds those of ended runs.
      if (entry.name.startsWith(mine)) {
        if (isEmpty(join(directory, entry.name))) found.push(`control group ${entry.name}`);
      } else if (depth > 0) visit(join(directory, entry.name), depth - 1);
    }
  };
  if (existsSync('/sys/fs/cgroup')) visit('/sys/fs/cgroup', CGROUP_DEPTH);
  return found;
}

function isEmpty(group: string): boolean {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'utf8') === '';
  } catch {
    return false;
  }
}

const CGROUP_DEPTH = 4;

export function leftFiles(): string[] {
  return [tmpdir(), '/dev/shm']
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)))
    .filter((path) => new RegExp(`chill-space-(run|pipes)-${process.pid}-`).test(path));
}

export function mountCount(): number {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length;
}

export interface DescriptorCount {
  open: number;
  /** Pipes of the pool, in use or not: it has as many as were needed at once. */
  heldPipes: number;
}

/**
 * Pipes that runs may need on top of warm sandboxes: six for each of two that run and two that
 * end, in batches, and those of a zygote that is replaced while its last sandboxes run. A leak of
 * one per run would soon be more.
 */
export const PIPES_OF_RUNS = 32 + 56;

/** Descriptors of a preloaded sandbox: four pipes, its input and its source; five pipes in all. */
export const OF_PRELOADED: DescriptorCount = { open: 6, heldPipes: 5 };

/** Without the cached programs: anonymous files in the temporary directory. */
export function descriptors(): DescriptorCount {
  const seen: DescriptorCount = { open: 0, heldPipes: 0 };
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      if (path.startsWith(`${tmpdir()}/#`)) continue;
      if (path.includes('chill-space-pipes-') && isHeldOnly(fd)) seen.heldPipes += 1;
      else seen.open += 1;
    } catch {
      // The descriptor of this listing is closed by now.
    }
  }
  return seen;
}

/** Whether it is an `O_PATH` descriptor, which can neither read nor write. */
function isHeldOnly(fd: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & O_PATH) !== 0;
}

const O_PATH = 0o10000000;

/** Resolves when the counts have stayed the same for a while. */
export async function descriptorsAtRest(): Promise<DescriptorCount> {
  const until = performance.now() + AT_REST_WITHIN_MS;
  let before = descriptors();
  for (let same = 0; same < LOOKS_AT_REST; ) {
    if (performance.now() > until) throw new Error('descriptors come and go although nothing runs');
    await delay(LOOK_EVERY_MS);
    const now = descriptors();
    same = now.open === before.open && now.heldPipes === before.heldPipes ? same + 1 : 0;
    before = now;
  }
  return before;
}

const LOOKS_AT_REST = 4;
const LOOK_EVERY_MS = 50;
const AT_REST_WITHIN_MS = 10_000;
