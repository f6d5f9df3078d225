import { type Batchable, Batcher, type BatchLimits } from '#lib/chat/batch';
import { FairShare } from '#lib/chat/fair-share';
import { OrderTree } from '#lib/chat/order-tree';

/** A request that waits rises by one level of priority for every one of these. */
export const AGEING_MS_PER_LEVEL = 30_000;

export interface QueueLimits {
  /** How many may wait. */
  maxSize: number;
  ageingMsPerLevel: number;
  batch: BatchLimits;
}

export interface Waiting {
  id: string;
  caller: string;
  priority: number;
  group: string;
}

/**
 * The line of waiting requests (SPEC 2.1.3). Pure: it knows nothing of models or clocks, and its order is a function of
 * what was asked of it and of `now`, which must never go back.
 *
 * Order: by level, which is the priority plus one for every `ageingMsPerLevel` of waiting; within a level by turn, so that
 * callers alternate (see `FairShare`); within a turn by arrival. So
 * - a request can be overtaken only by what came less than `(10 − priority + 1) × ageingMsPerLevel` after it;
 * - within a level, a caller's k-th request waits for at most k of any other caller;
 * - with one caller it is strictly first come, first served within a level.
 * Batches may shift that by what `Batcher` allows.
 *
 * `add`, `remove`, `raise`, `take` and `position` are O(log n); ageing adds O(log n) for each level that a request rises.
 */
export class WaitingQueue<T extends Waiting> {
  readonly #limits: QueueLimits;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #line = new OrderTree<Entry<T>>(compare);
  readonly #groups = new Map<string, OrderTree<Entry<T>>>();
  readonly #levels = new Map<number, FairShare>();
  /** In the order of their next rise: all rise at the same pace, so whoever was put in last rises last. */
  readonly #ageing = new Set<Entry<T>>();
  readonly #batcher: Batcher<Entry<T>>;
  #arrivals = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.#batcher = new Batcher(limits.batch);
  }

  get size(): number {
    return this.#entries.size;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#limits.maxSize;
  }

  /** Batches released so far, and the requests in them. */
  get released(): { batches: number; requests: number } {
    return this.#batcher.released;
  }

  /** Counts a request that found a free slot and so never came here. */
  pass(): void {
    this.#batcher.pass();
  }

  /** False where the line is full. An id waits at most once. */
  add(item: T, now: number): boolean {
    if (this.isFull) return false;
    if (this.#entries.has(item.id)) throw new Error('this request waits already');
    this.#age(now);
    this.#arrivals += 1;
    const entry: Entry<T> = {
      item,
      group: item.group,
      since: now,
      arrival: this.#arrivals,
      level: item.priority,
      turn: 0,
      risesAt: now + this.#limits.ageingMsPerLevel,
      heldSince: undefined,
    };
    this.#entries.set(item.id, entry);
    this.#ageing.add(entry);
    this.#enter(entry);
    return true;
  }

  /** Takes a request out of the line, wherever it stands. */
  remove(id: string): T | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#leave(entry, false);
    this.#forget(entry);
    return entry.item;
  }

  /** Lifts a request by `levels`, keeping what it gained by waiting. */
  raise(id: string, levels: number, now: number): void {
    this.#age(now);
    const entry = this.#entries.get(id);
    if (entry === undefined || levels <= 0) return;
    this.#move(entry, entry.level + levels);
  }

  /** Takes the request whose turn it is. */
  take(now: number): T | undefined {
    if (this.#entries.size === 0) return undefined;
    this.#age(now);
    const first = this.#line.first();
    if (first === undefined) return undefined;
    const entry = this.#batcher.choose(first, (group) => this.#groups.get(group)?.first(), now);
    this.#leave(entry, true);
    this.#forget(entry);
    if (this.#entries.size === 0) this.#batcher.close();
    return entry.item;
  }

  /** Counted from 1; undefined where it does not wait. */
  position(id: string, now: number): number | undefined {
    this.#age(now);
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : this.#line.rank(entry) + 1;
  }

  /** Everyone in line, the first first, with the time since when they wait. */
  *waiting(now: number): Generator<{ item: T; since: number }, void> {
    this.#age(now);
    for (const { item, since } of this.#line) yield { item, since };
  }

  /** Lets those rise whose time has come, in order, so that every rise happens as if at its own moment. */
  #age(now: number): void {
    for (const entry of this.#ageing) {
      if (entry.risesAt > now) return;
      this.#ageing.delete(entry);
      entry.risesAt += this.#limits.ageingMsPerLevel;
      this.#ageing.add(entry);
      this.#move(entry, entry.level + 1);
    }
  }

  #move(entry: Entry<T>, level: number): void {
    this.#leave(entry, false);
    entry.level = level;
    this.#enter(entry);
  }

  #enter(entry: Entry<T>): void {
    let share = this.#levels.get(entry.level);
    if (share === undefined) {
      share = new FairShare();
      this.#levels.set(entry.level, share);
    }
    entry.turn = share.join(entry.item.caller);
    this.#line.insert(entry);
    let group = this.#groups.get(entry.group);
    if (group === undefined) {
      group = new OrderTree<Entry<T>>(compare);
      this.#groups.set(entry.group, group);
    }
    group.insert(entry);
  }

  #leave(entry: Entry<T>, served: boolean): void {
    this.#line.delete(entry);
    const group = this.#groups.get(entry.group);
    group?.delete(entry);
    if (group?.size === 0) this.#groups.delete(entry.group);
    const share = this.#levels.get(entry.level);
    share?.leave(entry.item.caller, entry.turn, served);
    if (share?.waiting === 0) this.#levels.delete(entry.level);
  }

  #forget(entry: Entry<T>): void {
    this.#entries.delete(entry.item.id);
    this.#ageing.delete(entry);
  }
}

interface Entry<T> extends Batchable {
  readonly item: T;
  readonly since: number;
  readonly arrival: number;
  level: number;
  turn: number;
  risesAt: number;
}

function compare(a: Entry<unknown>, b: Entry<unknown>): number {
  return b.level - a.level || a.turn - b.turn || a.arrival - b.arrival;
}
