import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '#lib/chat/clock';
import type { SubmittedTicket, Ticket } from '#lib/chat/in-flight';
import { Fault } from '#lib/fault';
import type { CacheHeader } from '#lib/wire/chat';

const MAX_KEYS = 10_000;

/**
 * Remembers what became of requests that carry an `Idempotency-Key`, so that one which is sent again, even while the first
 * is still on its way, is answered with the first one's result. A key belongs to its caller and to one body, and is
 * remembered for as long as its request is under way or its result is kept.
 *
 * An entry holds two digests and an id, whatever the lengths of key and result.
 */
export class IdempotencyKeys {
  readonly #entries: LRUCache<string, Entry>;
  readonly #find: (id: string) => Ticket | undefined;

  /** `find` gives the request with an id, as long as it is kept. */
  constructor(ttlMs: number, clock: Clock, find: (id: string) => Ticket | undefined) {
    this.#entries = new LRUCache({ max: MAX_KEYS, ttl: ttlMs, ttlResolution: 0, perf: clock });
    this.#find = find;
  }

  /** Calls `submit` unless this was done before. What fails is not remembered. Throws `idempotency_conflict` for another body. */
  once(caller: string, key: string, body: unknown, submit: () => Promise<SubmittedTicket>): Promise<SubmittedTicket> {
    const name = digest([caller, key]);
    const fingerprint = digest(body);
    const known = this.#entries.get(name);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint)
        throw new Fault(
          'idempotency_conflict',
          'This Idempotency-Key was used for another request. Use a new key for a new request.',
        );
      if (known.pending !== undefined) return known.pending;
      const ticket = this.#find(known.id);
      if (ticket !== undefined)
        return Promise.resolve({ kind: 'ticket', ticket, cache: known.cache, ignored: known.ignored });
    }
    const pending = submit();
    const entry: Entry = { fingerprint, pending, id: '', cache: 'miss', ignored: [] };
    this.#entries.set(name, entry);
    pending.then(
      ({ ticket, cache, ignored }) => Object.assign(entry, { pending: undefined, id: ticket.id, cache, ignored }),
      () => {
        if (this.#entries.peek(name) === entry) this.#entries.delete(name);
      },
    );
    return pending;
  }
}

interface Entry {
  readonly fingerprint: string;
  /** While it is being submitted. */
  pending: Promise<SubmittedTicket> | undefined;
  id: string;
  cache: CacheHeader;
  ignored: readonly string[];
}

function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url');
}
