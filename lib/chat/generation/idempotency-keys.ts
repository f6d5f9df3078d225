import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { PendingRequest, SubmittedTicket } from '#lib/chat/generation/in-flight';
import { AppError } from '#lib/errors';
import type { CacheHeader } from '#lib/wire/chat';

const MAX_KEYS = 10_000;

/**
 * Remembers requests that carry an `Idempotency-Key`, so that a retry, even while the first one is
 * under way, gets the first one's result. A key belongs to its caller and to one body as long as
 * its request is under way or its result is kept.
 *
 * An entry holds two digests and an id, whatever the lengths of key and result.
 */
export class IdempotencyKeys {
  readonly #entries = new LRUCache<string, IdempotencyEntry>({ max: MAX_KEYS });
  readonly #find: (id: string) => PendingRequest | undefined;

  /** `find` gives the request with an id, as long as it is kept. */
  constructor(find: (id: string) => PendingRequest | undefined) {
    this.#find = find;
  }

  /** Calls `submit` unless this was done before. What fails is not remembered. Throws `idempotency_conflict` for another body. */
  once(caller: string, key: string, body: unknown, submit: () => Promise<SubmittedTicket>): Promise<SubmittedTicket> {
    const name = digest([caller, key]);
    const fingerprint = digest(body);
    const known = this.#entries.get(name);
    const submitted = known?.pending ?? this.#submitted(known);
    if (submitted !== undefined) {
      if (known?.fingerprint !== fingerprint)
        throw new AppError(
          'idempotency_conflict',
          'This Idempotency-Key was used for another request. Use a new key for a new request.',
        );
      return Promise.resolve(submitted);
    }
    const pending = submit();
    const entry: IdempotencyEntry = { fingerprint, pending, id: '', createdAt: 0, cache: 'miss', ignored: [] };
    this.#entries.set(name, entry);
    pending.then(
      ({ request: { id, createdAt }, cache, ignored }) =>
        Object.assign(entry, { pending: undefined, id, createdAt, cache, ignored }),
      () => {
        if (this.#entries.peek(name) === entry) this.#entries.delete(name);
      },
    );
    return pending;
  }

  /** What was submitted before, if it is under way or its result is still kept. */
  #submitted(entry: IdempotencyEntry | undefined): SubmittedTicket | undefined {
    if (entry === undefined) return undefined;
    const { id, createdAt, cache, ignored } = entry;
    const ticket = this.#find(id);
    // A later request may have the same id.
    return ticket?.createdAt === createdAt ? { kind: 'ticket', request: ticket, cache, ignored } : undefined;
  }
}

interface IdempotencyEntry {
  readonly fingerprint: string;
  /** While it is being submitted. */
  pending: Promise<SubmittedTicket> | undefined;
  id: string;
  createdAt: number;
  cache: CacheHeader;
  ignored: readonly string[];
}

function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url');
}
