const TURNS_PER_PRIORITY_LEVEL = 4;
/** Makes the sort key of the highest priority's first turn 1. */
const FIRST_SORT_KEY = 41;
/**
 * The clock advances after this many requests that did not move it, or as many as wait if more.
 */
const MIN_STILL_REQUESTS = 16;
/** Idle callers are removed only above this number of callers. */
const MIN_SWEEP_CALLERS = 1024;

/**
 * The key by which the queue is sorted, ascending. Equal keys are served in order of arrival. A
 * level of priority is worth four turns.
 */
export function sortKeyOf(turn: number, priority: number): number {
  return turn - TURNS_PER_PRIORITY_LEVEL * priority + FIRST_SORT_KEY;
}

/** The priority by which `sortKeyOf` makes this sort key of a turn. */
export function priorityOf(sortKey: number, turn: number): number {
  return (turn - sortKey + FIRST_SORT_KEY) / TURNS_PER_PRIORITY_LEVEL;
}

/** A request with its turn. */
export interface AssignedTurn {
  readonly caller: string;
  /** The priority on arrival. */
  readonly priority: number;
  readonly turn: number;
}

/**
 * Assigns turns by start-time fair queueing (Goyal, Vin and Cheng, 1996), where every request
 * costs the same. A turn is assigned on arrival and never changes: the turn that is being served
 * (the virtual clock), or the one after the caller's newest of the same priority.
 *
 * The clock is the highest turn served so far. It also advances by one after `max(16, waiting)`
 * requests in a row that did not move it. So a bounded number of later requests overtake a
 * request, whatever their priority, and no aging is needed. A level with waiting requests has a
 * clock, which starts at the common one: with a single clock, a burst at a high priority would put
 * the newcomers of a lower one behind the whole backlog of their level.
 */
export class FairTurns {
  #clock = 0;
  #waiting = 0;
  /** One per priority that was ever used. */
  readonly #levels = new Map<number, PriorityLevel>();
  readonly #callers = new Map<string, CallerTurns>();
  #sweepAt = MIN_SWEEP_CALLERS;

  assignTurn(caller: string, priority: number): number {
    let level = this.#levels.get(priority);
    if (level === undefined) {
      level = { clock: 0, waiting: 0, still: 0 };
      this.#levels.set(priority, level);
    }
    if (level.waiting === 0) level.clock = Math.max(level.clock, this.#clock);
    const key = keyOf(caller, priority);
    let turns = this.#callers.get(key);
    if (turns === undefined) {
      turns = { priority, next: 0, served: 0, waiting: 0 };
      this.#callers.set(key, turns);
    }
    const turn = Math.max(level.clock, turns.next);
    turns.next = turn + 1;
    turns.waiting += 1;
    level.waiting += 1;
    this.#waiting += 1;
    this.#removeIdleCallers();
    return turn;
  }

  /**
   * A request leaves the queue to be served. One that a batch moved ahead does not move the clock.
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
    const turns = this.#callers.get(keyOf(caller, priority));
    if (turns !== undefined) turns.served = Math.max(turns.served, turn + 1);
    this.#leave(level, caller, priority);
  }

  /** A request leaves the queue unserved: its caller is not charged for it. */
  refundTurn({ caller, priority, turn }: AssignedTurn): void {
    const level = this.#levels.get(priority);
    if (level === undefined) return;
    const turns = this.#callers.get(keyOf(caller, priority));
    if (turns?.next === turn + 1) turns.next = turn;
    this.#leave(level, caller, priority);
  }

  #leave(level: PriorityLevel, caller: string, priority: number): void {
    this.#waiting -= 1;
    level.waiting -= 1;
    const key = keyOf(caller, priority);
    const turns = this.#callers.get(key);
    if (turns !== undefined) {
      turns.waiting -= 1;
      if (turns.waiting === 0) {
        turns.next = turns.served;
        if (turns.next <= level.clock) this.#callers.delete(key);
      }
    }
  }

  /**
   * Removes callers whose next turn is the clock's. Amortized: the map has to double in between.
   */
  #removeIdleCallers(): void {
    if (this.#callers.size < this.#sweepAt) return;
    for (const [key, { priority, waiting, next }] of this.#callers)
      if (waiting === 0 && next <= (this.#levels.get(priority)?.clock ?? 0)) this.#callers.delete(key);
    this.#sweepAt = Math.max(MIN_SWEEP_CALLERS, 2 * this.#callers.size);
  }
}

interface PriorityLevel {
  /** The turn that is being served. Other levels do not move it while requests wait here. */
  clock: number;
  waiting: number;
  /** Requests served since the clock moved. */
  still: number;
}

/** A caller's turns at one priority. */
interface CallerTurns {
  readonly priority: number;
  /** The turn of its next request, unless the clock is already later. */
  next: number;
  /** One after its last served turn. */
  served: number;
  waiting: number;
}

function keyOf(caller: string, priority: number): string {
  return `${priority} ${caller}`;
}
