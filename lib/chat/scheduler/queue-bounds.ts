import { chooseDisplaced, type QueueShare } from '#lib/max-min-fairness';

export interface BoundedItem {
  readonly caller: string;
  /** Memory of the item while it waits. */
  readonly bytes: number;
}

export interface QueueBoundsLimits {
  /** Number of waiting requests. */
  maxSize: number;
  /** Memory of all waiting requests. */
  maxBytes: number;
  /** Memory of one caller's waiting requests. */
  maxCallerBytes: number;
}

/** A request that is about to be added. */
export interface QueueCandidate<T> {
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
 * The bounds of everything that waits, in however many lines. `add` and `remove` are O(1),
 * `checkCapacity` is O(n) if a bound is reached, else O(1).
 */
export class QueueBounds<T extends BoundedItem> {
  readonly #limits: QueueBoundsLimits;
  readonly #callers = new Map<string, CallerBacklog<T>>();
  #size = 0;
  #bytes = 0;

  constructor(limits: QueueBoundsLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** Memory of the waiting requests. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a request that passed `checkCapacity`, or that moves from one line to another. */
  add(item: T): void {
    this.#size += 1;
    this.#bytes += item.bytes;
    let backlog = this.#callers.get(item.caller);
    if (backlog === undefined) {
      backlog = { items: new Set(), bytes: 0 };
      this.#callers.set(item.caller, backlog);
    }
    backlog.items.add(item);
    backlog.bytes += item.bytes;
  }

  remove(item: T): void {
    const backlog = this.#callers.get(item.caller);
    if (backlog?.items.delete(item) !== true) return;
    this.#size -= 1;
    this.#bytes -= item.bytes;
    backlog.bytes -= item.bytes;
    if (backlog.items.size === 0) this.#callers.delete(item.caller);
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
    const displaced = new Set<T>();
    if (takesPlace && this.#size >= maxSize) {
      const item = this.#displace(
        { caller, held: backlog?.items.size ?? 0, adds: 1 },
        { of: () => 1, isDisplaceable, displaced },
      );
      if (item === undefined) return { full: 'requests' };
      displaced.add(item);
    }
    let freed = 0;
    for (const item of displaced) freed += item.bytes;
    while (this.#bytes + reserved.total - freed + bytes > maxBytes) {
      const item = this.#displace(
        { caller, held: callerBytes, adds: bytes },
        { of: (held) => held.bytes, isDisplaceable, displaced },
      );
      if (item === undefined) return { full: 'bytes' };
      displaced.add(item);
      freed += item.bytes;
    }
    return { displaced: [...displaced] };
  }

  #displace(
    newcomer: { caller: string; held: number; adds: number },
    measure: { of: (item: T) => number; isDisplaceable: (item: T) => boolean; displaced: ReadonlySet<T> },
  ): T | undefined {
    const newest = new Map<string, T>();
    const shares: [string, QueueShare][] = [];
    for (const [caller, { items }] of this.#callers) {
      let held = 0;
      let last: T | undefined;
      for (const item of items) {
        if (measure.displaced.has(item)) continue;
        held += measure.of(item);
        if (measure.isDisplaceable(item)) last = item;
      }
      if (last !== undefined) newest.set(caller, last);
      shares.push([caller, { held, displaceable: last === undefined ? undefined : measure.of(last) }]);
    }
    const caller = chooseDisplaced(shares, newcomer);
    return caller === undefined ? undefined : newest.get(caller);
  }
}

interface CallerBacklog<T> {
  /** In order of arrival. */
  readonly items: Set<T>;
  bytes: number;
}
