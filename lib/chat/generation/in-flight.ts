import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '#lib/chat/clock';
import type { Generation } from '#lib/chat/generation/generation';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { CancelledBy } from '#lib/wire/chat-queue';

/** Results are kept for their TTL as long as all of them together stay below this. */
const MAX_RESULT_BYTES = 64 * 1024 * 1024;
/** The same for results that were read, and are retained only for a client that comes back. */
const MAX_READ_BYTES = 16 * 1024 * 1024;
/** Memory of a finished request without its log, as measured on V8. */
export const RESULT_BYTES = 1_442;

/** Bounds the unfinished requests, joined ones included. */
const MAX_PENDING_REQUESTS = 50_000;

/**
 * Registry of all requests that are unfinished or whose result is kept (an LRU with a TTL), and
 * the single flight: for each cache key, at most one unfinished generation that later requests
 * join.
 */
export class InFlight {
  readonly #clock: Clock;
  readonly #leaders = new Map<string, Generation>();
  readonly #pending = new Map<string, PendingRequest>();
  readonly #results: LRUCache<string, PendingRequest>;
  readonly #read: LRUCache<string, PendingRequest>;
  readonly #resultTtlMs: number;
  readonly #onEnd: (request: PendingRequest, isPayer: boolean | undefined) => void;
  #isPurgeScheduled = false;
  /** Called with each request that is added. Must not throw. */
  onAdd: ((request: PendingRequest) => void) | undefined;

  /**
   * `onEnd` is called once for each request that has ended. Must not throw. Of the requests of a
   * generation, one pays for it: the first that is left at its end, on the server that it was
   * submitted to. Undefined for a request that had no part in a generation: a response from the
   * cache.
   */
  constructor(
    resultTtlMs: number,
    clock: Clock,
    onEnd: (request: PendingRequest, isPayer: boolean | undefined) => void = () => {},
  ) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#resultTtlMs = resultTtlMs;
    this.#results = this.#createResults(MAX_RESULT_BYTES);
    this.#read = this.#createResults(MAX_READ_BYTES);
  }

  #createResults(maxBytes: number): LRUCache<string, PendingRequest> {
    const results = new LRUCache<string, PendingRequest>({
      maxSize: maxBytes,
      sizeCalculation: ({ logShareBytes }) => Math.min(maxBytes, RESULT_BYTES + logShareBytes),
      ttl: this.#resultTtlMs,
      ttlResolution: 0,
      perf: this.#clock,
      disposeAfter: (request, id, reason) => {
        if (request.readers === undefined) return;
        // A slow reader keeps its result in memory: it stays counted, as the only one, until it is
        // read.
        if (reason === 'expire') {
          request.logShareBytes = logShare(request.generation, 1);
          results.set(id, request);
        } else if (reason === 'evict') {
          request.isDropped = true;
          request.notifyReaders();
        }
      },
    });
    return results;
  }

  /**
   * Whether no more requests are accepted. Most of that many have joined, and hold no queue slot.
   */
  get isFull(): boolean {
    return this.#pending.size >= MAX_PENDING_REQUESTS;
  }

  /** The unfinished generation that a request with this key joins. */
  findLeader(key: string): Generation | undefined {
    return this.#leaders.get(key);
  }

  /** Lets later requests join `generation`, unless its key has a leader already. */
  registerLeader(generation: Generation): void {
    const { flightKey } = generation;
    if (flightKey !== undefined && !this.#leaders.has(flightKey)) this.#leaders.set(flightKey, generation);
  }

  /** The request with this id, unfinished or finished within the TTL. */
  find(id: string): PendingRequest | undefined {
    return this.#pending.get(id) ?? this.#results.get(id) ?? this.#read.get(id);
  }

  /** All requests that are unfinished. */
  unfinished(): PendingRequest[] {
    return [...this.#pending.values()];
  }

  /** Whether a request without a reader is unfinished that would not go on after a restart. */
  get hasUnsavedWork(): boolean {
    for (const { detached, saved } of this.#pending.values()) if (detached && saved?.isOnDisk !== true) return true;
    return false;
  }

  /** The id that a client asked for, or a new one if another request has it. */
  chooseId({ id, isIdGiven }: { id?: string | undefined; isIdGiven?: boolean }): string {
    return id === undefined || (isIdGiven !== false && this.find(id) !== undefined) ? randomUUID() : id;
  }

  /** Registers a request. One whose generation has finished is a result at once. */
  add(request: PendingRequest): void {
    const { generation } = request;
    if (generation.finishedAt !== undefined) this.#storeResult(request, logShare(generation, 1));
    else {
      this.#pending.set(request.id, request);
      generation.attach(request);
    }
    this.onAdd?.(request);
  }

  /** Registers a request that has begun, after it was registered without a generation. */
  addBegun(request: PendingRequest): void {
    this.add(request);
    request.notifyReaders();
    if (request.finishedAt !== undefined) this.#handleEnd(request, undefined);
  }

  /** Registers a result that was stored at `finishedAt`. */
  restoreResult(request: PendingRequest, finishedAt: number): void {
    request.logShareBytes = logShare(request.generation, 1);
    this.#results.set(request.id, request, { start: finishedAt });
    this.#schedulePurge();
  }

  /** The last reader of a result has left: the result is retained among those that were read. */
  handleRead(request: PendingRequest): void {
    const { id, detached, readers, finishedAt } = request;
    if (detached || readers !== undefined || finishedAt === undefined || !this.#results.delete(id)) return;
    // Its log is packed by now.
    request.logShareBytes = Math.min(request.logShareBytes, logShare(request.generation, 1));
    this.#read.set(id, request, { start: finishedAt });
  }

  /** Drops a request that is not counted here, and has not ended. */
  forget(request: PendingRequest): void {
    this.#pending.delete(request.id);
    this.#results.delete(request.id);
    this.#read.delete(request.id);
    request.generation.requests?.delete(request);
  }

  /** Cancels one request; its generation goes on for the others that share it. */
  cancel(request: PendingRequest, by: CancelledBy): void {
    const { generation } = request;
    request.cancel(this.#clock.now(), by);
    // While the generation goes on for others, the log is theirs.
    this.#storeResult(request, generation.finishedAt === undefined ? 0 : logShare(generation, 1));
    request.notifyReaders();
    // Its generation ended with it if no other request was left.
    this.#handleEnd(request, generation.finishedAt !== undefined && !generation.isMirror);
  }

  /**
   * A request was cancelled on another server, which has said so, before this one knew; it has
   * ended here meanwhile. It is a cancelled one everywhere. Its usage is counted already.
   */
  cancelEnded(request: PendingRequest, by: CancelledBy): void {
    if (request.finishedAt === undefined || request.state === 'cancelled') return;
    request.cancelledAt = request.finishedAt;
    request.cancelledBy = by;
    request.notifyReaders();
    request.onDone?.(request);
  }

  /** The uncancelled requests of an unfinished generation. */
  requestsOf({ requests }: Generation): PendingRequest[] {
    const found: PendingRequest[] = [];
    if (requests === undefined) return found;
    for (const { id } of requests) {
      const request = this.#pending.get(id);
      if (request !== undefined) found.push(request);
    }
    return found;
  }

  /** A result has a reader again, for which it is kept. */
  handleReader(request: PendingRequest): void {
    const { id, finishedAt } = request;
    if (finishedAt !== undefined && this.#read.delete(id)) this.#results.set(id, request, { start: finishedAt });
  }

  /** Turns the requests of a finished generation into results; none joins it from here on. */
  settle(generation: Generation): void {
    const { flightKey } = generation;
    if (flightKey !== undefined && this.#leaders.get(flightKey) === generation) this.#leaders.delete(flightKey);
    const requests = this.requestsOf(generation);
    for (const [index, request] of requests.entries()) {
      this.#storeResult(request, logShare(generation, requests.length));
      this.#handleEnd(request, index === 0 && !generation.isMirror);
    }
  }

  #handleEnd(request: PendingRequest, isPayer: boolean | undefined): void {
    request.notifyDone();
    if (!request.isCopy) this.#onEnd(request, isPayer);
  }

  #storeResult(request: PendingRequest, logShareBytes: number): void {
    request.logShareBytes = logShareBytes;
    this.#pending.delete(request.id);
    this.#results.set(request.id, request);
    this.#schedulePurge();
  }

  /** Evicts expired results on a timer, so an idle server frees them too. */
  #schedulePurge(): void {
    if (this.#isPurgeScheduled) return;
    this.#isPurgeScheduled = true;
    this.#clock.after(this.#resultTtlMs + 1, () => {
      this.#isPurgeScheduled = false;
      this.#results.purgeStale();
      this.#read.purgeStale();
      if (this.#results.size + this.#read.size > 0) this.#schedulePurge();
    });
  }
}

/**
 * The part of a log, its events and its joined text, that each of `count` results is charged for.
 * Results of one generation never evict each other, so no reader that keeps up is closed when its
 * generation finishes.
 */
function logShare({ log, response }: Generation, count: number): number {
  const bytes = log.bytes + (response === undefined ? 0 : log.textBytes);
  return Math.floor(Math.min(bytes, MAX_RESULT_BYTES - count * RESULT_BYTES) / count);
}
