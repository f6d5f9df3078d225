import type { CachedResponse } from '#lib/chat/cache/response-cache';
import type { AcceptedRequest } from '#lib/chat/generation/accepted-request';
import { CANCELLATIONS, LOCKED_OUT } from '#lib/chat/generation/cancellation';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { Generation, type GenerationRequest, type GenerationState } from '#lib/chat/generation/generation';
import type { GenerationLog } from '#lib/chat/generation/generation-log';
import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import type { CacheHeader, Timings } from '#lib/wire/chat';
import type { CancelledBy } from '#lib/wire/chat-queue';

/** Shared instance, as those of `CANCELLATIONS`. */
export const SUSPENDED = new AppError(
  'shutting_down',
  'The server is restarting. This request is saved and goes on afterwards: ask for it again by its id in a few seconds.',
  { data: { reason: 'restart' } },
);

/** The turn of a stored conversation that a request adds. */
export interface ConversationTurn {
  readonly id: string;
  readonly state: 'new' | 'continued';
  /**
   * Messages in the model's request that stand before the conversation's own: the system prompt.
   */
  readonly addedMessages: number;
}

/** What becomes of a request that is to survive a restart. */
export interface SavedState {
  /** Added to the numbers of its events: a restarted one has others than before. */
  readonly eventOffset: number;
  /** Whether it goes on after a restart. */
  isOnDisk: boolean;
  /** Resolves when it is on disk, or cannot be saved. */
  written: Promise<void>;
  /** Whether it is in Redis: other servers have its events too. */
  readonly isShared?: boolean;
}

/** What is known of a request once its model is. */
export interface RequestSource {
  readonly cacheStatus: CacheHeader;
  readonly ignoredFields: readonly string[];
  readonly droppedFields: readonly string[];
  readonly conversation: ConversationTurn | undefined;
}

interface PendingRequestInit {
  readonly id: string;
  readonly caller: string;
  readonly principal?: Principal | undefined;
  readonly createdAt: number;
  readonly cacheStatus: CacheHeader;
  readonly ignoredFields: readonly string[];
  readonly droppedFields: readonly string[];
  readonly detached: boolean;
  readonly conversation: ConversationTurn | undefined;
}

/**
 * A request and its response, present or future, of this process. Several requests may share one
 * generation; each is cancelled without effect on the others. Readers see an `AcceptedRequest` or a
 * `ReadableRequest` of it.
 */
export class PendingRequest implements GenerationRequest, AcceptedRequest {
  readonly id: string;
  readonly caller: string;
  /** Whose usage it is. */
  readonly principal: Principal | undefined;
  readonly createdAt: number;
  cacheStatus: CacheHeader;
  /** Fields of the request that have no effect on its provider, by their wire names. */
  ignoredFields: readonly string[];
  /** Fields of the request that its provider refuses and that were left out. */
  droppedFields: readonly string[];
  /** When the response was stored, if it is from the cache; in milliseconds since the epoch. */
  storedAt: number | undefined;
  /** A detached request runs to its end without a reader. */
  readonly detached: boolean;
  conversation: ConversationTurn | undefined;
  /** Undefined if it lives in this process alone. */
  saved: SavedState | undefined;
  /** It was submitted to another server, which counts it: this one has its events. */
  isCopy = false;
  /** Its end is that of this server's part alone: another one has begun it again. */
  goesOnElsewhere = false;
  /** Undefined if empty: tens of thousands of requests may be retained. */
  readers: Set<() => void> | undefined;
  /** When this request alone was cancelled, while its generation went on for others. */
  cancelledAt: number | undefined;
  cancelledBy: CancelledBy = 'user';
  /** Its caller may not use the server any more, which is why it was cancelled. */
  isLockedOut = false;
  /** The result was evicted while a reader was still at it; its readers are closed. */
  isDropped = false;
  /** Called once, when it has ended. Must not throw. */
  onDone: ((request: AcceptedRequest) => void) | undefined;
  /** Called once, when it has ended: it is no open request of its caller any more. */
  leave: (() => void) | undefined;
  /** The part of the generation's log that this result is charged for. */
  logShareBytes = 0;
  #source: Generation | CachedResponse;
  /** Stops each reader from listening to the log; undefined if empty. */
  #stops: Map<() => void, () => void> | undefined;

  constructor(source: Generation | CachedResponse, init: PendingRequestInit) {
    this.#source = source;
    this.storedAt = source instanceof Generation ? undefined : source.createdAt;
    this.id = init.id;
    this.caller = init.caller;
    this.principal = init.principal;
    this.createdAt = init.createdAt;
    this.cacheStatus = init.cacheStatus;
    this.ignoredFields = init.ignoredFields;
    this.droppedFields = init.droppedFields;
    this.detached = init.detached;
    this.conversation = init.conversation;
  }

  /** The response with its ready bodies; undefined if it is not cached, or once it is replayed. */
  get cachedResponse(): CachedResponse | undefined {
    return this.#source instanceof Generation ? undefined : this.#source;
  }

  /** The generation with the response. A cached response is replayed on first use. */
  get generation(): Generation {
    if (!(this.#source instanceof Generation)) this.#source = Generation.replay(this, this.#source.toResponse());
    return this.#source;
  }

  get generationId(): string {
    return this.generation.id;
  }

  get model(): string {
    return this.generation.model;
  }

  get cached(): boolean {
    return this.generation.cached;
  }

  get state(): GenerationState {
    return this.cancelledAt === undefined ? this.generation.state : 'cancelled';
  }

  get finishedAt(): number | undefined {
    return this.cancelledAt ?? this.generation.finishedAt;
  }

  get log(): GenerationLog {
    return this.generation.log;
  }

  get response(): CompletedResponse | undefined {
    return this.generation.response;
  }

  get startedAt(): number | undefined {
    return this.generation.startedAt;
  }

  get firstTokenAt(): number | undefined {
    return this.generation.firstTokenAt;
  }

  get serverName(): string | undefined {
    const { server } = this.generation;
    return server?.isNameShown === true ? server.name : undefined;
  }

  get isDegraded(): boolean {
    return this.#source instanceof Generation && this.#source.isDegraded;
  }

  get eventOffset(): number {
    return (this.saved?.eventOffset ?? 0) + this.generation.eventOffset;
  }

  get endOffset(): number {
    const { eventOffset, endOffset = eventOffset } = this.generation;
    return (this.saved?.eventOffset ?? 0) + endOffset;
  }

  get isShared(): boolean {
    return this.isCopy || this.saved?.isShared === true;
  }

  get cancellation(): AppError | undefined {
    if (this.cancelledAt === undefined) return undefined;
    return this.isLockedOut ? LOCKED_OUT : CANCELLATIONS[this.cancelledBy];
  }

  /** The error with which the request ended. */
  get error(): AppError | undefined {
    if (this.cancelledAt !== undefined) return this.cancellation;
    const { log } = this.generation;
    const last = log.ended ? log.eventAt(log.lastNumber) : undefined;
    return last?.type === 'error' ? this.ownError(last.error) : undefined;
  }

  /**
   * The error as this request sees it: one that goes on after a restart or elsewhere pauses, and
   * advice on the server is for administrators, also where callers share a generation.
   */
  ownError(error: AppError): AppError {
    const goesOn = this.saved?.isOnDisk === true || this.goesOnElsewhere;
    if (error.code === 'shutting_down' && goesOn) return SUSPENDED;
    return this.principal?.role === 'admin' ? error.forOperators() : error;
  }

  /** Whether the server stops, and the request goes on after its restart. */
  get isSuspended(): boolean {
    return this.error === SUSPENDED;
  }

  /**
   * Registers a reader and retains the generation for it. `onChange` is called after every event,
   * and when the request is cancelled. Returns the function that removes the reader.
   */
  addReader(onChange: () => void): () => void {
    this.readers ??= new Set();
    this.readers.add(onChange);
    this.#listen(onChange);
    return () => {
      if (this.readers?.delete(onChange) !== true) return;
      if (this.readers.size === 0) this.readers = undefined;
      this.#stops?.get(onChange)?.();
      this.#stops?.delete(onChange);
      if (this.#stops?.size === 0) this.#stops = undefined;
      if (this.finishedAt === undefined) this.generation.release();
    };
  }

  /** Moves a request that was not begun to its generation, or to its cached response. */
  begin(
    source: Generation | CachedResponse,
    { cacheStatus, ignoredFields, droppedFields, conversation }: RequestSource,
  ): void {
    for (const stop of this.#stops?.values() ?? []) stop();
    this.#stops = undefined;
    this.#source = source;
    this.storedAt = source instanceof Generation ? undefined : source.createdAt;
    Object.assign(this, { cacheStatus, ignoredFields, droppedFields, conversation });
    for (const onChange of this.readers ?? []) this.#listen(onChange);
  }

  #listen(onChange: () => void): void {
    const { generation } = this;
    this.#stops ??= new Map();
    this.#stops.set(onChange, generation.log.listen(onChange));
    if (this.finishedAt === undefined) generation.retain();
  }

  /** Called once, when it has ended. */
  notifyDone(): void {
    this.leave?.();
    this.leave = undefined;
    this.onDone?.(this);
  }

  notifyReaders(): void {
    for (const onChange of [...(this.readers ?? [])]) onChange();
  }

  /** Takes this request off its generation. */
  cancel(now: number, by: CancelledBy): void {
    this.cancelledAt = now;
    this.cancelledBy = by;
    this.generation.detach(this);
  }

  /**
   * Milliseconds since this request came in. A request that joined late has no negative figures.
   */
  timings(): Timings {
    const { startedAt, firstTokenAt, finishedAt } = this.generation;
    const since = (moment: number) => Math.max(0, Math.round((moment - this.createdAt) * 10) / 10);
    return {
      queued_ms: startedAt === undefined ? 0 : since(startedAt),
      first_token_ms: firstTokenAt === undefined ? null : since(firstTokenAt),
      total_ms: since(finishedAt ?? this.createdAt),
    };
  }
}
