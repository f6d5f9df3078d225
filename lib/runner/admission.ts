import { AppError } from '#lib/errors';
import { chooseDisplaced, type QueueShare } from '#lib/max-min-fairness';

/**
 * Admission control with fairness between callers. `capacity` programs run at a time, at most
 * `maxWaiting` wait. The next slot goes to the caller with the fewest running programs and, among
 * equals, to the one that waits longest. In a full queue a caller displaces the newest run of the
 * caller with most, if it has less itself, so that no caller can fill the queue.
 */
export class Admission {
  readonly capacity: number;
  readonly #maxWaiting: number;
  readonly #waiting: QueuedRun[] = [];
  readonly #running = new Map<string, number>();
  #active = 0;

  constructor(capacity: number, maxWaiting: number) {
    this.capacity = capacity;
    this.#maxWaiting = maxWaiting;
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves with a function that releases the slot. Rejects with `runner_busy`, at once or when
   * the run is displaced, or with the signal's reason on abort.
   */
  enter(caller: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#active < this.capacity) return Promise.resolve(this.#take(caller));
    if (this.#waiting.length >= this.#maxWaiting && !this.#displaceFor(caller))
      return Promise.reject(busy('All places for running code are taken. Try again in a few seconds.'));
    return new Promise((resolve, reject) => {
      const leave = () => {
        const index = this.#waiting.indexOf(waiter);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal?.reason);
      };
      const waiter: QueuedRun = {
        caller,
        admit: (release) => {
          signal?.removeEventListener('abort', leave);
          resolve(release);
        },
        refuse: (fault) => {
          signal?.removeEventListener('abort', leave);
          reject(fault);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** Displaces the newest run of the caller with most, if `caller` has less. */
  #displaceFor(caller: string): boolean {
    const held = new Map<string, number>();
    for (const waiter of this.#waiting) held.set(waiter.caller, (held.get(waiter.caller) ?? 0) + 1);
    const shares = [...held].map(([name, count]): [string, QueueShare] => [name, { held: count, displaceable: 1 }]);
    const chosen = chooseDisplaced(shares, { caller, held: held.get(caller) ?? 0, adds: 1 });
    if (chosen === undefined) return false;
    const [displaced] = this.#waiting.splice(
      this.#waiting.findLastIndex((waiter) => waiter.caller === chosen),
      1,
    );
    displaced?.refuse(
      busy('All places for running code are taken, and yours went to a caller with fewer. Try again in a few seconds.'),
    );
    return true;
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

interface QueuedRun {
  caller: string;
  admit: (release: () => void) => void;
  refuse: (fault: AppError) => void;
}

const RETRY_AFTER_SECONDS = 2;

function busy(message: string): AppError {
  return new AppError('runner_busy', message, {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    data: { retry_after_seconds: RETRY_AFTER_SECONDS },
  });
}

/** Index of the next caller to admit, of those that wait, oldest first. Pure. */
export function nextIndex(waiting: readonly string[], running: ReadonlyMap<string, number>): number | undefined {
  let best: number | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [index, caller] of waiting.entries()) {
    const count = running.get(caller) ?? 0;
    if (count < fewest) [best, fewest] = [index, count];
  }
  return best;
}
