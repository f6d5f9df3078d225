import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import type { Cgroup, CgroupUsage } from '#lib/runner/sandbox/cgroup';

/** The use of a process tree, sampled from /proc where no control group counts it. */
interface SampledTree {
  /** Takes a sample; returns whether the tree uses more memory than it may. */
  sample(): boolean;
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
}

/**
 * Reads the use of a sandbox from its control group, or from samples of its tree if it has none.
 */
export function meter(
  cgroup: Cgroup | undefined,
  tree: () => SampledTree | undefined,
): { usage: () => CgroupUsage; isOverMemory: () => boolean } {
  if (cgroup !== undefined) return { usage: () => cgroup.usage(), isOverMemory: () => cgroup.usage().oomKills > 0 };
  return {
    usage: () => {
      const sampled = tree();
      sampled?.sample();
      return { cpuMs: sampled?.cpuMs ?? 0, peakMemoryBytes: sampled?.peakMemoryBytes ?? 0, oomKills: 0 };
    },
    isOverMemory: () => tree()?.sample() === true,
  };
}

/**
 * Samples resident memory and page tables of all processes, the pages of the sandbox's tmpfs, what
 * its sockets and pipes may hold, and CPU time. It misses what is used between two samples;
 * RLIMIT_DATA bounds that.
 */
export class ProcessTree implements SampledTree {
  readonly #root: number;
  readonly #boundBytes: number;
  readonly #tmpfs: readonly Tmpfs[];
  readonly #cpuMsOf = new Map<number, number>();
  #peakMemoryBytes = 0;

  /**
   * `root` is the host's id of the first process. `tmpfs` are the writable mounts of its sandbox;
   * none if it has no sandbox.
   */
  constructor(root: number, boundBytes: number, tmpfs: readonly Tmpfs[] = []) {
    this.#root = root;
    this.#boundBytes = boundBytes;
    this.#tmpfs = tmpfs;
  }

  sample(): boolean {
    const files = this.#tmpfs.reduce((bytes, mount) => bytes + usedBytes(this.#root, mount), 0);
    const pids = [...descendants(this.#root)];
    let kernel = this.#tmpfs.length === 0 ? 0 : socketBytes(this.#root);
    let memory = files;
    for (const pid of pids) {
      const stat = readStat(pid);
      if (stat === undefined) continue;
      memory += stat.residentBytes;
      if (stat.virtualBytes > LARGE_VIRTUAL_BYTES) kernel += pageTableBytes(pid);
      if (this.#tmpfs.length > 0) kernel += pipeBytes(pid);
      // The last value of a process stays after its end.
      this.#cpuMsOf.set(pid, stat.cpuMs);
    }
    // Shared pages were counted for each process. Dividing them is slow, so only if it matters.
    if (memory + kernel > this.#boundBytes) memory = pids.reduce((sum, pid) => sum + proportionalBytes(pid), files);
    memory += kernel;
    this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes, memory);
    return memory > this.#boundBytes;
  }

  get cpuMs(): number {
    return sum(this.#cpuMsOf.values());
  }

  get peakMemoryBytes(): number {
    return this.#peakMemoryBytes;
  }
}

/** Resident memory of `root` and all processes below it; shared pages count in proportion. */
export function residentBytes(root: number): number {
  return [...descendants(root)].reduce((sum, pid) => sum + proportionalBytes(pid), 0);
}

const PAGE_BYTES = 4096;
const TICK_MS = 10;
/** Of stat(2). */
const BYTES_OF_A_BLOCK = 512;
/** Kernel memory of an empty file. */
const BYTES_OF_AN_INODE = 1024;
/** From linux/magic.h. */
const TMPFS_MAGIC = 0x01021994;

/** The memory file in which gVisor keeps the memory of its programs, mapped or not. */
const GVISOR_MEMORY = /^\/memfd:runsc-memory/;

/**
 * As `ProcessTree`, for a tree that gVisor is in. gVisor allocates memory in a file before a
 * process maps it, which no resident size shows. So the file counts, and the unshared memory of
 * processes.
 */
export class GvisorProcessTree implements SampledTree {
  readonly #root: number;
  readonly #boundBytes: number;
  readonly #cpuMsOf = new Map<number, number>();
  /** The path of the memory file, once it was found. */
  #file: string | undefined;
  #peakMemoryBytes = 0;

  constructor(root: number, boundBytes: number) {
    this.#root = root;
    this.#boundBytes = boundBytes;
  }

  sample(): boolean {
    const pids = [...descendants(this.#root)];
    this.#file ??= pids.flatMap(openFiles).find(({ target }) => GVISOR_MEMORY.test(target))?.path;
    let memory = this.#file === undefined ? 0 : allocatedBytes(this.#file);
    for (const pid of pids) {
      memory += unsharedBytes(pid);
      const stat = readStat(pid);
      if (stat !== undefined) this.#cpuMsOf.set(pid, stat.cpuMs);
    }
    this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes, memory);
    return memory > this.#boundBytes;
  }

  get cpuMs(): number {
    return sum(this.#cpuMsOf.values());
  }

  get peakMemoryBytes(): number {
    return this.#peakMemoryBytes;
  }
}

/** A tmpfs that only one tree writes to: its path inside the sandbox, and its size. */
export interface Tmpfs {
  mount: string;
  bound: number;
}

function* descendants(root: number): Generator<number> {
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    yield pid;
    queue.push(...children(pid));
  }
}

function children(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** Fields of proc(5)'s stat after the command, which may contain any character. */
function readStat(pid: number): { residentBytes: number; virtualBytes: number; cpuMs: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return {
      residentBytes: Number(fields[21]) * PAGE_BYTES,
      virtualBytes: Number(fields[20]),
      cpuMs: ticks * TICK_MS,
    };
  } catch {
    return undefined;
  }
}

/** Page tables are at most 1/512 of the mapped addresses: below this they are ignored. */
const LARGE_VIRTUAL_BYTES = 1024 * 1024 * 1024;

/** The page tables of a process: they grow with each touched address, even without a page. */
function pageTableBytes(pid: number): number {
  try {
    return 1024 * Number(/^VmPTE:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Descriptors of a process that are free, and what each further one may hold: half a pipe. */
const FREE_DESCRIPTORS = 64;
const DESCRIPTOR_BYTES = 32 * 1024;

/**
 * What the pipes of a process may hold, by its descriptors: the kernel does not report content.
 */
function pipeBytes(pid: number): number {
  try {
    const path = `/proc/${pid}/fd`;
    // Since Linux 6.2 it is the size of the directory.
    const open = statSync(path).size || readdirSync(path).length;
    return Math.max(0, open - FREE_DESCRIPTORS) * DESCRIPTOR_BYTES;
  } catch {
    return 0;
  }
}

/** Sockets of a sandbox that are free: a child of Node takes six, an event loop of Python two. */
const FREE_SOCKETS = 32;
/** What a connection may hold beyond its report: a byte sent alone takes up to a kilobyte. */
const CONNECTION_BYTES = 32 * 1024;
const PACKET_OVERHEAD = 2;
const INTERNET_SOCKETS = ['tcp', 'tcp6', 'udp', 'udp6'];
/** TCP_TIME_WAIT: closed, only the addresses are remembered. */
const TIME_WAIT = '06';
/** TCP_SYN_SENT: nothing is queued yet. */
const SYN_SENT = '02';

/**
 * What the buffers of all sockets in the network namespace of `root` may hold, also of sockets
 * that no process has open (in flight, or not yet accepted). The kernel does not report the queue
 * of a Unix socket, so each counts with the maximum, which the seccomp filter keeps programs from
 * raising. It reports the queues of TCP and UDP (proc(5), /proc/net/tcp) without packet overhead.
 */
function socketBytes(root: number): number {
  const local = socketLines(root, 'unix').length;
  const lines = INTERNET_SOCKETS.flatMap((protocol) => socketLines(root, protocol));
  return Math.max(0, local - FREE_SOCKETS) * socketBufferBytes() + connectionBytes(lines, largestQueueBytes());
}

/**
 * What the buffers of connections may hold, by lines of /proc/net/tcp. The kernel reads the two
 * counters of a queue without a lock, so that their difference can be any number while a
 * connection opens. A queue above `largestBytes`, which no socket can have, counts as empty. Pure.
 */
export function connectionBytes(lines: readonly string[], largestBytes: number): number {
  let connections = 0;
  let queued = 0;
  for (const line of lines) {
    const [, state, ...queues] = SOCKET_LINE.exec(line) ?? [];
    if (state === TIME_WAIT) continue;
    connections += 1;
    if (state === SYN_SENT) continue;
    for (const queue of queues) {
      const bytes = Number.parseInt(queue, 16);
      if (bytes <= largestBytes) queued += bytes;
    }
  }
  return Math.max(0, connections - FREE_SOCKETS) * CONNECTION_BYTES + PACKET_OVERHEAD * queued;
}

/** Slot, local address, remote address, state, and the two queues. */
const SOCKET_LINE = /^\s*\d+: \S+ \S+ ([0-9A-F]+) ([0-9A-F]+):([0-9A-F]+) /;

/** A line for each socket, without the header. */
function socketLines(root: number, protocol: string): string[] {
  try {
    return readFileSync(`/proc/${root}/net/${protocol}`, 'utf8').split('\n').slice(1, -1);
  } catch {
    return [];
  }
}

/** Linux's default of `net.core.wmem_default`. */
const DEFAULT_SOCKET_BUFFER_BYTES = 212_992;
let knownSocketBufferBytes: number | undefined;

/** The initial send buffer of a socket on this machine. */
function socketBufferBytes(): number {
  if (knownSocketBufferBytes === undefined) {
    try {
      knownSocketBufferBytes = Number(readFileSync('/proc/sys/net/core/wmem_default', 'utf8'));
    } catch {
      knownSocketBufferBytes = DEFAULT_SOCKET_BUFFER_BYTES;
    }
  }
  return knownSocketBufferBytes;
}

/** Linux's default of the last value of `net.ipv4.tcp_rmem`. */
const DEFAULT_LARGEST_QUEUE_BYTES = 6 * 1024 * 1024;
let knownLargestQueueBytes: number | undefined;

/** The most that one queue of a socket can hold on this machine: tcp(7), socket(7). */
function largestQueueBytes(): number {
  knownLargestQueueBytes ??= Math.max(
    DEFAULT_LARGEST_QUEUE_BYTES,
    ...['ipv4/tcp_rmem', 'ipv4/tcp_wmem'].map((name) => lastNumber(`/proc/sys/net/${name}`)),
    // The kernel doubles what SO_RCVBUF and SO_SNDBUF ask for.
    ...['core/rmem_max', 'core/wmem_max'].map((name) => 2 * lastNumber(`/proc/sys/net/${name}`)),
  );
  return knownLargestQueueBytes;
}

/** The last number of a file in /proc/sys; 0 if it cannot be read. */
function lastNumber(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8').trim().split(/\s+/).at(-1));
  } catch {
    return 0;
  }
}

/** Resident memory without file mappings, from proc(5)'s statm, which counts pages. */
function unsharedBytes(pid: number): number {
  try {
    const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number);
    return ((resident ?? 0) - (shared ?? 0)) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

function openFiles(pid: number): { path: string; target: string }[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      const path = `/proc/${pid}/fd/${fd}`;
      return { path, target: readlinkSync(path) };
    });
  } catch {
    return [];
  }
}

function allocatedBytes(path: string): number {
  try {
    return statSync(path).blocks * BYTES_OF_A_BLOCK;
  } catch {
    return 0;
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** Proportional set size: a page that n processes share counts 1/n for each. */
export function proportionalBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return 1024 * Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Reads the size of the mount only: opens no file of the program. */
function usedBytes(root: number, { mount, bound }: Tmpfs): number {
  try {
    const { type, bsize, blocks, bfree, files, ffree } = statfsSync(`/proc/${root}/root${mount}`);
    // During set-up this is still a directory of the host.
    if (type !== TMPFS_MAGIC || blocks * bsize > bound + bsize) return 0;
    return (blocks - bfree) * bsize + (files - ffree) * BYTES_OF_AN_INODE;
  } catch {
    return 0;
  }
}
