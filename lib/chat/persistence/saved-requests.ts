import type { Compilable } from 'kysely';
import type { Clock } from '#lib/chat/clock';
import type { PendingRequest, SavedState } from '#lib/chat/generation/pending-request';
import { BEAT_MS, type ProcessInfo, QueueOwner } from '#lib/chat/persistence/queue-owner';
import {
  encodeRequest,
  encodeResult,
  encodeSubmitter,
  piecesOf,
  REQUEST_FORMAT,
} from '#lib/chat/persistence/saved-request-format';
import type { Submitter } from '#lib/chat/submitter';
import { asError } from '#lib/errors';
import { storableText } from '#lib/storable-text';
import type { ChatRequestPartsTable } from '#lib/store/tables/chat-requests';
import type { Store } from '#lib/store/types';
import type { Logger } from '#lib/telemetry/log';
import { KIB, MIB, MINUTE_MS } from '#lib/units';
import type { ChatRequest } from '#lib/wire/chat';

/** Results that are stored, the oldest of which are deleted first. As many are kept in memory. */
export const MAX_STORED_RESULT_BYTES = 64 * MIB;
/** Smaller requests are written in one transaction. */
const MAX_TRANSACTION_BYTES = 512 * KIB;
/** A reply does not wait longer for the database. */
const WRITE_TIMEOUT_MS = 2_000;
const EXPIRY_INTERVAL_MS = MINUTE_MS;
/** Requests that are deleted in one go. */
const REQUESTS_PER_STEP = 50;

export interface SavedRequestsOptions {
  /** Opens the database, or returns the open one. */
  readonly openStore: () => Promise<Store>;
  /** Of all requests that are saved and not done; a further one is not saved. */
  readonly maxBytes: number;
  readonly resultTtlMs: number;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Default: this process. */
  readonly process?: ProcessInfo;
}

type Part = ChatRequestPartsTable['part'];

interface PartsToWrite {
  readonly parts: readonly [Part, Uint8Array][];
  readonly last: readonly Compilable[];
  readonly beat?: readonly Compilable[];
}

/**
 * Writes requests that were accepted to run without a reader, and their results, so that both
 * survive a restart. Where that fails the request runs all the same, and is not saved.
 */
export class SavedRequests {
  readonly #options: SavedRequestsOptions;
  /** Bytes of the requests that are saved and not done, by id. */
  readonly #waiting = new Map<string, number>();
  #waitingBytes = 0;
  /** Bytes of stored results, the oldest first. */
  readonly #results = new Map<string, number>();
  /** Requests of which pieces are being written, until those that make them count are on disk. */
  readonly #writing = new Map<string, Promise<void>>();
  #resultBytes = 0;
  #store: Store | undefined;
  #position = 0;
  readonly owner: QueueOwner;
  #isClosing = false;
  #isBeating = false;
  #isFailureLogged = false;

  constructor(options: SavedRequestsOptions) {
    this.#options = options;
    this.owner = new QueueOwner(options.clock, options.process);
  }

  /** The database; undefined if it is not open. */
  get store(): Store | undefined {
    return this.#store;
  }

  /** Opens the database. Resolves with undefined if it cannot be opened. */
  async open(): Promise<Store | undefined> {
    if (this.#store !== undefined) return this.#store;
    try {
      this.#store = await this.#options.openStore();
      this.#scheduleExpiry(this.#store);
    } catch (error) {
      if (!this.#isFailureLogged) this.#options.log.warn({ err: asError(error) }, 'accepted requests are not saved');
      this.#isFailureLogged = true;
    }
    return this.#store;
  }

  /**
   * Saves an accepted request. `pending.saved.written` resolves when that is done or failed. Never
   * throws: the request runs already.
   */
  add(pending: PendingRequest, request: ChatRequest, submitter: Submitter): void {
    const state: SavedState = { eventOffset: 0, isOnDisk: false, written: Promise.resolve() };
    pending.saved = state;
    try {
      if (this.#store !== undefined) this.#add(this.#store, state, pending, request, submitter);
    } catch (error) {
      this.#options.log.warn({ request_id: pending.id, err: asError(error) }, 'an accepted request is not saved');
    }
  }

  #add(store: Store, state: SavedState, pending: PendingRequest, request: ChatRequest, submitter: Submitter): void {
    const isDone = pending.finishedAt !== undefined;
    const api = submitter.saveApi?.();
    const parts: [Part, Uint8Array][] = isDone
      ? [['result', encodeResult(pending)]]
      : [['request', encodeRequest(request)]];
    if (api !== undefined) parts.push(['api', api.data]);
    const bytes = parts.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
    if (!isDone && this.#waitingBytes + bytes > this.#options.maxBytes) {
      this.#options.log.warn({ request_id: pending.id }, 'an accepted request is not saved: QUEUE_MAX_MB are');
      return;
    }
    this.#position = Math.max(this.#position + 1, Math.floor(pending.createdAt * 1000));
    const row = {
      caller: pending.caller,
      owner: this.owner.id,
      position: this.#position,
      format: REQUEST_FORMAT,
      accepted_at: Math.floor(pending.createdAt),
      model: storableText(pending.model),
      submitter: encodeSubmitter(submitter),
      api: api?.name ?? null,
      idempotency_key: submitter.idempotency?.name ?? null,
      idempotency_digest: submitter.idempotency?.fingerprint ?? null,
      finished_at: isDone ? Math.floor(this.#options.clock.now()) : null,
      bytes,
    };
    if (isDone) this.#countResult(store, pending.id, bytes);
    else this.trackWaiting(pending.id, bytes);
    const last = [
      store.db
        .insertInto('chat_requests')
        .values({ id: pending.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row)),
    ];
    const beat = isDone ? [] : this.owner.beat(store);
    const written = this.#writeParts(store, pending.id, { parts, last, beat }).then(
      () => {
        state.isOnDisk = true;
      },
      (error: unknown) => {
        this.#untrackWaiting(pending.id);
        this.#options.log.warn({ request_id: pending.id, err: asError(error) }, 'an accepted request is not saved');
      },
    );
    state.written = this.#inTime(written);
  }

  /**
   * Stores the result of a saved request. One that the end of the server cuts runs again. Never
   * throws.
   */
  handleEnd(request: PendingRequest): void {
    const { saved, id } = request;
    if (saved === undefined || this.#store === undefined || !this.#waiting.has(id)) return;
    if (this.#isClosing && request.error?.code === 'shutting_down') return;
    this.#untrackWaiting(id);
    try {
      this.#storeResult(this.#store, id, request);
    } catch (error) {
      this.#options.log.warn({ request_id: id, err: asError(error) }, 'a result is not saved');
    }
  }

  #storeResult(store: Store, id: string, request: PendingRequest): void {
    const result = encodeResult(request);
    const { byteLength: bytes } = result;
    const finished_at = Math.floor(this.#options.clock.now());
    const last = [
      store.db.updateTable('chat_requests').set({ finished_at, bytes }).where('id', '=', id),
      store.db.deleteFrom('chat_request_parts').where('request_id', '=', id).where('part', '=', 'request'),
    ];
    // Not in time: it may take as long as it takes.
    this.#writeParts(store, id, { parts: [['result', result]], last }).catch((error: unknown) =>
      this.#options.log.warn({ request_id: id, err: asError(error) }, 'a result is not saved'),
    );
    this.#countResult(store, id, bytes);
  }

  /** Later requests have a higher position than this one, also if the clock was set back. */
  continueAfter(position: number): void {
    this.#position = Math.max(this.#position, position);
  }

  /**
   * Deletes pieces of requests that were never accepted, because the server ended meanwhile. Never
   * rejects: they take some space until the next start.
   */
  async deleteLeftovers(store: Store): Promise<void> {
    try {
      const leftovers = await store.db
        .selectFrom('chat_request_parts')
        .select('request_id')
        .distinct()
        .where('request_id', 'not in', (query) => query.selectFrom('chat_requests').select('id'))
        .execute();
      // Those of this process become whole.
      const ids = leftovers.map(({ request_id: id }) => id).filter((id) => !this.#writing.has(id));
      if (ids.length === 0) return;
      for (let first = 0; first < ids.length; first += REQUESTS_PER_STEP)
        await store.write(
          store.db
            .deleteFrom('chat_request_parts')
            .where('request_id', 'in', ids.slice(first, first + REQUESTS_PER_STEP))
            .where('request_id', 'not in', (query) => query.selectFrom('chat_requests').select('id')),
        );
      this.#options.log.warn(
        { requests: ids.length },
        'requests that the end of the server cut while they were saved were dropped',
      );
    } catch (error) {
      this.#options.log.info({ err: asError(error) }, 'pieces of requests that were cut are deleted at the next start');
    }
  }

  /** Counts a request that is on disk and not done. */
  trackWaiting(id: string, bytes: number): void {
    this.#untrackWaiting(id);
    // An id may be used again after its result has expired in memory.
    this.#untrackResult(id);
    this.#beatWhileWaiting();
    this.#waiting.set(id, bytes);
    this.#waitingBytes += bytes;
  }

  /** Counts a result that is on disk. */
  trackResult(id: string, bytes: number): void {
    this.#untrackResult(id);
    this.#resultBytes += bytes;
    this.#results.set(id, bytes);
  }

  /** Deletes requests with all their parts. Rejects if that is not saved. */
  async delete(store: Store, ids: readonly string[]): Promise<void> {
    await store.writeAll([
      store.db.deleteFrom('chat_request_parts').where('request_id', 'in', ids),
      store.db.deleteFrom('chat_requests').where('id', 'in', ids),
    ]);
  }

  /** From here on, requests that the end of the server cuts stay saved. */
  close(): void {
    this.#isClosing = true;
    if (this.#store !== undefined && this.#waiting.size > 0) this.owner.leave(this.#store).catch(ignoreUnsaved);
  }

  /** Whether a request that is saved waits or runs in this process. */
  isWaiting(id: string): boolean {
    return this.#waiting.has(id);
  }

  #beatWhileWaiting(): void {
    if (this.#isBeating) return;
    this.#isBeating = true;
    this.#options.clock.after(BEAT_MS, () => {
      this.#isBeating = false;
      if (this.#isClosing || this.#waiting.size === 0 || this.#store === undefined) return;
      this.#store.writeAll(this.owner.beat(this.#store)).catch(ignoreUnsaved);
      this.#beatWhileWaiting();
    });
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /**
   * Writes parts and `last`, which makes them count: in one transaction, or for a large request in
   * one that begins when all pieces are on disk. `beat` goes first, so that no other server takes
   * the pieces for leftovers.
   */
  async #writeParts(store: Store, id: string, { parts, last, beat = [] }: PartsToWrite): Promise<void> {
    const remove = store.db
      .deleteFrom('chat_request_parts')
      .where('request_id', '=', id)
      .where(
        'part',
        'in',
        parts.map(([part]) => part),
      );
    const inserts = parts.flatMap(([part, bytes]) =>
      piecesOf(bytes).map((data, number) =>
        store.db.insertInto('chat_request_parts').values({ request_id: id, part, number, data }),
      ),
    );
    const bytes = parts.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
    const before = this.#writing.get(id);
    if (before === undefined && bytes <= MAX_TRANSACTION_BYTES)
      return await store.writeAll([...beat, remove, ...inserts, ...last]);
    const write = async () => {
      const statements = [store.writeAll([...beat, remove]), ...inserts.map((insert) => store.write(insert))];
      await Promise.all(statements);
      await store.writeAll(last);
    };
    // A request that was not saved has no result to save, either.
    const written = before === undefined ? write() : before.then(write);
    this.#writing.set(id, written);
    try {
      await written;
    } finally {
      if (this.#writing.get(id) === written) this.#writing.delete(id);
    }
  }

  #untrackWaiting(id: string): void {
    this.#waitingBytes -= this.#waiting.get(id) ?? 0;
    this.#waiting.delete(id);
  }

  #untrackResult(id: string): void {
    this.#resultBytes -= this.#results.get(id) ?? 0;
    this.#results.delete(id);
  }

  #countResult(store: Store, id: string, bytes: number): void {
    this.trackResult(id, bytes);
    const removed: string[] = [];
    for (const oldest of this.#results.keys()) {
      if (this.#resultBytes <= MAX_STORED_RESULT_BYTES || oldest === id) break;
      this.#untrackResult(oldest);
      removed.push(oldest);
    }
    if (removed.length > 0) this.delete(store, removed).catch(ignoreUnsaved);
  }

  /** Deletes expired results once a minute. */
  #scheduleExpiry(store: Store): void {
    this.#options.clock.after(EXPIRY_INTERVAL_MS, () => {
      if (this.#isClosing) return;
      void this.deleteExpired(store).then(() => this.#scheduleExpiry(store));
    });
  }

  /** Deletes expired results in small steps. Never rejects. */
  async deleteExpired(store: Store): Promise<void> {
    const before = Math.floor(this.#options.clock.now() - this.#options.resultTtlMs);
    try {
      for (;;) {
        const rows = await store.db
          .selectFrom('chat_requests')
          .select('id')
          .where('finished_at', '<', before)
          .orderBy('finished_at')
          .limit(REQUESTS_PER_STEP)
          .execute();
        if (rows.length === 0) return;
        const ids = rows.map(({ id }) => id);
        await this.delete(store, ids);
        for (const id of ids) this.#untrackResult(id);
      }
    } catch {
      // They are found the next time.
    }
  }

  /** Resolves with the write, or when that takes too long: it may still succeed. */
  #inTime(write: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(WRITE_TIMEOUT_MS, resolve);
      void write.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

/**
 * The store reports by itself that it takes no writes. A missing beat is followed by the next one,
 * and what was not deleted expires.
 */
function ignoreUnsaved(): void {}
