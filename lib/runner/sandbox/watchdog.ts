import { readdirSync, readFileSync, statfsSync } from 'node:fs';

/**
 * Counts what a process tree uses where there is no control group to do it: resident memory of all processes together with
 * the pages of the sandbox's tmpfs, and CPU time, by looking into /proc now and then. What is used between two looks is not
 * seen; RLIMIT_DATA bounds how much that can be.
 */
export class ProcessTree {
  readonly #root: number;
  readonly #tmpfs: string | undefined;
  readonly #cpuMsOf = new Map<number, number>();
  #peakMemoryBytes = 0;

  /** `root` is the tree's first process, as the host numbers it; `tmpfs` is a mount that only this tree writes to, as it sees it. */
  constructor(root: number, tmpfs?: string) {
    this.#root = root;
    this.#tmpfs = tmpfs;
  }

  /** Looks once; returns the memory in use now, in bytes. */
  look(): number {
    let memory = this.#tmpfs === undefined ? 0 : usedBytes(`/proc/${this.#root}/root${this.#tmpfs}`);
    for (const pid of descendants(this.#root)) {
      const stat = readStat(pid);
      if (stat === undefined) continue;
      memory += stat.residentBytes;
      // Children that were waited for are in their parent's count; a process's own last count is kept when it is gone.
      this.#cpuMsOf.set(pid, stat.cpuMs);
    }
    this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes, memory);
    return memory;
  }

  get cpuMs(): number {
    return [...this.#cpuMsOf.values()].reduce((sum, ms) => sum + ms, 0);
  }

  get peakMemoryBytes(): number {
    return this.#peakMemoryBytes;
  }
}

const PAGE_BYTES = 4096;
const TICK_MS = 10;

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
function readStat(pid: number): { residentBytes: number; cpuMs: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { residentBytes: Number(fields[21]) * PAGE_BYTES, cpuMs: ticks * TICK_MS };
  } catch {
    return undefined;
  }
}

/** Asks for the size of the mount only: nothing that the program made is opened. */
function usedBytes(mount: string): number {
  try {
    const { bsize, blocks, bfree } = statfsSync(mount);
    return (blocks - bfree) * bsize;
  } catch {
    return 0;
  }
}
