import { randomUUID } from 'node:crypto';
import { cacheKey } from '#lib/chat/cache/cache-key';
import { ConversationCache } from '#lib/chat/cache/conversation-cache';
import { type CachedResponse, ResponseCache } from '#lib/chat/cache/response-cache';
import { batchStats, PercentileWindow } from '#lib/chat/chat-stats';
import type { Clock } from '#lib/chat/clock';
import type { CompletedResponse } from '#lib/chat/formats/native-events';
import { IdempotencyKeys } from '#lib/chat/generation/idempotency-keys';
import { Generation, InFlight, PendingRequest, type SubmittedTicket } from '#lib/chat/generation/in-flight';
import { estimateRequestBytes, PackedRequest } from '#lib/chat/generation/packed-request';
import { batchGroup, toModelRequest } from '#lib/chat/model-request';
import { Scheduler, type SchedulerOptions, toAppError } from '#lib/chat/scheduler/scheduler';
import { AppError } from '#lib/errors';
import type { KeepAlive, ModelProvider, ModelRequest } from '#lib/models/provider';
import type { CacheHeader, ChatRequest, Message, QueueOverview } from '#lib/wire/chat';
import type { ServerStats } from '#lib/wire/server-stats';

const BYTES_PER_MB = 1024 * 1024;
/** A request above this does not wait as an object for its model to be known. */
const LARGE_REQUEST_BYTES = 64 * 1024;

export interface ChatEngineOptions extends SchedulerOptions {
  directory: ModelResolver;
}

export interface ModelResolver {
  /** Throws a `Fault` where there is no such model or nobody to ask. */
  resolve(model: string | undefined): Promise<{ provider: ModelProvider; model: string }>;
}

/** Who asks, and how. */
export interface Submitter {
  caller: string;
  /** The id that the request gets, where it is free. */
  id?: string | undefined;
  /** The id was chosen by the client, and may be in use. */
  isIdGiven?: boolean;
  /** Do not read the cache, nor join a twin; do store the answer. */
  bypassCache?: boolean;
  /** Goes on to its end without any reader. */
  detached?: boolean;
  /** The caller writes answers in a form of its own: a hit, too, is given as a ticket. */
  ownForm?: boolean;
  idempotencyKey?: string | undefined;
  /** How large the request's body was, where that is known. */
  bodyBytes?: number | undefined;
}

/** A hit is given as it is kept; everything else is a ticket whose run has, or will have, the answer. */
export type Submission =
  | { kind: 'hit'; id: string; kept: CachedResponse; ignored: readonly string[] }
  | SubmittedTicket;

/** A request as its model gets it; `key` is undefined where the answer is not to be cached. */
interface ResolvedRequest {
  provider: ModelProvider;
  request: ModelRequest;
  key: string | undefined;
  /** Fields of the request that have no effect on its provider, by their wire names. */
  ignored: readonly string[];
}

const NO_FIELDS: readonly string[] = [];

/**
 * The way of a chat request: response cache, single flight, queue with batches, model. Everything
 * that follows the choice of a model happens in one turn of the event loop, so that no two
 * identical requests can miss one another.
 */
export class ChatEngine {
  readonly #parts: ChatEngineOptions;
  readonly #cache: ResponseCache;
  readonly #conversations: ConversationCache;
  readonly #inFlight: InFlight;
  readonly #dispatcher: Scheduler;
  readonly #submitted: IdempotencyKeys;
  readonly #questions = new WeakMap<ChatRequest, ResolvedRequest>();
  readonly #lookups: Record<CacheHeader, number>;
  readonly #firstToken = new PercentileWindow();
  readonly #total = new PercentileWindow();
  readonly #counts = { total: 0, cached: 0, joined: 0 };
  #closed: AppError | undefined;

  constructor(parts: ChatEngineOptions) {
    const { settings, clock } = parts;
    const resultTtlMs = settings.QUEUE_RESULT_TTL_SECONDS * 1000;
    this.#parts = parts;
    this.#lookups = parts.metrics.cacheLookups;
    this.#cache = new ResponseCache(
      { maxBytes: settings.CACHE_MAX_SIZE_MB * BYTES_PER_MB, ttlMs: settings.CACHE_TTL_SECONDS * 1000 },
      clock,
    );
    this.#conversations = new ConversationCache(
      {
        maxBytes: settings.CONVERSATION_CACHE_MAX_SIZE_MB * BYTES_PER_MB,
        ttlMs: settings.CONVERSATION_CACHE_TTL_SECONDS * 1000,
      },
      clock,
    );
    this.#inFlight = new InFlight({ graceMs: settings.DISCONNECT_GRACE_MS, resultTtlMs }, clock, {
      onRead: (run) => this.#dispatcher.watchPosition(run),
      onUnread: (run) => {
        if (run.refCount === 0) this.#dispatcher.unwatchPosition(run);
      },
      onAbandoned: (run) => this.#dispatcher.finish(run, ABANDONED),
    });
    this.#dispatcher = new Scheduler(parts, {
      onCompleted: (run, answer) => this.#storeResponse(run, answer),
      onEnded: (run) => this.#inFlight.settle(run),
    });
    this.#submitted = new IdempotencyKeys((id) => this.#inFlight.find(id));
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  /** What the requests that wait hold in memory; bounded by QUEUE_MAX_MB. */
  get waitingBytes(): number {
    return this.#dispatcher.waitingBytes;
  }

  /**
   * Takes a request in. Throws the directory's faults, `queue_full`, `shutting_down`, and
   * `idempotency_conflict`. A ticket without a reader is cancelled after the grace, unless it is
   * detached.
   *
   * The engine keeps no reference to `request` while it waits for anything; a caller that keeps
   * none either makes sure that waiting requests are outside the heap.
   */
  submit(request: ChatRequest, origin: Submitter): Promise<Submission> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const size = origin.bodyBytes ?? estimateRequestBytes(request);
    if (size > LARGE_REQUEST_BYTES) return this.#submitLarge(new PackedRequest(request), request.model, origin);
    return this.#submitSmall(request, origin);
  }

  async #submitSmall(request: ChatRequest, origin: Submitter): Promise<Submission> {
    const { provider, model } = await this.#parts.directory.resolve(request.model);
    return this.#admit(request, provider, model, origin);
  }

  async #submitLarge(
    packed: PackedRequest<ChatRequest>,
    name: string | undefined,
    origin: Submitter,
  ): Promise<Submission> {
    const letGo = this.#dispatcher.reserve(origin.caller, packed.bytes);
    const { provider, model } = await this.#parts.directory.resolve(name).finally(letGo);
    return this.#admit(packed.unpack(), provider, model, origin);
  }

  #admit(request: ChatRequest, provider: ModelProvider, model: string, origin: Submitter): Submission {
    const { settings } = this.#parts;
    if (this.#closed !== undefined) throw this.#closed;
    const { conversation_id: conversationId } = request;
    const continued =
      conversationId === undefined
        ? undefined
        : this.#conversations.resume(origin.caller, conversationId, request.messages);
    const question =
      continued === undefined
        ? this.#question(request, provider, model)
        : this.#resolve({ ...request, messages: [...continued.messages] }, provider, model);
    const { ignored } = question;
    const key = this.#scopedKey(question.key, origin.caller);
    const reads = key !== undefined && origin.bypassCache !== true;
    this.#counts.total += 1;

    const kept = reads && settings.CACHE_ENABLED ? this.#cache.get(key) : undefined;
    if (kept !== undefined) {
      this.#counts.cached += 1;
      this.#lookups.hit += 1;
      if (origin.detached !== true && origin.ownForm !== true && continued === undefined)
        return { kind: 'hit', id: this.#requestId(origin), kept, ignored };
    }
    if (this.#inFlight.isFull)
      throw new AppError('queue_full', 'Too many requests are under way, and no more are taken. Try again later.');
    const id = this.#requestId(origin);
    const now = this.#parts.clock.now();
    const twin =
      kept === undefined && reads && settings.BATCH_DEDUPLICATION ? this.#inFlight.findLeader(key) : undefined;
    const run =
      twin ??
      new Generation({
        id,
        caller: origin.caller,
        group: batchGroup(provider.id, model, request.options),
        model,
        createdAt: now,
        key,
        provider,
        priority: request.priority,
        request: question.request,
        requestBytes: estimateRequestBytes(question.request),
        cached: kept !== undefined,
      });
    const ticket = new PendingRequest({
      id,
      caller: origin.caller,
      createdAt: now,
      generation: run,
      detached: origin.detached === true,
      conversation: continued?.conversation,
    });
    const messages = continued?.messages ?? request.messages;
    if (kept !== undefined) {
      this.#replay(run, kept);
      this.#inFlight.add(ticket);
      if (conversationId !== undefined) this.#keepConversation(ticket, conversationId, messages);
      return { kind: 'ticket', request: ticket, cache: 'hit', ignored };
    }
    // The run has the messages: they are not kept a second time.
    if (conversationId !== undefined)
      this.#keepConversationLater(ticket, conversationId, question.request.messages.length - messages.length);
    if (twin === undefined) {
      this.#dispatcher.ensureCapacity(run);
      this.#inFlight.registerLeader(run);
      this.#dispatcher.admit(run, now);
    } else {
      this.#counts.joined += 1;
      this.#dispatcher.raisePriority(twin, request.priority);
    }
    this.#inFlight.add(ticket);
    const cache = twin !== undefined ? 'joined' : reads && settings.CACHE_ENABLED ? 'miss' : 'bypass';
    this.#lookups[cache] += 1;
    return { kind: 'ticket', request: ticket, cache, ignored };
  }

  /** As `submit`, for the queue route: goes on without a reader, and once only for one `Idempotency-Key`. */
  enqueue(request: ChatRequest, origin: Submitter): Promise<SubmittedTicket> {
    const { caller, idempotencyKey } = origin;
    const submit = () => this.submit(request, { ...origin, detached: true }).then(withTicket);
    return idempotencyKey === undefined ? submit() : this.#submitted.once(caller, idempotencyKey, request, submit);
  }

  /** The request with this id. Throws `not_found`. */
  find(id: string, caller: string): PendingRequest {
    const ticket = this.#inFlight.find(id);
    if (ticket === undefined || !this.#mayAccess(ticket.caller, caller))
      throw new AppError(
        'not_found',
        'There is no request with this id: it was never here, or its result is no longer kept. Send the request again.',
      );
    return ticket;
  }

  /** Registers a reader of a ticket; see `InFlight.read`. */
  read(ticket: PendingRequest, onChange: () => void): () => void {
    return this.#inFlight.read(ticket, onChange);
  }

  /** Cancels a request that waits or runs. Throws `not_found`, or `already_finished`. */
  cancel(id: string, caller: string): void {
    const ticket = this.find(id, caller);
    if (ticket.finishedAt !== undefined)
      throw new AppError('already_finished', `This request has already ended: it is ${ticket.state}.`);
    const { generation: run } = ticket;
    if (this.#inFlight.cancel(ticket)) this.#dispatcher.finish(run, CANCELLED);
  }

  /** Where a ticket stands in the line. Positions count from 1; 0 is not waiting. */
  queueStatus(ticket: PendingRequest): { queue_position: number; queue_length: number; estimated_wait_time: number } {
    const { state, generation: run } = ticket;
    const standing = this.#dispatcher.queueStatus(run);
    return state === 'queued' ? standing : { ...standing, queue_position: 0, estimated_wait_time: 0 };
  }

  overview(caller: string): QueueOverview {
    const now = this.#parts.clock.now();
    const shownId = (run: Generation) => {
      for (const ticket of run.requests ?? [])
        if (this.#mayAccess(ticket.caller, caller)) return { request_id: ticket.id };
      return {};
    };
    return {
      queue_length: this.#dispatcher.queueLength,
      is_processing: this.#dispatcher.running.size > 0,
      processing: [...this.#dispatcher.running].map((run) => ({
        ...shownId(run),
        model: run.model,
        running_ms: Math.round(now - (run.startedAt ?? now)),
      })),
      pending: [...this.#dispatcher.waiting()].map(({ item, since }, index) => ({
        ...shownId(item),
        queue_position: index + 1,
        priority: item.priority,
        waiting_ms: Math.round(now - since),
      })),
      max_concurrent: this.#parts.settings.QUEUE_MAX_CONCURRENT,
      max_queue_size: this.#parts.settings.QUEUE_MAX_SIZE,
      average_processing_time_ms: Math.round(this.#dispatcher.averageMs),
    };
  }

  /** What this room knows of the statistics. */
  stats(): Omit<ServerStats, 'timestamp' | 'runner' | 'process'> {
    return {
      response_cache: this.#cache.stats(),
      conversation_cache: this.#conversations.stats(),
      batch_processor: batchStats(this.#counts, this.#dispatcher.releasedBatches),
      queue_length: this.#dispatcher.queueLength,
      is_processing: this.#dispatcher.running.size > 0,
      latency: { first_token_ms: this.#firstToken.percentiles(), total_ms: this.#total.percentiles() },
    };
  }

  /** How many entries went. */
  clearResponses(): number {
    return this.#cache.clear();
  }

  /** How many entries went. */
  clearConversations(): number {
    return this.#conversations.clear();
  }

  /**
   * Loads a model, the default where none is named, and keeps it for `keepAlive`. Throws
   * `model_load_failed` with the reason, and the fault as its cause.
   */
  async warmModel(
    name: string | undefined,
    signal: AbortSignal,
    keepAlive?: KeepAlive,
  ): Promise<{ model: string; load_duration_ms: number }> {
    try {
      const { provider, model } = await this.#parts.directory.resolve(name);
      const { load_duration_ms } = await provider.load(model, signal, keepAlive);
      return { model, load_duration_ms };
    } catch (error) {
      const fault = toAppError(error, this.#parts.log);
      throw new AppError('model_load_failed', fault.message, { cause: error });
    }
  }

  /** Ends everything that waits or runs with `shutting_down`, and takes nothing in any more. */
  close(): void {
    const fault = new AppError('shutting_down', 'The server is stopping. Send the request again in a moment.');
    this.#closed = fault;
    this.#dispatcher.close(fault);
  }

  /** What a request asks of which model. A request that is given again is not asked anew. */
  #question(request: ChatRequest, provider: ModelProvider, model: string): ResolvedRequest {
    const known = this.#questions.get(request);
    if (known !== undefined && known.provider === provider && known.request.model === model) return known;
    const question = this.#resolve(request, provider, model);
    this.#questions.set(request, question);
    return question;
  }

  #resolve(request: ChatRequest, provider: ModelProvider, model: string): ResolvedRequest {
    const asked = toModelRequest(request, model, this.#parts.settings.OLLAMA_SYSTEM_PROMPT);
    const ignored = provider.checkFieldSupport?.(asked) ?? NO_FIELDS;
    return { provider, request: asked, ignored, key: request.use_cache ? cacheKey(provider.id, asked) : undefined };
  }

  /** A cache key, of this caller alone where answers are not shared. */
  #scopedKey(key: string | undefined, caller: string): string | undefined {
    return key === undefined || this.#parts.settings.CACHE_SCOPE === 'all' ? key : `${key} ${caller}`;
  }

  /** The id that was wished for, unless another request has it. */
  #requestId({ id, isIdGiven }: Submitter): string {
    return id === undefined || (isIdGiven !== false && this.#inFlight.find(id) !== undefined) ? randomUUID() : id;
  }

  #mayAccess(owner: string, caller: string): boolean {
    return owner === caller || this.#parts.settings.API_KEYS.length === 0;
  }

  #replay(run: Generation, kept: CachedResponse): void {
    const answer = kept.toResponse();
    run.state = 'completed';
    run.startedAt = run.firstTokenAt = run.finishedAt = run.createdAt;
    run.request = undefined;
    run.response = answer;
    if (answer.logprobs !== undefined) run.log.append({ type: 'logprobs', logprobs: answer.logprobs });
    if (answer.thinking !== '') run.log.append({ type: 'thinking', text: answer.thinking });
    if (answer.content !== '') run.log.append({ type: 'content', text: answer.content });
    if (answer.tool_calls.length > 0) run.log.append({ type: 'tool_calls', tool_calls: answer.tool_calls });
    const { done_reason, usage, durations } = answer;
    run.log.append({ type: 'done', done_reason, usage, durations });
  }

  #storeResponse(run: Generation, answer: CompletedResponse): void {
    if (run.key !== undefined && this.#parts.settings.CACHE_ENABLED && isCacheable(answer))
      this.#cache.set(run.key, answer);
    this.#total.add((run.finishedAt ?? run.createdAt) - run.createdAt);
    if (run.firstTokenAt !== undefined) this.#firstToken.add(run.firstTokenAt - run.createdAt);
  }

  /**
   * Keeps the conversation as soon as its answer is complete. `added` system messages stand in
   * front of the caller's own.
   */
  #keepConversationLater(ticket: PendingRequest, id: string, added: number): void {
    const { generation: run } = ticket;
    run.log.listen(() => {
      if (run.log.ended && run.request !== undefined)
        this.#keepConversation(ticket, id, run.request.messages.slice(added));
    });
  }

  /** Keeps a conversation whose answer is complete. */
  #keepConversation(
    { generation: run, caller, cancelledAt }: PendingRequest,
    id: string,
    messages: readonly Message[],
  ): void {
    if (run.response === undefined || cancelledAt !== undefined) return;
    const { content, tool_calls } = run.response;
    const asked = tool_calls.length === 0 ? {} : { tool_calls };
    this.#conversations.store(caller, id, [...messages, { role: 'assistant', content, ...asked }]);
  }
}

function withTicket(submission: Submission): SubmittedTicket {
  if (submission.kind === 'hit') throw new Error('a detached request always has a ticket');
  return submission;
}

/** An answer that ran into a token limit is not a complete one, and one that says nothing helps nobody. */
function isCacheable({ done_reason, content, tool_calls }: CompletedResponse): boolean {
  return (done_reason === 'stop' || done_reason === 'tool_calls') && (content !== '' || tool_calls.length > 0);
}

/** One for all: what was cancelled may be kept in tens of thousands, and a fault with its stack is as large as the rest of it. */
const CANCELLED = { type: 'error', fault: new AppError('cancelled', 'The request was cancelled.') } as const;
const ABANDONED = {
  type: 'error',
  fault: new AppError('cancelled', 'Nobody was waiting for the answer any more.'),
} as const;
