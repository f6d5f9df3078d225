import type { WarmSandbox } from '#lib/runner/sandbox/sandbox';
import { log } from '#lib/telemetry/log';

export interface WarmPoolOptions {
  /** How many of one kind may wait; twice as many where the kind asks for it. */
  size: number;
  /** What all that wait may hold, as far as can be told beforehand. */
  megabytes: number;
  /** Without a run for so long, the sandboxes of a kind are given up. */
  idleMs: number;
}

/** Sandboxes that are alike, and so can stand in for one another. */
export interface SandboxTemplate<Given> {
  /** Whose they are and what for, as people are told. */
  name: string;
  /** What one holds while it waits, roughly. */
  megabytes: number;
  /** Takes its time to be made and holds little: where runs follow one another without a pause, it would be out otherwise. */
  isKeptTwice?: boolean;
  /** One of many, for one program: one waits, and those of a few programs do. */
  ephemeral?: boolean;
  /** Undefined where what it is made of is gone. */
  make: () => WarmSandbox<Given> | undefined;
}

/** For how many programs there are sandboxes of their own. */
const MAX_EPHEMERAL = 8;

const REPORT_TTL_MS = 3_000;

/** What waits of one kind. */
export interface WarmSandboxReport {
  name: string;
  waiting: number;
  /** Resident memory of all of them; what is shared counts in part. */
  resident_kb: number;
}

/**
 * Sandboxes that were set up beforehand. Each runs one program and dies. There are some of a kind from the first run that
 * asked for one on; they are made up again after a run, never in its way, and as many as memory allows: the kinds that were
 * asked for last come first.
 */
export class WarmPool {
  readonly #options: WarmPoolOptions;
  /** The one that was asked for last is the last. */
  readonly #shelves = new Map<SandboxTemplate<never>, PoolSlot>();
  readonly #leaving = new Set<Promise<void>>();
  #isClosed = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looked: WarmSandboxReport[] = [];

  constructor(options: WarmPoolOptions) {
    this.#options = options;
  }

  /** How many wait, of all kinds together. */
  get size(): number {
    return [...this.#shelves.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** What waits, from the last few seconds: each look goes into /proc for all of them. */
  report(now = performance.now()): WarmSandboxReport[] {
    if (now - this.#lookedAt > REPORT_TTL_MS) {
      this.#lookedAt = now;
      this.#looked = this.#look();
    }
    return this.#looked;
  }

  #look(): WarmSandboxReport[] {
    const byName = Map.groupBy(
      [...this.#shelves].flatMap(([{ name }, { waiting }]) => waiting.map((one) => ({ name, one }))),
      ({ name }) => name,
    );
    return [...byName].map(([name, waiting]) => ({
      name,
      waiting: waiting.length,
      resident_kb: Math.round(waiting.reduce((sum, { one }) => sum + one.residentBytes(), 0) / 1024),
    }));
  }

  take<Given>(kind: SandboxTemplate<Given>): WarmSandbox<Given> | undefined {
    const waiting: WarmSandbox<Given>[] = this.#shelves.get(kind)?.waiting ?? [];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (next.isAlive) return next;
      this.#discard(next);
    }
    return undefined;
  }

  /** Whether there were some of a kind, and none is left, which nothing else can stand in for. */
  isExhausted(kind: SandboxTemplate<never>): boolean {
    return kind.ephemeral !== true && this.#shelves.get(kind)?.waiting.length === 0;
  }

  /** Makes up for what was taken, and for what has died. */
  refill<Given>(kind: SandboxTemplate<Given>): void {
    if (this.#isClosed) return;
    const shelf = this.#shelves.get(kind) ?? { waiting: [], idle: undefined };
    this.#shelves.delete(kind);
    this.#shelves.set(kind, shelf);
    clearTimeout(shelf.idle);
    shelf.idle = setTimeout(() => this.#giveUp(kind), this.#options.idleMs).unref();
    for (const dead of shelf.waiting.filter(({ isAlive }) => !isAlive)) this.#discard(dead);
    shelf.waiting = shelf.waiting.filter(({ isAlive }) => isAlive);
    try {
      while (shelf.waiting.length < this.#wanted(kind) && this.#makeRoom(kind)) {
        const made = kind.make();
        if (made === undefined) break;
        shelf.waiting.push(made);
      }
    } catch (error) {
      log().error({ kind: kind.name, err: error }, 'no sandbox could be set up beforehand');
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const kind of this.#shelves.keys()) this.#giveUp(kind);
    await Promise.all(this.#leaving);
  }

  #wanted({ isKeptTwice = false, ephemeral: isPassing = false }: SandboxTemplate<never>): number {
    if (isPassing) return 1;
    return isKeptTwice ? 2 * this.#options.size : this.#options.size;
  }

  /** Whether one more fits, if need be instead of others that nobody has asked for as long. */
  #makeRoom(kind: SandboxTemplate<never>): boolean {
    const passing = [...this.#shelves.keys()].filter(({ ephemeral: isPassing }) => isPassing === true);
    for (const past of passing.slice(0, -MAX_EPHEMERAL)) this.#giveUp(past);
    let held = kind.megabytes;
    if (held > this.#options.megabytes) return false;
    for (const [{ megabytes }, { waiting }] of this.#shelves) held += megabytes * waiting.length;
    for (const [other, { waiting }] of this.#shelves) {
      if (held <= this.#options.megabytes || other === kind) break;
      held -= other.megabytes * waiting.length;
      this.#giveUp(other);
    }
    return held <= this.#options.megabytes;
  }

  #giveUp(kind: SandboxTemplate<never>): void {
    const shelf = this.#shelves.get(kind);
    clearTimeout(shelf?.idle);
    for (const waiting of shelf?.waiting.splice(0) ?? []) this.#discard(waiting);
    if (kind.ephemeral === true) this.#shelves.delete(kind);
  }

  #discard(waiting: WarmSandbox<never>): void {
    const leaving = waiting
      .discard()
      .catch((error: unknown) => log().error({ err: error }, 'a sandbox that waited has not ended well'))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}

interface PoolSlot {
  waiting: WarmSandbox<never>[];
  idle: NodeJS.Timeout | undefined;
}
