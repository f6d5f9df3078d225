import { setTimeout as delay } from 'node:timers/promises';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { IdempotencyDigests } from '#lib/chat/generation/idempotency-keys';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { decodeResponse, encodeResponse } from '#lib/chat/persistence/stored-response';
import type { Settlement } from '#lib/chat/settlement';
import type { IdempotentRequest, SharedIdempotency } from '#lib/cluster/cluster';
import { AppError } from '#lib/errors';
import { SECOND_MS } from '#lib/units';

/** A retry waits this long for the response of another server. */
const WAIT_MS = 2 * SECOND_MS;
const LOOK_INTERVAL_MS = 100;
const RETRY_AFTER_SECONDS = 2;

/** A request that another server has completed. */
export interface CompletedRequest {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly response: CompletedResponse;
}

/**
 * Idempotency keys over several servers: the first server that gets a key works on its request, and
 * the others return its response.
 */
export class SharedSubmissions {
  readonly #shared: SharedIdempotency;
  /** Requests of this server that are under way, by their ids. */
  readonly #open = new Map<string, IdempotencyDigests>();
  /** Requests whose keys other servers did not know when they were accepted. */
  readonly #unshared = new WeakSet<object>();

  constructor(shared: SharedIdempotency) {
    this.#shared = shared;
  }

  /**
   * Calls `submit`, or returns the request of another server that `join` finds by its id; if it
   * finds none, calls `replay` with the response of the one that is complete. Throws
   * `idempotency_conflict` for another body, and `queue_full` with `Retry-After` while the other
   * server works on it.
   */
  async once(
    { name, fingerprint }: IdempotencyDigests,
    submit: () => Promise<PendingRequest>,
    replay: (earlier: CompletedRequest) => PendingRequest,
    join?: (id: string) => Promise<PendingRequest | undefined>,
  ): Promise<PendingRequest> {
    const deadlineMs = performance.now() + WAIT_MS;
    for (;;) {
      const earlier = await this.#shared.claim(name, fingerprint);
      if (earlier === undefined) return await this.#submit({ name, fingerprint }, submit);
      if (earlier.fingerprint !== fingerprint)
        throw new AppError(
          'idempotency_conflict',
          'This Idempotency-Key was used for another request. Use a new key for a new request.',
        );
      // The request itself says of it what its server does; a replay is a response from the cache.
      const joined = earlier.id === '' ? undefined : await join?.(earlier.id);
      if (joined !== undefined) return joined;
      const completed = completedOf(earlier);
      if (completed !== undefined) return replay(completed);
      if (earlier.isLost === true && (await this.#shared.takeOver(name, fingerprint, earlier)))
        return await this.#submit({ name, fingerprint }, submit);
      if (performance.now() >= deadlineMs) throw underWay();
      await delay(LOOK_INTERVAL_MS);
    }
  }

  /** See `EngineCore.settled`. */
  settled(request: PendingRequest): Settlement {
    return this.#unshared.has(request) ? UNSETTLED : undefined;
  }

  /** A request has ended. */
  handleEnd(request: PendingRequest): void {
    const digests = this.#open.get(request.id);
    if (digests === undefined) return;
    this.#open.delete(request.id);
    // It goes on at another server.
    if (request.isSuspended || request.goesOnElsewhere) return;
    this.#report(digests, request);
  }

  async #submit(digests: IdempotencyDigests, submit: () => Promise<PendingRequest>): Promise<PendingRequest> {
    const { name, fingerprint } = digests;
    try {
      const pending = await submit();
      if (pending.finishedAt !== undefined) this.#report(digests, pending);
      else {
        this.#open.set(pending.id, digests);
        this.#shared.accept(name, fingerprint, pending.id);
      }
      // Else a retry at another server would run twice if this one ends now.
      if ((await this.#shared.settled(name)) === false) this.#unshared.add(pending);
      return pending;
    } catch (error) {
      this.#shared.release(name);
      throw error;
    }
  }

  /** A request without a response is tried again by a retry. */
  #report({ name, fingerprint }: IdempotencyDigests, { id, state, generation }: PendingRequest): void {
    const { response } = generation;
    if (state === 'completed' && response !== undefined)
      this.#shared.complete(name, fingerprint, id, encodeResponse(response));
    else this.#shared.release(name);
  }
}

/** Shared instance. */
const UNSETTLED = Promise.resolve(false);

function completedOf({ id, response: bytes }: IdempotentRequest): CompletedRequest | undefined {
  const response = bytes && decodeResponse(bytes);
  return response === undefined ? undefined : { id, createdAt: Date.now(), response };
}

function underWay(): AppError {
  return new AppError(
    'queue_full',
    'Another server works on the request with this Idempotency-Key. Send it again in a few seconds.',
    { retryAfterSeconds: RETRY_AFTER_SECONDS, data: { reason: 'elsewhere', retry_after_seconds: RETRY_AFTER_SECONDS } },
  );
}
