/** Idle callers that are remembered, so that their next request creates no new entry. */
const MAX_IDLE_CALLERS = 1024;
/** How many connections a caller may hold for each free one. */
const MAX_HELD_PER_FREE = 4;

/** What one caller has in a queue, in places. */
interface QueuePlaces {
  held: number;
  /** What its newest request frees; undefined if none may be displaced. */
  displaceable: number | undefined;
}

/**
 * Returns the caller whose newest request is displaced by one of `newcomer`, or undefined if the
 * newcomer is refused.
 */
export type ChooseDisplaced = (
  queued: Iterable<readonly [caller: string, places: QueuePlaces]>,
  newcomer: { caller: string; held: number; adds: number },
) => string | undefined;

export interface QueueOptions {
  maxWaiting: number;
  chooseDisplaced: ChooseDisplaced;
}

const NO_QUEUE: QueueOptions = { maxWaiting: 0, chooseDisplaced: () => undefined };

/** One caller's part of a pool. */
export class CallerShare<R> {
  readonly name: string;
  /** Connections that the caller holds. */
  running = 0;
  /** Oldest first. */
  readonly waiting: R[] = [];

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Shares the connections of one pool between callers. A caller may hold `MAX_HELD_PER_FREE`
 * connections per free one (dynamic threshold, Choudhury and Hahne 1998), so that a pool is never
 * full for the next caller. Waiting requests are served round-robin, one of each caller, oldest
 * first. A full queue displaces a request by `chooseDisplaced`.
 */
export class ConnectionShares<R> {
  readonly #size: number;
  readonly #queue: QueueOptions;
  readonly #callers = new Map<string, CallerShare<R>>();
  /** The callers with waiting requests, in the order of their turns. */
  readonly #turns = new Set<CallerShare<R>>();
  #running = 0;
  #waiting = 0;

  constructor(size: number, queue: QueueOptions = NO_QUEUE) {
    this.#size = size;
    this.#queue = queue;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  of(caller: string): CallerShare<R> {
    let share = this.#callers.get(caller);
    if (share === undefined) {
      share = new CallerShare(caller);
      this.#callers.set(caller, share);
    }
    return share;
  }

  /** Whether a caller may hold one more connection. */
  mayStart(share: CallerShare<R>): boolean {
    return share.running < MAX_HELD_PER_FREE * (this.#size - this.#running);
  }

  /** Counts one more connection for a caller; undefined if it may not. `ended` releases it. */
  tryStart(caller: string): CallerShare<R> | undefined {
    const share = this.of(caller);
    if (!this.mayStart(share)) {
      this.#forget(share);
      return undefined;
    }
    this.started(share);
    return share;
  }

  /** As `tryStart`, without a limit. */
  start(caller: string): CallerShare<R> {
    const share = this.of(caller);
    this.started(share);
    return share;
  }

  started(share: CallerShare<R>): void {
    share.running += 1;
    this.#running += 1;
  }

  ended(share: CallerShare<R>): void {
    share.running -= 1;
    this.#running -= 1;
    this.#forget(share);
  }

  /**
   * Adds a request to the queue. Returns the request that finds no place in it: this one, one of
   * another caller, or none.
   */
  enqueue(share: CallerShare<R>, request: R): R | undefined {
    let displaced: R | undefined;
    // Requests that wait only for a connection to open are not counted.
    if (this.#waiting >= this.#queue.maxWaiting + this.#size - this.#running) {
      const newcomer = { caller: share.name, held: share.waiting.length, adds: 1 };
      const name = this.#queue.chooseDisplaced(this.#queued(), newcomer);
      const loser = name === undefined ? undefined : this.#callers.get(name);
      displaced = loser?.waiting.at(-1);
      if (loser === undefined || displaced === undefined) {
        this.#forget(share);
        return request;
      }
      this.dequeue(loser, displaced);
    }
    share.waiting.push(request);
    this.#turns.add(share);
    this.#waiting += 1;
    return displaced;
  }

  /** Removes a request from the queue, if it is there. */
  dequeue(share: CallerShare<R>, request: R): void {
    const index = share.waiting.lastIndexOf(request);
    if (index === -1) return;
    share.waiting.splice(index, 1);
    this.#dequeued(share);
  }

  /** Whether a waiting request may start. */
  get hasNext(): boolean {
    return this.#nextShare() !== undefined;
  }

  /** Removes and returns the next request that may start. */
  take(): R | undefined {
    return this.#shift(this.#nextShare());
  }

  /** Removes and returns the next request, even if it may not start. */
  takeAny(): R | undefined {
    for (const share of this.#turns) return this.#shift(share);
    return undefined;
  }

  #nextShare(): CallerShare<R> | undefined {
    for (const share of this.#turns) if (this.mayStart(share)) return share;
    return undefined;
  }

  #shift(share: CallerShare<R> | undefined): R | undefined {
    const request = share?.waiting.shift();
    if (share === undefined || request === undefined) return undefined;
    if (share.waiting.length > 0 && this.#turns.size > 1) {
      // Moves the caller to the end of the turns.
      this.#turns.delete(share);
      this.#turns.add(share);
    }
    this.#dequeued(share);
    return request;
  }

  #dequeued(share: CallerShare<R>): void {
    this.#waiting -= 1;
    if (share.waiting.length > 0) return;
    this.#turns.delete(share);
    this.#forget(share);
  }

  *#queued(): Generator<[string, QueuePlaces]> {
    for (const { name, waiting } of this.#turns) yield [name, { held: waiting.length, displaceable: 1 }];
  }

  #forget(share: CallerShare<R>): void {
    if (this.#callers.size <= MAX_IDLE_CALLERS || share.running > 0 || share.waiting.length > 0) return;
    this.#callers.delete(share.name);
  }
}
