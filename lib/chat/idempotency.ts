import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '#lib/chat/clock';
import { Fault } from '#lib/fault';

const MAX_KEYS = 10_000;

/**
 * Remembers what became of requests that carry an `Idempotency-Key`, so that one which is sent again, even while the first
 * is still on its way, is answered with the first one's result. A key belongs to its caller and to one body.
 */
export class IdempotencyKeys<T> {
  readonly #results: LRUCache<string, { fingerprint: string; result: Promise<T> }>;

  constructor(ttlMs: number, clock: Clock) {
    this.#results = new LRUCache({ max: MAX_KEYS, ttl: ttlMs, ttlResolution: 0, perf: clock });
  }

  /** Calls `submit` unless this was done before. What fails is not remembered. Throws `idempotency_conflict` for another body. */
  once(caller: string, key: string, body: unknown, submit: () => Promise<T>): Promise<T> {
    const name = JSON.stringify([caller, key]);
    const fingerprint = hash('sha256', JSON.stringify(body), 'base64url');
    const known = this.#results.get(name);
    if (known !== undefined) {
      if (known.fingerprint === fingerprint) return known.result;
      throw new Fault(
        'idempotency_conflict',
        'This Idempotency-Key was used for another request. Use a new key for a new request.',
      );
    }
    const entry = { fingerprint, result: submit() };
    this.#results.set(name, entry);
    entry.result.catch(() => {
      if (this.#results.peek(name) === entry) this.#results.delete(name);
    });
    return entry.result;
  }
}
