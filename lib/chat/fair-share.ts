/** Callers that have nothing waiting but were served ahead of their turn are remembered up to this many. */
const MAX_IDLE_CALLERS = 1024;

/**
 * Whose turn it is among callers of one level: start-time fair queueing (Goyal, Vin and Cheng, 1996) where every request
 * costs the same. A request gets the number of its turn when it joins, which never changes: the turn that is being served
 * for a caller with nothing waiting, one later for each that the caller already has. Lower turns are served first.
 */
export class FairShare {
  /** The turn that is being served. */
  #current = 0;
  #waiting = 0;
  readonly #active = new Map<string, Caller>();
  /** Nothing waiting, but served ahead of the current turn; the longest idle first. */
  readonly #idle = new Map<string, Caller>();

  get waiting(): number {
    return this.#waiting;
  }

  join(name: string): number {
    let caller = this.#active.get(name);
    if (caller === undefined) {
      caller = this.#idle.get(name) ?? { next: 0, served: 0, waiting: 0 };
      this.#idle.delete(name);
      this.#active.set(name, caller);
    }
    const turn = Math.max(this.#current, caller.next);
    caller.next = turn + 1;
    caller.waiting += 1;
    this.#waiting += 1;
    return turn;
  }

  /** `served` tells a request whose turn came from one that was cancelled or went to another level. */
  leave(name: string, turn: number, served: boolean): void {
    const caller = this.#active.get(name);
    if (caller === undefined) return;
    caller.waiting -= 1;
    this.#waiting -= 1;
    if (served) {
      this.#current = Math.max(this.#current, turn);
      caller.served = Math.max(caller.served, turn + 1);
    } else if (turn === caller.next - 1) caller.next = turn;
    if (caller.waiting > 0) return;
    this.#active.delete(name);
    // What was never served is not held against the caller.
    caller.next = caller.served;
    if (caller.next > this.#current) this.#remember(name, caller);
  }

  #remember(name: string, caller: Caller): void {
    this.#idle.set(name, caller);
    if (this.#idle.size <= MAX_IDLE_CALLERS) return;
    for (const longestIdle of this.#idle.keys()) {
      this.#idle.delete(longestIdle);
      return;
    }
  }
}

interface Caller {
  /** The turn that the next request would get, unless a later one is already being served. */
  next: number;
  /** One after the last turn that was served. */
  served: number;
  waiting: number;
}
