import { chooseDisplaced, type QueueShare } from '#lib/max-min-fairness';

/** Idle clients that are remembered, so that a client's next request makes no new entry. */
const MAX_IDLE_CALLERS = 1024;
/** How many connections a client may hold for each one that is free. */
const HELD_PER_FREE = 4;

/** One client's part of a pool. */
export class CallerShare<R> {
  readonly name: string;
  /** Connections that it holds. */
  running = 0;
  /** Oldest first. */
  readonly waiting: R[] = [];

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Who of the clients of one pool gets a connection. A client may hold four times as many
 * connections as are free (dynamic threshold: Choudhury and Hahne, 1998): one client alone gets
 * four fifths of a large pool, and there is a place for the next. What waits is served in turns,
 * one request of each client, its oldest first. The line holds `maxWaiting` requests: where it is
 * full, a client that has fewer in it displaces the newest request of the client that has most
 * (`chooseDisplaced`).
 */
export class ConnectionShares<R> {
  readonly #size: number;
  readonly #maxWaiting: number;
  readonly #clients = new Map<string, CallerShare<R>>();
  /** The clients with something waiting, in the order of their turns. */
  readonly #turns = new Set<CallerShare<R>>();
  #running = 0;
  #waiting = 0;

  constructor(size: number, maxWaiting: number) {
    this.#size = size;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  of(client: string): CallerShare<R> {
    let share = this.#clients.get(client);
    if (share === undefined) {
      share = new CallerShare(client);
      this.#clients.set(client, share);
    }
    return share;
  }

  /** Whether a client may hold one more connection. */
  mayStart(share: CallerShare<R>): boolean {
    return share.running < HELD_PER_FREE * (this.#size - this.#running);
  }

  /** Holds one more connection for a client; undefined if it may not. `ended` gives it back. */
  tryStart(client: string): CallerShare<R> | undefined {
    const share = this.of(client);
    if (!this.mayStart(share)) {
      this.#forget(share);
      return undefined;
    }
    this.started(share);
    return share;
  }

  /** As `tryBegin`, whatever the client holds. */
  start(client: string): CallerShare<R> {
    const share = this.of(client);
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
   * Puts a request in the line. Returns the request that has no place in it: another client's, this
   * one, or none.
   */
  enqueue(share: CallerShare<R>, request: R): R | undefined {
    let displaced: R | undefined;
    // A request for which a connection can be opened waits only until that is done.
    if (this.#waiting >= this.#maxWaiting + this.#size - this.#running) {
      const newcomer = { caller: share.name, held: share.waiting.length, adds: 1 };
      const name = chooseDisplaced(this.#held(), newcomer);
      const most = name === undefined ? undefined : this.#clients.get(name);
      displaced = most?.waiting.at(-1);
      if (most === undefined || displaced === undefined) {
        this.#forget(share);
        return request;
      }
      this.dequeue(most, displaced);
    }
    share.waiting.push(request);
    this.#turns.add(share);
    this.#waiting += 1;
    return displaced;
  }

  /** Takes a request out of the line, if it is there. */
  dequeue(share: CallerShare<R>, request: R): void {
    const place = share.waiting.lastIndexOf(request);
    if (place === -1) return;
    share.waiting.splice(place, 1);
    this.#left(share);
  }

  /** Whether a request waits that may begin. */
  get hasNext(): boolean {
    return this.#nextShare() !== undefined;
  }

  /** Takes the next request that may begin out of the line. */
  take(): R | undefined {
    return this.#shift(this.#nextShare());
  }

  /** Takes the request whose turn is next, whether or not it may begin. */
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
      // Behind all others.
      this.#turns.delete(share);
      this.#turns.add(share);
    }
    this.#left(share);
    return request;
  }

  #left(share: CallerShare<R>): void {
    this.#waiting -= 1;
    if (share.waiting.length > 0) return;
    this.#turns.delete(share);
    this.#forget(share);
  }

  *#held(): Generator<[string, QueueShare]> {
    for (const { name, waiting } of this.#turns) yield [name, { held: waiting.length, displaceable: 1 }];
  }

  #forget(share: CallerShare<R>): void {
    if (this.#clients.size <= MAX_IDLE_CALLERS || share.running > 0 || share.waiting.length > 0) return;
    this.#clients.delete(share.name);
  }
}
