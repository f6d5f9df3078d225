import { setImmediate } from 'node:timers/promises';
import type { EngineParts } from '#lib/chat/engine-parts';
import { Generation } from '#lib/chat/generation/generation';
import { PendingRequest, type RequestSource } from '#lib/chat/generation/pending-request';
import { LOOK_MS } from '#lib/chat/persistence/queue-owner';
import {
  decodeRequest,
  decodeResult,
  decodeSubmitter,
  REQUEST_FORMAT,
  type StoredResult,
} from '#lib/chat/persistence/saved-request-format';
import { MAX_STORED_RESULT_BYTES, type SavedRequests } from '#lib/chat/persistence/saved-requests';
import type { RequestAdmission } from '#lib/chat/request-admission';
import { AppError, asError } from '#lib/errors';
import { currentPrincipal } from '#lib/http/identity';
import { lockedOut } from '#lib/http/open-work';
import type { Principal } from '#lib/http/principal';
import { requestLimits } from '#lib/http/request-limits';
import type { ChatRequestPartsTable, ChatRequestsTable } from '#lib/store/tables/chat-requests';
import type { Store } from '#lib/store/types';
import type { Logger } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';

/** Rows that are read in one go. */
const ROWS_PER_STEP = 200;
/**
 * Numbers of events begin at the start's second times this: they are above those before it, and
 * have at most 15 digits.
 */
const EVENTS_PER_SECOND = 100_000;
/** While the model server is not up, or the queue is full. */
const FIRST_RETRY_MS = SECOND_MS;
const MAX_RETRY_MS = 15 * SECOND_MS;

/** Continues the response of an API, with what `Submitter.saveApi` returned. Must not throw. */
export type RestoredApi = (name: string, pending: PendingRequest, data: Uint8Array) => void;

type Row = ChatRequestsTable;

interface Unbegun {
  readonly row: Row;
  readonly pending: PendingRequest;
  /** Of the part for its API. */
  readonly apiBytes: number;
}

/**
 * Brings the requests of the process before this one back. All of them are known by their ids
 * first; then they begin one after another, in the order in which they were accepted.
 */
export class RequestRestorer {
  readonly #parts: EngineParts;
  readonly #saved: SavedRequests;
  readonly #admission: RequestAdmission;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  /** Known by their ids, and without a generation yet. */
  #unbegun = new Set<PendingRequest>();
  #resuming: Promise<void> | undefined;
  /** At the last look. */
  #hadOthers = false;
  #hasFailed = false;

  constructor(
    parts: EngineParts,
    saved: SavedRequests,
    admission: RequestAdmission,
    log: Pick<Logger, 'info' | 'warn'>,
  ) {
    this.#parts = parts;
    this.#saved = saved;
    this.#admission = admission;
    this.#log = log;
  }

  /**
   * Resolves when every request is known by its id again. Those that wait begin afterwards, in the
   * background. Never rejects: what cannot be read is logged, and stays where it is. Resolves with
   * false if the database is not open.
   */
  async restore(restoreApi: RestoredApi): Promise<boolean> {
    const store = await this.#saved.open();
    if (store === undefined) return false;
    try {
      await this.#saved.deleteExpired(store);
      const results = await this.#restoreResults(store, restoreApi);
      const waiting = await this.#takeOver(store, restoreApi, { isFirst: true });
      if (results + waiting > 0) this.#log.info({ waiting, results }, 'requests of the queue are back after a restart');
    } catch (error) {
      this.#log.warn({ err: asError(error) }, 'saved requests could not be read');
    }
    this.#takeOverLater(store, restoreApi);
    return true;
  }

  /**
   * Resolves when each request that came back was begun, or waits for its model server. Undefined
   * if that is so. Never rejects.
   */
  get resuming(): Promise<void> | undefined {
    return this.#resuming;
  }

  /**
   * Brings back the requests of servers that do not run any more. Returns how many there are now.
   * A database that takes no writes gives its requests at the start alone: later another server
   * may have them.
   */
  async #takeOver(store: Store, restoreApi: RestoredApi, { isFirst = false } = {}): Promise<number> {
    const { taken, hasOthers, isWritten } = await this.#saved.owner.takeOver(store);
    // Pieces of a request that another server is writing look like leftovers.
    if (!hasOthers && (isFirst || this.#hadOthers || taken.length > 0)) await this.#saved.deleteLeftovers(store);
    this.#hadOthers = hasOthers;
    if (taken.length === 0 || !(isFirst || isWritten)) return 0;
    const owners = isWritten ? [this.#saved.owner.id] : taken;
    const unbegun = await this.#restoreWaiting(store, owners, restoreApi);
    for (const { pending } of unbegun) this.#unbegun.add(pending);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resuming = promise;
    void this.#beginAll(store, unbegun, () => {
      if (this.#resuming === promise) this.#resuming = undefined;
      resolve();
    });
    return unbegun.length;
  }

  /** Looks from time to time also while no other server is known: one may start, and end. */
  #takeOverLater(store: Store, restoreApi: RestoredApi): void {
    this.#parts.clock.after(LOOK_MS, async () => {
      if (this.#saved.isClosing) return;
      try {
        const waiting = await this.#takeOver(store, restoreApi);
        if (waiting > 0) this.#log.info({ waiting }, 'requests of a server that ended were taken over');
        this.#hasFailed = false;
      } catch (error) {
        // Once for each outage, which the store reports by itself as well.
        if (!this.#hasFailed) this.#log.warn({ err: asError(error) }, 'saved requests could not be read');
        this.#hasFailed = true;
      }
      this.#takeOverLater(store, restoreApi);
    });
  }

  /** Returns how many results are kept. */
  async #restoreResults(store: Store, restoreApi: RestoredApi): Promise<number> {
    let bytes = 0;
    const rows: Row[] = [];
    // The newest first: older ones are evicted in memory, too.
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const page = await store.db
        .selectFrom('chat_requests')
        .selectAll()
        .where('finished_at', 'is not', null)
        .where('position', '<', before)
        .orderBy('position', 'desc')
        .limit(ROWS_PER_STEP)
        .execute();
      for (const row of page) {
        this.#saved.continueAfter(Number(row.position));
        bytes += Number(row.bytes);
        if (bytes <= MAX_STORED_RESULT_BYTES) rows.push(row);
        before = Number(row.position);
      }
      if (page.length < ROWS_PER_STEP || bytes > MAX_STORED_RESULT_BYTES) break;
    }
    for (const row of rows.reverse()) {
      await this.#restoreResult(store, row, restoreApi);
      await setImmediate();
    }
    return rows.length;
  }

  async #restoreResult(store: Store, row: Row, restoreApi: RestoredApi): Promise<void> {
    try {
      const result = decodeResult(await bytesOf(store, row.id, 'result'));
      const pending = this.#pendingOf(row, finishedGeneration(row, result), result, result.lastEvent);
      this.#parts.inFlight.restoreResult(pending, Number(row.finished_at));
      this.#saved.trackResult(row.id, Number(row.bytes));
      await this.#restoreApi(store, row, pending, restoreApi);
    } catch (error) {
      this.#log.warn({ request_id: row.id, err: asError(error) }, 'a saved result could not be read');
    }
  }

  async #restoreWaiting(store: Store, owners: readonly string[], restoreApi: RestoredApi): Promise<Unbegun[]> {
    const all: Unbegun[] = [];
    const offset = EVENTS_PER_SECOND * Math.floor(this.#parts.clock.now() / SECOND_MS);
    for (let after = 0; ; ) {
      const page = await store.db
        .selectFrom('chat_requests')
        .selectAll()
        .where('finished_at', 'is', null)
        .where('owner', 'in', owners)
        .where('position', '>', after)
        .orderBy('position')
        .limit(ROWS_PER_STEP)
        .execute();
      for (const row of page) {
        after = Number(row.position);
        this.#saved.continueAfter(after);
        // It was accepted by this process.
        if (this.#parts.inFlight.find(row.id) !== undefined) continue;
        const pending = this.#pendingOf(row, Generation.unbegun(requestOf(row)), NOT_BEGUN, offset);
        this.#parts.inFlight.add(pending);
        this.#saved.trackWaiting(row.id, Number(row.bytes));
        try {
          all.push({ row, pending, apiBytes: await this.#restoreApi(store, row, pending, restoreApi) });
        } catch (error) {
          this.#log.warn({ request_id: row.id, err: asError(error) }, 'a saved request failed');
          this.#fail(pending, AppError.is(error) ? error : UNREADABLE);
        }
      }
      if (page.length < ROWS_PER_STEP) return all;
      await setImmediate();
    }
  }

  #pendingOf(row: Row, generation: Generation, source: RequestSource, eventOffset: number): PendingRequest {
    const { cacheStatus, ignoredFields, droppedFields, conversation } = source;
    const fields = { cacheStatus, ignoredFields, droppedFields, conversation };
    const principal = principalOf(row);
    const pending = new PendingRequest(generation, { ...requestOf(row), ...fields, principal, detached: true });
    pending.saved = { eventOffset, isOnDisk: true, written: Promise.resolve() };
    const { idempotency_key: name, idempotency_digest: fingerprint } = row;
    if (name !== null && fingerprint !== null) this.#admission.idempotencyKeys.restore({ name, fingerprint }, pending);
    return pending;
  }

  /** Returns how many bytes its API has saved. */
  async #restoreApi(store: Store, row: Row, pending: PendingRequest, restoreApi: RestoredApi): Promise<number> {
    if (row.api === null) return 0;
    const data = await bytesOf(store, row.id, 'api');
    restoreApi(row.api, pending, data);
    return data.byteLength;
  }

  /**
   * Begins requests in their order. Those whose model server is not up are tried again later; a
   * full queue holds up all of them. Calls `onTried` when each was tried once. Never rejects.
   */
  async #beginAll(store: Store, all: readonly Unbegun[], onTried: () => void): Promise<void> {
    let rest = all;
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)) {
      const later: Unbegun[] = [];
      let isFull = false;
      for (const one of rest) {
        const end: AppError['code'] | undefined = isFull ? 'queue_full' : await this.#begin(store, one);
        if (end !== undefined) later.push(one);
        isFull ||= end === 'queue_full';
        await setImmediate();
      }
      onTried();
      if (later.length === 0 || this.#saved.isClosing) return;
      if (later.length < rest.length) retryMs = FIRST_RETRY_MS / 2;
      rest = later;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#parts.clock.after(retryMs, resolve);
      await promise;
    }
  }

  /** Returns the error that passes by itself: the request is to be tried again. */
  async #begin(store: Store, { row, pending, apiBytes }: Unbegun): Promise<AppError['code'] | undefined> {
    if (pending.finishedAt !== undefined || this.#saved.isClosing) return undefined;
    try {
      if (Number(row.format) !== REQUEST_FORMAT) throw UNREADABLE;
      const request = await this.#requestOf(store, row, apiBytes);
      const sent = decodeSubmitter(row.submitter, row.caller);
      const principal = sent.principal && (await this.#currentPrincipal(sent.principal));
      const allowance = principal && requestLimits()?.allowanceOf(principal);
      await allowance?.load();
      const submitter = { ...sent, ...(principal && { principal }), id: row.id, allowance, isAccepted: true };
      await this.#admission.resume(pending, request, submitter);
      this.#unbegun.delete(pending);
    } catch (error) {
      if (pending.finishedAt !== undefined || this.#saved.isClosing) return undefined;
      if (AppError.is(error) && WAITS.has(error.code)) return error.code;
      const failure = AppError.is(error) ? error : UNREADABLE;
      if (failure === UNREADABLE || failure === INCOMPLETE)
        this.#log.warn({ request_id: row.id, err: asError(error) }, 'a saved request failed');
      this.#fail(pending, failure);
    }
    return undefined;
  }

  async #requestOf(store: Store, { id, bytes }: Row, apiBytes: number) {
    const saved = await bytesOf(store, id, 'request');
    if (saved.byteLength + apiBytes !== Number(bytes)) throw INCOMPLETE;
    return decodeRequest(saved);
  }

  /** Throws the error of a caller that was locked out while no server ran. */
  async #currentPrincipal(saved: Principal): Promise<Principal> {
    const current = await currentPrincipal(saved, this.#parts.settings, this.#parts.clock.now());
    if (current === undefined) throw lockedOut();
    return current;
  }

  /** Ends the readers of those that have not begun; they stay saved. */
  suspend(error: AppError): void {
    for (const pending of this.#unbegun) if (pending.finishedAt === undefined) this.#fail(pending, error);
  }

  #fail(pending: PendingRequest, error: AppError): void {
    const { clock, inFlight } = this.#parts;
    const ended = { response: undefined, error, cached: false, startedAt: undefined, firstTokenAt: undefined };
    this.#unbegun.delete(pending);
    pending.begin(Generation.finished(pending, { ...ended, finishedAt: clock.now() }), NOT_BEGUN);
    inFlight.addBegun(pending);
  }
}

/** Errors that pass by themselves. */
const WAITS: ReadonlySet<AppError['code']> = new Set([
  'provider_unavailable',
  'queue_full',
  'upstream_timeout',
  'not_saved',
]);

const UNREADABLE = new AppError(
  'internal_error',
  'The saved request could not be read after the restart of the server. Send it again.',
);

const INCOMPLETE = new AppError(
  'internal_error',
  'The request was not completely saved when the server ended, and was dropped. Send it again.',
);

const NOT_BEGUN: RequestSource = { cacheStatus: 'miss', ignoredFields: [], droppedFields: [], conversation: undefined };

function requestOf({ id, caller, accepted_at, model }: Row): Pick<Generation, 'id' | 'caller' | 'createdAt' | 'model'> {
  return { id, caller, createdAt: Number(accepted_at), model };
}

/** Undefined also where it cannot be read: that request alone fails when it begins. */
function principalOf({ submitter, caller }: Row): Principal | undefined {
  try {
    return decodeSubmitter(submitter, caller).principal;
  } catch {
    return undefined;
  }
}

function finishedGeneration(row: Row, result: StoredResult): Generation {
  const { model, response, error, cached, startedAt, firstTokenAt, finishedAt } = result;
  const ended = { response, error, cached, startedAt, firstTokenAt, finishedAt };
  return Generation.finished({ ...requestOf(row), model }, ended);
}

/** All pieces of a part. Throws `INCOMPLETE` if one is missing. */
async function bytesOf(store: Store, id: string, part: ChatRequestPartsTable['part']): Promise<Uint8Array> {
  const pieces = await store.db
    .selectFrom('chat_request_parts')
    .select(['number', 'data'])
    .where('request_id', '=', id)
    .where('part', '=', part)
    .orderBy('number')
    .execute();
  if (pieces.length === 0 || pieces.some(({ number }, index) => Number(number) !== index)) throw INCOMPLETE;
  return Buffer.concat(pieces.map(({ data }) => data));
}
