/** How many turns one level of priority is worth. */
const TURNS_PER_PRIORITY_LEVEL = 4;
/** Makes the place of the highest priority's first turn 1. */
const FIRST_SORT_KEY = 41;
/**
 * The clock moves after this many requests that did not move it, or as many as wait, if that is
 * more.
 */
const MIN_STILL_REQUESTS = 16;
/** Below this many callers none is looked for that can be forgotten. */
const MIN_SWEEP_CALLERS = 1024;

/**
 * Where a request stands in line: lower places are served first, and equal places in the order of
 * their arrival.
 */
export function sortKeyOf(turn: number, priority: number): number {
  return turn - TURNS_PER_PRIORITY_LEVEL * priority + FIRST_SORT_KEY;
}

/** A request that has its turn. */
export interface AssignedTurn {
  readonly caller: string;
  /** The priority at which it came in. */
  readonly priority: number;
  readonly turn: number;
}

/**
 * Gives out turns: start-time fair queueing (Goyal, Vin and Cheng, 1996) where every request costs
 * the same. A turn is decided when a request comes in and never changes: the turn that is being
 * served, or the one after the caller's newest of the same priority. `sortKeyOf` makes an order of it
 * in which a level of priority is worth four turns.
 *
 * The turn that is being served (the clock) is the highest that was taken, and goes on by one when
 * `max(16, waiting)` requests in a row did not move it. So a request is overtaken by a bounded
 * number of later ones, whatever their priority: nothing has to be raised while it waits. A level
 * with requests that wait has its own clock, which begins at the common one: with one clock
 * alone, a burst at a high priority would put newcomers of a lower one behind the whole backlog of
 * their level.
 */
export class FairTurns {
  #clock = 0;
  #waiting = 0;
  /** One for each priority that was ever used. */
  readonly #levels = new Map<number, PriorityLevel>();
  readonly #callers = new Map<string, CallerTurns>();
  #sweepAt = MIN_SWEEP_CALLERS;

  /** Gives a request its turn. */
  assignTurn(caller: string, priority: number): number {
    let level = this.#levels.get(priority);
    if (level === undefined) {
      level = { clock: 0, waiting: 0, still: 0 };
      this.#levels.set(priority, level);
    }
    if (level.waiting === 0) level.clock = Math.max(level.clock, this.#clock);
    const key = keyOf(caller, priority);
    let own = this.#callers.get(key);
    if (own === undefined) {
      own = { priority, next: 0, served: 0, waiting: 0 };
      this.#callers.set(key, own);
    }
    const turn = Math.max(level.clock, own.next);
    own.next = turn + 1;
    own.waiting += 1;
    level.waiting += 1;
    this.#waiting += 1;
    this.#forgetIdle();
    return turn;
  }

  /**
   * A request leaves the line to be served. One that was taken before its turn, for a batch, does
   * not move the clock.
   */
  markServed({ caller, priority, turn }: AssignedTurn, inTurn: boolean): void {
    const level = this.#levels.get(priority);
    if (level === undefined) return;
    if (inTurn && turn > level.clock) {
      level.clock = turn;
      level.still = 0;
    } else {
      level.still += 1;
      if (level.still >= Math.max(MIN_STILL_REQUESTS, this.#waiting)) {
        level.clock += 1;
        level.still = 0;
      }
    }
    this.#clock = Math.max(this.#clock, level.clock);
    const own = this.#callers.get(keyOf(caller, priority));
    if (own !== undefined) own.served = Math.max(own.served, turn + 1);
    this.#leave(level, caller, priority);
  }

  /**
   * A request leaves the line without being served: what its caller did not get is not held against
   * it.
   */
  refundTurn({ caller, priority, turn }: AssignedTurn): void {
    const level = this.#levels.get(priority);
    if (level === undefined) return;
    const own = this.#callers.get(keyOf(caller, priority));
    if (own?.next === turn + 1) own.next = turn;
    this.#leave(level, caller, priority);
  }

  #leave(level: PriorityLevel, caller: string, priority: number): void {
    this.#waiting -= 1;
    level.waiting -= 1;
    const key = keyOf(caller, priority);
    const own = this.#callers.get(key);
    if (own !== undefined) {
      own.waiting -= 1;
      if (own.waiting === 0) {
        own.next = own.served;
        if (own.next <= level.clock) this.#callers.delete(key);
      }
    }
  }

  /**
   * Forgets callers whose next turn is the clock's anyway. Amortised: the map has to double in
   * between.
   */
  #forgetIdle(): void {
    if (this.#callers.size < this.#sweepAt) return;
    for (const [key, { priority, waiting, next }] of this.#callers)
      if (waiting === 0 && next <= (this.#levels.get(priority)?.clock ?? 0)) this.#callers.delete(key);
    this.#sweepAt = Math.max(MIN_SWEEP_CALLERS, 2 * this.#callers.size);
  }
}

interface PriorityLevel {
  /**
   * The turn that is being served at this priority. Not moved by other levels while requests wait
   * here.
   */
  clock: number;
  waiting: number;
  /** Requests taken since the clock moved. */
  still: number;
}

/** A caller's turns at one priority. */
interface CallerTurns {
  readonly priority: number;
  /** The turn that its next request would get, unless a later one is already being served. */
  next: number;
  /** One after its last turn that was served. */
  served: number;
  waiting: number;
}

function keyOf(caller: string, priority: number): string {
  return `${priority} ${caller}`;
}
