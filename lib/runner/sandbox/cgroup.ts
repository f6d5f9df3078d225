import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ResourceLimits } from '#lib/runner/resource-limits';

/** The use of a whole process tree, as the kernel counts it. */
export interface CgroupUsage {
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
  readonly oomKills: number;
}

/** One control group (or one per controller, in v1) for one run. */
export interface Cgroup {
  /**
   * Resolves once `pid` is in the group. All processes that it starts later are in it, too. The
   * kernel may take tens of milliseconds.
   */
  add(pid: number): Promise<void>;
  /** Each figure is read on access. */
  usage(): CgroupUsage;
  /** Removes the group, whose processes must have ended. */
  remove(): Promise<void>;
}

export interface CgroupDriver {
  readonly version: 1 | 2;
  create(name: string, limits: ResourceLimits): Cgroup;
}

/**
 * Finds a hierarchy in which this process may create groups that limit memory and processes: v2 if
 * it is delegated, else v1, else none. `root` is the mount point.
 */
export function findCgroupDriver(root = '/sys/fs/cgroup', membership = readMembership()): CgroupDriver | undefined {
  return findV2(root, membership) ?? findV1(root, membership);
}

/**
 * The name of a run's group. It contains the server's pid, so that a later server can remove it.
 */
export function cgroupName(run: number): string {
  return `${PREFIX}${process.pid}-${run}`;
}

const PREFIX = 'chill-space-';

/** Removes the empty groups of servers that have ended. */
function sweep(directory: string): void {
  for (const name of readdirSync(directory)) {
    const owner = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : Number.NaN;
    if (!Number.isInteger(owner) || existsSync(`/proc/${owner}`)) continue;
    try {
      rmdirSync(join(directory, name));
    } catch {
      // In use by a server in another pid namespace, whose pid is unknown here.
    }
  }
}

/** Parses /proc/self/cgroup: controller to path, v2 under the empty name. */
export function parseMembership(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(',')) paths.set(controller, path);
  }
  return paths;
}

function readMembership(): Map<string, string> {
  try {
    return parseMembership(readFileSync('/proc/self/cgroup', 'utf8'));
  } catch {
    return new Map();
  }
}

function findV1(root: string, membership: Map<string, string>): CgroupDriver | undefined {
  const directories = V1_CONTROLLERS.map((controller) => {
    const own = join(root, controller, membership.get(controller) ?? '/');
    // In a container the path may be the host's, though only a part is mounted.
    return existsSync(own) ? own : join(root, controller);
  });
  if (!directories.every(isWritable)) return undefined;
  directories.forEach(sweep);
  return { version: 1, create: (name, limits) => createV1(directories, name, limits) };
}

const V1_CONTROLLERS = ['memory', 'pids', 'cpuacct'] as const;

const TCP_LIMIT = 'memory.kmem.tcp.limit_in_bytes';

function createV1(parents: string[], name: string, limits: ResourceLimits): Cgroup {
  const directories = parents.map((parent) => join(parent, name));
  const [memory, pids, cpuacct] = directories as [string, string, string];
  for (const directory of directories) mkdirSync(directory);
  set(memory, 'memory.limit_in_bytes', limits.memoryBytes);
  // If the kernel counts swap, memory and swap together have the same limit.
  if (existsSync(join(memory, 'memory.memsw.limit_in_bytes')))
    set(memory, 'memory.memsw.limit_in_bytes', limits.memoryBytes);
  // The buffers of TCP connections count separately, and only with a limit.
  if (existsSync(join(memory, TCP_LIMIT))) set(memory, TCP_LIMIT, limits.memoryBytes);
  set(pids, 'pids.max', limits.processes + SANDBOX_PROCESSES);
  return {
    add: async (pid) => {
      await Promise.all(directories.map((directory) => enter(directory, pid)));
    },
    usage: () => ({
      get cpuMs() {
        return Number(get(cpuacct, 'cpuacct.usage')) / 1e6;
      },
      get peakMemoryBytes() {
        return Number(get(memory, 'memory.max_usage_in_bytes'));
      },
      get oomKills() {
        return field(get(memory, 'memory.oom_control'), 'oom_kill');
      },
    }),
    remove: () => removeAll(directories),
  };
}

/** bubblewrap's monitor, its init, and a start-up helper are in the group of the program. */
const SANDBOX_PROCESSES = 3;

function findV2(root: string, membership: Map<string, string>): CgroupDriver | undefined {
  const own = membership.get('');
  if (own === undefined || !existsSync(join(root, 'cgroup.controllers'))) return undefined;
  const base = existsSync(join(root, own)) ? join(root, own) : root;
  try {
    const parent = isLeaf(base) ? dirname(base) : delegate(base);
    sweep(parent);
    return { version: 2, create: (name, limits) => createV2(parent, name, limits) };
  } catch {
    return undefined;
  }
}

/** The group of the server itself, next to those of its runs. */
const LEAF = 'server';

/**
 * Whether another worker, or the server that started this one, has moved this process to the leaf:
 * each would make a leaf below that of the one before.
 */
function isLeaf(base: string): boolean {
  const enabled = join(dirname(base), 'cgroup.subtree_control');
  if (basename(base) !== LEAF || !existsSync(enabled)) return false;
  accessSync(dirname(base), constants.W_OK);
  const controllers = readFileSync(enabled, 'utf8').split(/\s+/);
  return controllers.includes('memory') && controllers.includes('pids');
}

/**
 * Enables the controllers for children of `base`. The kernel forbids processes in such a group,
 * except the root, so the server moves to a leaf first.
 */
function delegate(base: string): string {
  const wanted = '+memory +pids';
  const available = get(base, 'cgroup.controllers').split(/\s+/);
  if (!available.includes('memory') || !available.includes('pids'))
    throw new Error('the memory and pids controllers are not delegated');
  try {
    set(base, 'cgroup.subtree_control', wanted);
  } catch {
    const leaf = join(base, LEAF);
    mkdirSync(leaf, { recursive: true });
    moveAll(base, leaf, () => set(base, 'cgroup.subtree_control', wanted));
  }
  return base;
}

/** Other workers start and end processes meanwhile. */
const MOVE_ATTEMPTS = 10;

/** Moves all processes of a group, and calls `done`, which throws while there are some. */
function moveAll(from: string, to: string, done: () => void): void {
  for (let attempt = 1; ; attempt += 1) {
    for (const pid of get(from, 'cgroup.procs').split('\n').filter(Boolean)) {
      try {
        set(to, 'cgroup.procs', pid);
      } catch (error) {
        // ESRCH: it has ended.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    }
    try {
      done();
      return;
    } catch (error) {
      if (attempt >= MOVE_ATTEMPTS) throw error;
    }
  }
}

function createV2(parent: string, name: string, limits: ResourceLimits): Cgroup {
  const directory = join(parent, name);
  mkdirSync(directory);
  set(directory, 'memory.max', limits.memoryBytes);
  set(directory, 'memory.oom.group', 1);
  if (existsSync(join(directory, 'memory.swap.max'))) set(directory, 'memory.swap.max', 0);
  set(directory, 'pids.max', limits.processes + SANDBOX_PROCESSES);
  return {
    add: (pid) => enter(directory, pid),
    usage: () => ({
      get cpuMs() {
        return field(get(directory, 'cpu.stat'), 'usage_usec') / 1000;
      },
      // memory.peak exists since Linux 5.19. Before, the use at the end is a lower bound.
      get peakMemoryBytes() {
        return Number(get(directory, existsSync(join(directory, 'memory.peak')) ? 'memory.peak' : 'memory.current'));
      },
      get oomKills() {
        return field(get(directory, 'memory.events'), 'oom_kill');
      },
    }),
    remove: () => removeAll([directory]),
  };
}

async function removeAll(directories: string[]): Promise<void> {
  for (const directory of directories) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        rmdirSync(directory);
        break;
      } catch (error) {
        // The kernel frees a process a moment after its parent was notified.
        if (attempt >= REMOVE_ATTEMPTS) throw error;
        await delay(Math.min(attempt, REMOVE_EVERY_MS));
      }
    }
  }
}

/** More than five seconds in all: on busy cores the monitor may take long to end. */
const REMOVE_ATTEMPTS = 150;
const REMOVE_EVERY_MS = 50;

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    // For root, a read-only mount seems writable. Creating a group proves it.
    const trial = join(directory, cgroupName(0));
    mkdirSync(trial);
    rmdirSync(trial);
    return true;
  } catch {
    return false;
  }
}

function set(directory: string, file: string, value: string | number): void {
  writeFileSync(join(directory, file), String(value));
}

function enter(directory: string, pid: number): Promise<void> {
  return writeFile(join(directory, 'cgroup.procs'), String(pid));
}

function get(directory: string, file: string): string {
  return readFileSync(join(directory, file), 'utf8');
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}
