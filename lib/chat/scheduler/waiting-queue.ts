import { type Batchable, Batcher, type BatchLimits } from '#lib/chat/scheduler/batcher';
import { FairTurns, sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import { OrderStatisticTree } from '#lib/chat/scheduler/order-statistic-tree';
import {
  type CapacityCheck,
  QueueBounds,
  type QueueBoundsLimits,
  type QueueCandidate,
} from '#lib/chat/scheduler/queue-bounds';

export interface QueueLimits extends QueueBoundsLimits {
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
 * `add`, `remove`, `raisePriority`, `take` and `position` are O(log n). Several queues may share
 * their bounds.
 */
export class WaitingQueue<T extends QueueItem> {
  readonly #bounds: QueueBounds<T>;
  readonly #nodes = new Map<string, QueueNode<T>>();
  readonly #order = new OrderStatisticTree<QueueNode<T>>(compare);
  readonly #groups = new Map<string, OrderStatisticTree<QueueNode<T>>>();
  readonly #turns = new FairTurns();
  readonly #batcher: Batcher<QueueNode<T>>;
  #arrivals = 0;

  constructor(limits: QueueLimits, bounds = new QueueBounds<T>(limits)) {
    this.#bounds = bounds;
    this.#batcher = new Batcher(limits.batch);
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** Memory of everything that waits within the same bounds. */
  get bytes(): number {
    return this.#bounds.bytes;
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

  /** See `QueueBounds.checkCapacity`. */
  checkCapacity(candidate: QueueCandidate<T>): CapacityCheck<T> {
    return this.#bounds.checkCapacity(candidate);
  }

  /**
   * Adds a request that passed `checkCapacity`. An id waits at most once. With `isFirst`, it is
   * served before all others, because it had its turn before; several such by `since`.
   */
  add(item: T, since: number, isFirst = false): void {
    if (this.#nodes.has(item.id)) throw new Error('this request is already in the queue');
    this.#arrivals += 1;
    const { caller, priority, group } = item;
    const turn = this.#turns.assignTurn(caller, priority);
    const node: QueueNode<T> = {
      item,
      caller,
      group,
      since,
      arrival: this.#arrivals,
      priority,
      turn,
      level: priority,
      sortKey: sortKeyOf(turn, priority),
      isFirst,
      skippedSince: undefined,
    };
    this.#nodes.set(item.id, node);
    this.#bounds.add(item);
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
    this.#turns.markServed(node, node === first && !node.isFirst);
    this.#drop(node);
    if (this.#nodes.size === 0) this.#batcher.close();
    return node.item;
  }

  /** The request that is served next, unless a batch goes on. */
  get first(): T | undefined {
    return this.#order.first()?.item;
  }

  /** Counted from 1; undefined if it does not wait. */
  position(id: string): number | undefined {
    const node = this.#nodes.get(id);
    return node === undefined ? undefined : this.#order.rank(node) + 1;
  }

  /** All waiting requests in queue order, each with its arrival time. */
  *waiting(): Generator<{ item: T; since: number; isFirst: boolean }, void> {
    for (const { item, since, isFirst } of this.#order) yield { item, since, isFirst };
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
    this.#bounds.remove(node.item);
  }
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
  /** It was put before all others, and stays there. */
  readonly isFirst: boolean;
}

function compare(a: QueueNode<unknown>, b: QueueNode<unknown>): number {
  if (a.isFirst || b.isFirst) {
    if (!b.isFirst) return -1;
    if (!a.isFirst) return 1;
    return a.since - b.since || a.arrival - b.arrival;
  }
  return a.sortKey - b.sortKey || a.arrival - b.arrival;
}
