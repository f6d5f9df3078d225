import { LRUCache } from 'lru-cache';
import { AppError } from '#lib/errors';
import { singleton } from '#lib/singletons';

/** Callers that are remembered: about 100 bytes each. */
const MAX_CALLERS = 10_000;

/**
 * Callers that were locked out while this process runs, each with its number in their order. A
 * request that was authenticated before its caller was locked out, and whose body arrives
 * afterwards, is refused by it. Registering each request as open work would cost more.
 */
export class LockOuts {
  readonly #numbers = new LRUCache<string, number>({
    max: MAX_CALLERS,
    dispose: (number, _caller, reason) => {
      if (reason === 'evict') this.#forgotten = Math.max(this.#forgotten, number);
    },
  });
  /** The highest number of a caller that is not remembered any more. */
  #forgotten = 0;
  #count = 0;

  /** How many there were. A request keeps it from before it is authenticated. */
  get count(): number {
    return this.#count;
  }

  add(caller: string): void {
    this.#count += 1;
    this.#numbers.set(caller, this.#count);
  }

  /** Whether `caller` was locked out after there were `count`; also if that is not known. */
  hasSince(count: number, caller: string): boolean {
    if (count === this.#count) return false;
    return this.#forgotten > count || (this.#numbers.get(caller) ?? 0) > count;
  }
}

export function lockOuts(): LockOuts {
  return singleton('http.lock-outs', () => new LockOuts());
}

/** Throws `unauthorized` if the caller of a request was locked out since it was authenticated. */
export function requireStillAllowed({ caller, lockOutsBefore }: { caller: string; lockOutsBefore: number }): void {
  if (lockOuts().hasSince(lockOutsBefore, caller))
    throw new AppError('unauthorized', 'You were signed out while the request was sent. Sign in, and send it again.');
}
