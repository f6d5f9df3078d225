import { type Batchable, Batcher, type BatchLimits } from '#lib/chat/scheduler/batcher';
import { FairTurns, sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import { OrderStatisticTree } from '#lib/chat/scheduler/order-statistic-tree';
import { chooseDisplaced, type QueueShare } from '#lib/max-min-fairness';

export interface QueueLimits {
  /** Number of waiting requests. */
  maxSize: number;
  /** Memory of all waiting requests. */
  maxBytes: number;
  /** Memory of one caller's waiting requests. */
  maxCallerBytes: number;
  batch: BatchLimits;
}

export interface QueueItem {
  id: string;
  caller: string;
  priority: number;
  group: string;
  /** Memory of the item while it waits. */
  bytes: number;
}

/** A request that is about to be added. */
interface QueueCandidate<T> {
  caller: string;
  bytes: number;
  /** False if only its bytes are counted so far. */
  takesPlace: boolean;
  /** Bytes that are counted elsewhere, in total and for its caller. */
  reserved: { total: number; caller: number };
  isDisplaceable: (item: T) => boolean;
}

/** The items that a request displaces, or the limit that it exceeds. */
export type CapacityCheck<T> = { displaced: readonly T[] } | { full: 'requests' | 'bytes' | 'caller' };

/**
 * The queue of waiting requests. Pure: it has no access to models or clocks.
 *
 * The order is start-time fair queueing over callers (see `FairTurns`). A request's sort key is
 * set on arrival and changes only by `raisePriority`. Hence:
 * - one caller with one priority is served first come, first served;
 * - a newcomer waits for at most two requests of any other caller of its priority, whatever the
 *   length of that caller's backlog;
 * - one level of priority is worth four turns, and no request starves. `Batcher` may shift this
 * order within its limits.
 *
 * `add`, `remove`, `raisePriority`, `take` and `position` are O(log n). `checkCapacity` is O(n) if
 * the queue is full, else O(1).
 */
export class WaitingQueue<T extends QueueItem> {
  readonly #limits: QueueLimits;
  readonly #nodes = new Map<string, QueueNode<T>>();
  readonly #order = new OrderStatisticTree<QueueNode<T>>(compare);
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
    return this.#nodes.size;
  }

  /** Memory of the waiting requests. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Batches released so far, and the requests in them. */
  get releasedBatches(): { batches: number; requests: number } {
    return this.#batcher.releasedBatches;
  }

  /** Charges its caller a turn for a request that found a free slot and never waits. */
  recordImmediateStart({ caller, priority }: Pick<T, 'caller' | 'priority'>): void {
    this.#turns.markServed({ caller, priority, turn: this.#turns.assignTurn(caller, priority) }, true);
    this.#batcher.recordImmediateStart();
  }

  /**
   * Checks the limits for a newcomer. In a full queue, the newest displaceable request of the
   * caller with the largest share is displaced by a caller with a smaller one (max-min fairness).
   */
  checkCapacity({ caller, bytes, takesPlace, reserved, isDisplaceable }: QueueCandidate<T>): CapacityCheck<T> {
    const { maxSize, maxBytes, maxCallerBytes } = this.#limits;
    const backlog = this.#callers.get(caller);
    const callerBytes = (backlog?.bytes ?? 0) + reserved.caller;
    if (callerBytes + bytes > maxCallerBytes) return { full: 'caller' };
    const displaced = new Set<QueueNode<T>>();
    if (takesPlace && this.#nodes.size >= maxSize) {
      const node = this.#displace(
        { caller, held: backlog?.nodes.size ?? 0, adds: 1 },
        { of: () => 1, isDisplaceable, displaced },
      );
      if (node === undefined) return { full: 'requests' };
      displaced.add(node);
    }
    let freed = 0;
    for (const { item } of displaced) freed += item.bytes;
    while (this.#bytes + reserved.total - freed + bytes > maxBytes) {
      const node = this.#displace(
        { caller, held: callerBytes, adds: bytes },
        { of: (item) => item.bytes, isDisplaceable, displaced },
      );
      if (node === undefined) return { full: 'bytes' };
      displaced.add(node);
      freed += node.item.bytes;
    }
    return { displaced: [...displaced].map(({ item }) => item) };
  }

  /** Adds a request that passed `checkCapacity`. An id waits at most once. */
  add(item: T, now: number): void {
    if (this.#nodes.has(item.id)) throw new Error('this request is already in the queue');
    this.#arrivals += 1;
    const { caller, priority, group } = item;
    const turn = this.#turns.assignTurn(caller, priority);
    const node: QueueNode<T> = {
      item,
      caller,
      group,
      since: now,
      arrival: this.#arrivals,
      priority,
      turn,
      level: priority,
      sortKey: sortKeyOf(turn, priority),
      skippedSince: undefined,
    };
    this.#nodes.set(item.id, node);
    this.#bytes += item.bytes;
    let backlog = this.#callers.get(caller);
    if (backlog === undefined) {
      backlog = { nodes: new Set(), bytes: 0 };
      this.#callers.set(caller, backlog);
    }
    backlog.nodes.add(node);
    backlog.bytes += item.bytes;
    this.#insert(node);
  }

  remove(id: string): T | undefined {
    const node = this.#nodes.get(id);
    if (node === undefined) return undefined;
    this.#turns.refundTurn(node);
    this.#drop(node);
    return node.item;
  }

  /** Moves a request up by `levels`, as if it had arrived with a priority that much higher. */
  raisePriority(id: string, levels: number): void {
    const node = this.#nodes.get(id);
    if (node === undefined || levels <= 0) return;
    this.#delete(node);
    node.level += levels;
    node.sortKey = sortKeyOf(node.turn, node.level);
    this.#insert(node);
  }

  /** Removes and returns the next request; undefined if `fits` refuses the first one. */
  take(now: number, fits: (item: T) => boolean = () => true): T | undefined {
    const first = this.#order.first();
    if (first === undefined || !fits(first.item)) return undefined;
    const nextInGroup = (group: string) => {
      const next = this.#groups.get(group)?.first();
      return next !== undefined && fits(next.item) ? next : undefined;
    };
    const node = this.#batcher.choose(first, nextInGroup, now);
    this.#turns.markServed(node, node === first);
    this.#drop(node);
    if (this.#nodes.size === 0) this.#batcher.close();
    return node.item;
  }

  /** Counted from 1; undefined if it does not wait. */
  position(id: string): number | undefined {
    const node = this.#nodes.get(id);
    return node === undefined ? undefined : this.#order.rank(node) + 1;
  }

  /** All waiting requests in queue order, each with its arrival time. */
  *waiting(): Generator<{ item: T; since: number }, void> {
    for (const { item, since } of this.#order) yield { item, since };
  }

  #displace(
    newcomer: { caller: string; held: number; adds: number },
    measure: { of: (item: T) => number; isDisplaceable: (item: T) => boolean; displaced: ReadonlySet<QueueNode<T>> },
  ): QueueNode<T> | undefined {
    const newest = new Map<string, QueueNode<T>>();
    const shares: [string, QueueShare][] = [];
    for (const [caller, { nodes }] of this.#callers) {
      let held = 0;
      let last: QueueNode<T> | undefined;
      for (const node of nodes) {
        if (measure.displaced.has(node)) continue;
        held += measure.of(node.item);
        if (measure.isDisplaceable(node.item)) last = node;
      }
      if (last !== undefined) newest.set(caller, last);
      shares.push([caller, { held, displaceable: last === undefined ? undefined : measure.of(last.item) }]);
    }
    const caller = chooseDisplaced(shares, newcomer);
    return caller === undefined ? undefined : newest.get(caller);
  }

  #insert(node: QueueNode<T>): void {
    this.#order.insert(node);
    let group = this.#groups.get(node.group);
    if (group === undefined) {
      group = new OrderStatisticTree<QueueNode<T>>(compare);
      this.#groups.set(node.group, group);
    }
    group.insert(node);
  }

  #delete(node: QueueNode<T>): void {
    this.#order.delete(node);
    const group = this.#groups.get(node.group);
    group?.delete(node);
    if (group?.size === 0) this.#groups.delete(node.group);
  }

  #drop(node: QueueNode<T>): void {
    this.#delete(node);
    this.#nodes.delete(node.item.id);
    this.#bytes -= node.item.bytes;
    const backlog = this.#callers.get(node.caller);
    if (backlog === undefined) return;
    backlog.nodes.delete(node);
    backlog.bytes -= node.item.bytes;
    if (backlog.nodes.size === 0) this.#callers.delete(node.caller);
  }
}

interface CallerBacklog<T> {
  /** In order of arrival. */
  readonly nodes: Set<QueueNode<T>>;
  bytes: number;
}

interface QueueNode<T> extends Batchable {
  readonly item: T;
  readonly caller: string;
  readonly since: number;
  readonly arrival: number;
  /** The priority on arrival, for which `turn` was assigned. */
  readonly priority: number;
  readonly turn: number;
  /** The current priority. */
  level: number;
  sortKey: number;
}

function compare(a: QueueNode<unknown>, b: QueueNode<unknown>): number {
  return a.sortKey - b.sortKey || a.arrival - b.arrival;
}
