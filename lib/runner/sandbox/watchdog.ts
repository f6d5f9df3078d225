import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';

/**
 * Counts what a process tree uses where there is no control group to do it: resident memory and
 * page tables of all processes, the pages of the sandbox's tmpfs, what its sockets and pipes may
 * hold, and CPU time, by looking into /proc now and then. What is used between two looks is not
 * seen; RLIMIT_DATA bounds how much that can be.
 */
export class ProcessTree {
  readonly #root: number;
  readonly #boundBytes: number;
  readonly #tmpfs: readonly Tmpfs[];
  readonly #cpuMsOf = new Map<number, number>();
  #peakMemoryBytes = 0;

  /**
   * `root` is the tree's first process, as the host numbers it; `tmpfs` are the mounts of its
   * sandbox that it writes to, none if it has no sandbox.
   */
  constructor(root: number, boundBytes: number, tmpfs: readonly Tmpfs[] = []) {
    this.#root = root;
    this.#boundBytes = boundBytes;
    this.#tmpfs = tmpfs;
  }

  /** Looks once; returns whether more memory is in use than may be. */
  look(): boolean {
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
      // What a process used last is kept when it is gone.
      this.#cpuMsOf.set(pid, stat.cpuMs);
    }
    // Pages that several processes share were counted for each. Dividing them costs more, so it is done only where it matters.
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

/** Resident memory of all processes below `root` and itself; what several share counts for each in part. */
export function residentBytes(root: number): number {
  return [...descendants(root)].reduce((sum, pid) => sum + proportionalBytes(pid), 0);
}

const PAGE_BYTES = 4096;
const TICK_MS = 10;
/** Of stat(2). */
const BYTES_OF_A_BLOCK = 512;
/** An empty file has no pages, but the kernel keeps this much for it. */
const BYTES_OF_AN_INODE = 1024;
/** From linux/magic.h. */
const TMPFS_MAGIC = 0x01021994;

/** Where gVisor keeps what its programs have in memory, mapped or not: a file with this name in memory. */
const GVISOR_MEMORY = /^\/memfd:runsc-memory/;

/**
 * The same for a tree that gVisor is in. It sets memory aside in a file before anybody maps it, which no process's resident memory
 * shows; so the file is counted, and of the processes only what they do not share.
 */
export class GvisorProcessTree {
  readonly #root: number;
  readonly #boundBytes: number;
  readonly #cpuMsOf = new Map<number, number>();
  /** Where the file is seen, once it was found. */
  #file: string | undefined;
  #peakMemoryBytes = 0;

  constructor(root: number, boundBytes: number) {
    this.#root = root;
    this.#boundBytes = boundBytes;
  }

  /** Looks once; returns whether more memory is in use than may be. */
  look(): boolean {
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

/** A tmpfs that only one tree writes to: where the tree sees it, and its size. */
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

/** Fields of proc(5)'s stat, counted after the command, which may hold anything. */
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

/**
 * Page tables are at most 1/512 of the addresses that are mapped: below this they are not worth a
 * look.
 */
const LARGE_VIRTUAL_BYTES = 1024 * 1024 * 1024;

/**
 * The page tables of a process: they grow with each address that is touched, also where no page is
 * allocated for it.
 */
function pageTableBytes(pid: number): number {
  try {
    return 1024 * Number(/^VmPTE:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Descriptors of a process that count for nothing, and what each of the others may hold: half of a
 * pipe's 64 KiB.
 */
const FREE_DESCRIPTORS = 64;
const DESCRIPTOR_BYTES = 32 * 1024;

/**
 * What the pipes of a process may hold, by the number of its descriptors: the kernel does not
 * report what is in them.
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

/**
 * So many sockets of a sandbox are free: each child of Node takes six, an event loop of Python two.
 */
const FREE_SOCKETS = 32;
/**
 * What a connection may hold beyond what it reports: one byte that is sent alone takes up to a
 * kilobyte.
 */
const CONNECTION_BYTES = 32 * 1024;
const PACKET_OVERHEAD = 2;
const INTERNET_SOCKETS = ['tcp', 'tcp6', 'udp', 'udp6'];
/** TCP_TIME_WAIT: the connection is closed, and only its addresses are still remembered. */
const TIME_WAIT = '06';

/**
 * What the buffers of all sockets in the network namespace of `root` may hold. It counts sockets
 * that no process has open any more (in flight, or not yet accepted) too. The kernel does not
 * report the queue of a Unix socket, so each counts with the largest that it may have: the seccomp
 * filter keeps programs from raising it. TCP's and UDP's queues are reported (proc(5),
 * /proc/net/tcp), in bytes without the overhead of packets.
 */
function socketBytes(root: number): number {
  const local = socketLines(root, 'unix').length;
  let connections = 0;
  let queued = 0;
  for (const protocol of INTERNET_SOCKETS)
    for (const line of socketLines(root, protocol)) {
      const [, state, sending = '', receiving = ''] = SOCKET_LINE.exec(line) ?? [];
      if (state === TIME_WAIT) continue;
      connections += 1;
      queued += Number.parseInt(sending, 16) + Number.parseInt(receiving, 16);
    }
  return (
    Math.max(0, local - FREE_SOCKETS) * socketBufferBytes() +
    Math.max(0, connections - FREE_SOCKETS) * CONNECTION_BYTES +
    PACKET_OVERHEAD * queued
  );
}

/** Place, own address, other address, state, and the two queues. */
const SOCKET_LINE = /^\s*\d+: \S+ \S+ ([0-9A-F]+) ([0-9A-F]+):([0-9A-F]+) /;

/** A line for each socket: the first is the table's head. */
function socketLines(root: number, protocol: string): string[] {
  try {
    return readFileSync(`/proc/${root}/net/${protocol}`, 'utf8').split('\n').slice(1, -1);
  } catch {
    return [];
  }
}

/** Linux's own default of `net.core.wmem_default`. */
const USUAL_SOCKET_BUFFER_BYTES = 212_992;
let knownSocketBufferBytes: number | undefined;

/** The send buffer that a socket of this machine begins with. */
function socketBufferBytes(): number {
  if (knownSocketBufferBytes === undefined) {
    try {
      knownSocketBufferBytes = Number(readFileSync('/proc/sys/net/core/wmem_default', 'utf8'));
    } catch {
      knownSocketBufferBytes = USUAL_SOCKET_BUFFER_BYTES;
    }
  }
  return knownSocketBufferBytes;
}

/** Resident memory that no file is behind: proc(5)'s statm counts in pages what is resident, and what of it is shared. */
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

/** The process's share of the memory that it has: a page that n processes share counts 1/n for each. */
function proportionalBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return 1024 * Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Asks for the size of the mount only: nothing that the program made is opened. */
function usedBytes(root: number, { mount, bound }: Tmpfs): number {
  try {
    const { type, bsize, blocks, bfree, files, ffree } = statfsSync(`/proc/${root}/root${mount}`);
    // While the sandbox is being set up, this is still a directory of the host.
    if (type !== TMPFS_MAGIC || blocks * bsize > bound + bsize) return 0;
    return (blocks - bfree) * bsize + (files - ffree) * BYTES_OF_AN_INODE;
  } catch {
    return 0;
  }
}
