import { type Batchable, Batcher, type BatchLimits } from '#lib/chat/scheduler/batcher';
import { FairTurns, sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import { OrderStatisticTree } from '#lib/chat/scheduler/order-statistic-tree';
import { chooseDisplaced, type QueueShare } from '#lib/max-min-fairness';

export interface QueueLimits {
  /** How many may wait. */
  maxSize: number;
  /** What the waiting requests may hold in memory together, and those of one caller. */
  maxBytes: number;
  maxCallerBytes: number;
  batch: BatchLimits;
}

export interface QueueItem {
  id: string;
  caller: string;
  priority: number;
  group: string;
  /** What it holds in memory while it waits. */
  bytes: number;
}

/** A request that is to be added. */
interface QueueCandidate<T> {
  caller: string;
  bytes: number;
  /** False for one of which only the bytes are counted yet. */
  takesPlace: boolean;
  /** Bytes that are taken elsewhere, in all and by its caller. */
  reserved: { total: number; caller: number };
  isDisplaceable: (item: T) => boolean;
}

/** Whether there is room for a request: with what has to give way to it, or why it is refused. */
export type CapacityCheck<T> = { displaced: readonly T[] } | { full: 'requests' | 'bytes' | 'caller' };

/**
 * The line of waiting requests. Pure: it knows nothing of models or clocks.
 *
 * Order: by place (see `sortKeyOf`), which is decided when a request comes in and never changes, but
 * for `raise`. So
 * - with one caller and one priority it is strictly first come, first served;
 * - a newcomer waits for at most two requests of any one other caller of its priority, however long
 *   that one's backlog;
 * - one level of priority is worth four turns, and nothing waits for ever.
 * Batches may shift that by what `Batcher` allows.
 *
 * `add`, `remove`, `raise`, `take` and `position` are O(log n); `room` is O(n) when the line is
 * full, else O(1).
 */
export class WaitingQueue<T extends QueueItem> {
  readonly #limits: QueueLimits;
  readonly #entries = new Map<string, QueueNode<T>>();
  readonly #line = new OrderStatisticTree<QueueNode<T>>(compare);
  readonly #groups = new Map<string, OrderStatisticTree<QueueNode<T>>>();
  readonly #callers = new Map<string, CallerBacklog<T>>();
  readonly #turns = new FairTurns();
  readonly #batcher: Batcher<QueueNode<T>>;
  #arrivals = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.#batcher = new Batcher(limits.batch);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What the waiting requests hold in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Batches released so far, and the requests in them. */
  get releasedBatches(): { batches: number; requests: number } {
    return this.#batcher.releasedBatches;
  }

  /**
   * Counts a request that found a free slot and so never waits: it is a turn of its caller all the
   * same.
   */
  recordImmediateStart({ caller, priority }: Pick<T, 'caller' | 'priority'>): void {
    this.#turns.markServed({ caller, priority, turn: this.#turns.assignTurn(caller, priority) }, true);
    this.#batcher.recordImmediateStart();
  }

  /**
   * Whether there is room for a newcomer. In a full line, the newest request of the caller with
   * most gives way to a caller who has less; what `isDisplaceable` refuses never does.
   */
  checkCapacity({ caller, bytes, takesPlace, reserved, isDisplaceable }: QueueCandidate<T>): CapacityCheck<T> {
    const { maxSize, maxBytes, maxCallerBytes } = this.#limits;
    const own = this.#callers.get(caller);
    const ownBytes = (own?.bytes ?? 0) + reserved.caller;
    if (ownBytes + bytes > maxCallerBytes) return { full: 'caller' };
    const displaced = new Set<QueueNode<T>>();
    if (takesPlace && this.#entries.size >= maxSize) {
      const entry = this.#displace(
        { caller, held: own?.entries.size ?? 0, adds: 1 },
        { of: () => 1, isDisplaceable, displaced },
      );
      if (entry === undefined) return { full: 'requests' };
      displaced.add(entry);
    }
    let freed = 0;
    for (const { item } of displaced) freed += item.bytes;
    while (this.#bytes + reserved.total - freed + bytes > maxBytes) {
      const entry = this.#displace(
        { caller, held: ownBytes, adds: bytes },
        { of: (item) => item.bytes, isDisplaceable, displaced },
      );
      if (entry === undefined) return { full: 'bytes' };
      displaced.add(entry);
      freed += entry.item.bytes;
    }
    return { displaced: [...displaced].map(({ item }) => item) };
  }

  /** Adds a request for which there is room. An id waits at most once. */
  add(item: T, now: number): void {
    if (this.#entries.has(item.id)) throw new Error('this request waits already');
    this.#arrivals += 1;
    const { caller, priority, group } = item;
    const turn = this.#turns.assignTurn(caller, priority);
    const entry: QueueNode<T> = {
      item,
      caller,
      group,
      since: now,
      arrival: this.#arrivals,
      priority,
      turn,
      level: priority,
      place: sortKeyOf(turn, priority),
      skippedSince: undefined,
    };
    this.#entries.set(item.id, entry);
    this.#bytes += item.bytes;
    let own = this.#callers.get(caller);
    if (own === undefined) {
      own = { entries: new Set(), bytes: 0 };
      this.#callers.set(caller, own);
    }
    own.entries.add(entry);
    own.bytes += item.bytes;
    this.#insert(entry);
  }

  /** Takes a request out of the line, wherever it stands. */
  remove(id: string): T | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#turns.refundTurn(entry);
    this.#forget(entry);
    return entry.item;
  }

  /** Lifts a request by `levels`, as if it had come in with a priority that much higher. */
  raisePriority(id: string, levels: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || levels <= 0) return;
    this.#delete(entry);
    entry.level += levels;
    entry.place = sortKeyOf(entry.turn, entry.level);
    this.#insert(entry);
  }

  /** Takes the request whose turn it is; none if `fits` refuses the first one. */
  take(now: number, fits: (item: T) => boolean = () => true): T | undefined {
    const first = this.#line.first();
    if (first === undefined || !fits(first.item)) return undefined;
    const mateOf = (group: string) => {
      const mate = this.#groups.get(group)?.first();
      return mate !== undefined && fits(mate.item) ? mate : undefined;
    };
    const entry = this.#batcher.choose(first, mateOf, now);
    this.#turns.markServed(entry, entry === first);
    this.#forget(entry);
    if (this.#entries.size === 0) this.#batcher.close();
    return entry.item;
  }

  /** Counted from 1; undefined where it does not wait. */
  position(id: string): number | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : this.#line.rank(entry) + 1;
  }

  /** Everyone in line, the first first, with the time since when they wait. */
  *waiting(): Generator<{ item: T; since: number }, void> {
    for (const { item, since } of this.#line) yield { item, since };
  }

  #displace(
    newcomer: { caller: string; held: number; adds: number },
    measure: { of: (item: T) => number; isDisplaceable: (item: T) => boolean; displaced: ReadonlySet<QueueNode<T>> },
  ): QueueNode<T> | undefined {
    const newest = new Map<string, QueueNode<T>>();
    const shares: [string, QueueShare][] = [];
    for (const [caller, { entries }] of this.#callers) {
      let held = 0;
      let last: QueueNode<T> | undefined;
      for (const entry of entries) {
        if (measure.displaced.has(entry)) continue;
        held += measure.of(entry.item);
        if (measure.isDisplaceable(entry.item)) last = entry;
      }
      if (last !== undefined) newest.set(caller, last);
      shares.push([caller, { held, displaceable: last === undefined ? undefined : measure.of(last.item) }]);
    }
    const caller = chooseDisplaced(shares, newcomer);
    return caller === undefined ? undefined : newest.get(caller);
  }

  #insert(entry: QueueNode<T>): void {
    this.#line.insert(entry);
    let group = this.#groups.get(entry.group);
    if (group === undefined) {
      group = new OrderStatisticTree<QueueNode<T>>(compare);
      this.#groups.set(entry.group, group);
    }
    group.insert(entry);
  }

  #delete(entry: QueueNode<T>): void {
    this.#line.delete(entry);
    const group = this.#groups.get(entry.group);
    group?.delete(entry);
    if (group?.size === 0) this.#groups.delete(entry.group);
  }

  #forget(entry: QueueNode<T>): void {
    this.#delete(entry);
    this.#entries.delete(entry.item.id);
    this.#bytes -= entry.item.bytes;
    const own = this.#callers.get(entry.caller);
    if (own === undefined) return;
    own.entries.delete(entry);
    own.bytes -= entry.item.bytes;
    if (own.entries.size === 0) this.#callers.delete(entry.caller);
  }
}

interface CallerBacklog<T> {
  /** In the order of their arrival. */
  readonly entries: Set<QueueNode<T>>;
  bytes: number;
}

interface QueueNode<T> extends Batchable {
  readonly item: T;
  readonly caller: string;
  readonly since: number;
  readonly arrival: number;
  /** The priority at which it came in, of which it has its turn. */
  readonly priority: number;
  readonly turn: number;
  /** Its priority now. */
  level: number;
  place: number;
}

function compare(a: QueueNode<unknown>, b: QueueNode<unknown>): number {
  return a.place - b.place || a.arrival - b.arrival;
}
