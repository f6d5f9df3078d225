import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { AppError } from '#lib/errors';

const MAX_KEYS = 10_000;

/**
 * Remembers requests with an `Idempotency-Key`, so that a retry gets the result of the first one,
 * also while that is unfinished. A key belongs to its caller and to one body for as long as its
 * request is unfinished or its result is kept.
 *
 * An entry holds two digests and an id, whatever the lengths of key and result.
 */
export class IdempotencyKeys {
  readonly #entries = new LRUCache<string, IdempotencyEntry>({ max: MAX_KEYS });
  readonly #find: (id: string) => PendingRequest | undefined;

  /** `find` returns the request with an id for as long as it is kept. */
  constructor(find: (id: string) => PendingRequest | undefined) {
    this.#find = find;
  }

  /**
   * Calls `submit`, or returns the request of an earlier call. Failures are not remembered. Throws
   * `idempotency_conflict` for another body.
   */
  once(
    caller: string,
    key: string,
    body: unknown,
    submit: (digests: IdempotencyDigests) => Promise<PendingRequest>,
  ): Promise<PendingRequest> {
    const name = digest([caller, key]);
    const fingerprint = digest(body);
    const known = this.#entries.get(name);
    const submitted = known?.pending ?? this.#findSubmitted(known);
    if (submitted !== undefined) {
      if (known?.fingerprint !== fingerprint)
        throw new AppError(
          'idempotency_conflict',
          'This Idempotency-Key was used for another request. Use a new key for a new request.',
        );
      return Promise.resolve(submitted);
    }
    const pending = submit({ name, fingerprint });
    const entry: IdempotencyEntry = { fingerprint, pending, id: '', createdAt: 0 };
    this.#entries.set(name, entry);
    pending.then(
      ({ id, createdAt }) => Object.assign(entry, { pending: undefined, id, createdAt }),
      () => {
        if (this.#entries.peek(name) === entry) this.#entries.delete(name);
      },
    );
    return pending;
  }

  /** Remembers the key of a request that was accepted before a restart. */
  restore({ name, fingerprint }: IdempotencyDigests, { id, createdAt }: PendingRequest): void {
    this.#entries.set(name, { fingerprint, pending: undefined, id, createdAt });
  }

  /** The earlier request if it is unfinished or its result is still kept. */
  #findSubmitted(entry: IdempotencyEntry | undefined): PendingRequest | undefined {
    if (entry === undefined) return undefined;
    const request = this.#find(entry.id);
    // A later request may have the same id.
    return request?.createdAt === entry.createdAt ? request : undefined;
  }
}

/** What is stored of a key and of its request. */
export interface IdempotencyDigests {
  /** Of caller and key. */
  readonly name: string;
  /** Of the request. */
  readonly fingerprint: string;
}

interface IdempotencyEntry {
  readonly fingerprint: string;
  /** While it is being submitted. */
  pending: Promise<PendingRequest> | undefined;
  id: string;
  createdAt: number;
}

function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url');
}
