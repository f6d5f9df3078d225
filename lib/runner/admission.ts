import { Fault } from '#lib/fault';

/**
 * Who may run now. `places` programs run at a time; the rest wait in a line of at most `maxWaiting`, in which callers take
 * turns: the next place goes to the caller that has the fewest programs running and, among equals, has waited longest. One
 * caller can hold no more than half of the line, so that there is always room for another one.
 */
export class Admission {
  readonly places: number;
  readonly #maxWaiting: number;
  readonly #waiting: Waiter[] = [];
  readonly #running = new Map<string, number>();
  #active = 0;

  constructor(places: number, maxWaiting: number) {
    this.places = places;
    this.#maxWaiting = maxWaiting;
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves with a place; whoever gets it calls the function once to give it back. Throws `runner_busy`, or `cancelled` on abort. */
  enter(caller: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#active < this.places) return Promise.resolve(this.#take(caller));
    const own = this.#waiting.filter((waiter) => waiter.caller === caller).length;
    if (this.#waiting.length >= this.#maxWaiting || own >= Math.ceil(this.#maxWaiting / 2))
      return Promise.reject(
        new Fault('runner_busy', 'All places for running code are taken. Try again in a few seconds.', {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        }),
      );
    return new Promise((resolve, reject) => {
      const leave = () => {
        const index = this.#waiting.indexOf(waiter);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        caller,
        admit: (release) => {
          signal?.removeEventListener('abort', leave);
          resolve(release);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiter);
    });
  }

  #take(caller: string): () => void {
    this.#active += 1;
    this.#running.set(caller, (this.#running.get(caller) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#active -= 1;
      const left = (this.#running.get(caller) ?? 1) - 1;
      if (left === 0) this.#running.delete(caller);
      else this.#running.set(caller, left);
      this.#admitNext();
    };
  }

  #admitNext(): void {
    const next = nextIndex(
      this.#waiting.map((waiter) => waiter.caller),
      this.#running,
    );
    if (next === undefined) return;
    const [waiter] = this.#waiting.splice(next, 1);
    waiter?.admit(this.#take(waiter.caller));
  }
}

interface Waiter {
  caller: string;
  admit: (release: () => void) => void;
}

const RETRY_AFTER_SECONDS = 2;

/** Which of the waiting callers, oldest first, comes next. Pure. */
export function nextIndex(waiting: readonly string[], running: ReadonlyMap<string, number>): number | undefined {
  let best: number | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [index, caller] of waiting.entries()) {
    const count = running.get(caller) ?? 0;
    if (count < fewest) [best, fewest] = [index, count];
  }
  return best;
}
