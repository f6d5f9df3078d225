import { randomUUID } from 'node:crypto';
import type { AnswerEvent, StatusEvent } from '#lib/chat/answer-log';
import { cacheKey } from '#lib/chat/cache-key';
import type { FinishedAnswer } from '#lib/chat/chat-events';
import type { Clock } from '#lib/chat/clock';
import { Conversations } from '#lib/chat/conversations';
import { IdempotencyKeys } from '#lib/chat/idempotency';
import { InFlight, Run, Ticket } from '#lib/chat/in-flight';
import { AGEING_MS_PER_LEVEL, WaitingQueue } from '#lib/chat/queue';
import { batchGroup, toModelRequest } from '#lib/chat/request';
import { type KeptAnswer, ResponseCache } from '#lib/chat/response-cache';
import { batchStats, RecentValues, RunTimes } from '#lib/chat/stats';
import type { Config } from '#lib/config/index';
import { Fault } from '#lib/fault';
import type { ModelEvent, ModelProvider, ModelRequest } from '#lib/models/provider';
import type { Log } from '#lib/observe/log';
import type { Metrics } from '#lib/observe/metrics';
import type { CacheHeader, ChatRequest, Message, QueueOverview } from '#lib/wire/chat';
import type { Stats } from '#lib/wire/stats';

/** How long a provider may take to let go of an aborted call before its slot is given to the next anyway. */
const ABORT_PATIENCE_MS = 5_000;
const BYTES_PER_MB = 1024 * 1024;

export interface ChatEngineParts {
  settings: Config;
  directory: Directory;
  clock: Clock;
  metrics: Metrics;
  log: Log;
  /** How a provider is called: with retries, breaker and timeouts around it. */
  call(provider: ModelProvider, request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

export interface Directory {
  /** Throws a `Fault` where there is no such model or nobody to ask. */
  resolve(model: string | undefined): Promise<{ provider: ModelProvider; model: string }>;
}

/** Who asks, and how. */
export interface Origin {
  caller: string;
  /** The id that the request gets, where it is free. */
  id?: string | undefined;
  /** Do not read the cache, nor join a twin; do store the answer. */
  fresh?: boolean;
  /** Goes on to its end without any reader. */
  detached?: boolean;
  /** The caller writes answers in a form of its own: a hit, too, is given as a ticket. */
  ownForm?: boolean;
  idempotencyKey?: string | undefined;
}

/** A hit is given as it is kept; everything else is a ticket whose run has, or will have, the answer. */
export type Submission = { kind: 'hit'; id: string; kept: KeptAnswer } | SubmittedTicket;
export interface SubmittedTicket {
  kind: 'ticket';
  ticket: Ticket;
  cache: CacheHeader;
}

/** A request as its model gets it; `key` is undefined where the answer is not to be cached. */
interface Question {
  provider: ModelProvider;
  request: ModelRequest;
  key: string | undefined;
}

/**
 * The way of a chat request (SPEC 2.1): response cache, single flight, queue with batches, model. Everything that follows
 * the choice of a model happens in one turn of the event loop, so that no two identical requests can miss one another.
 */
export class ChatEngine {
  readonly #parts: ChatEngineParts;
  readonly #cache: ResponseCache;
  readonly #conversations: Conversations;
  readonly #inFlight: InFlight;
  readonly #queue: WaitingQueue<Run>;
  readonly #submitted: IdempotencyKeys<SubmittedTicket>;
  readonly #running = new Set<Run>();
  /** Runs that wait and have a reader, who is told of every new position. */
  readonly #watched = new Set<Run>();
  readonly #runTimes: RunTimes;
  readonly #questions = new WeakMap<ChatRequest, Question>();
  readonly #lookups: Record<CacheHeader, { inc(): void }>;
  readonly #firstToken = new RecentValues();
  readonly #total = new RecentValues();
  readonly #counts = { total: 0, cached: 0, joined: 0 };
  #positionsStale = false;
  #closed: Fault | undefined;

  constructor(parts: ChatEngineParts) {
    const { settings, clock } = parts;
    const resultTtlMs = settings.QUEUE_RESULT_TTL_SECONDS * 1000;
    const { cacheLookups } = parts.metrics;
    this.#parts = parts;
    this.#lookups = {
      hit: cacheLookups.labels('hit'),
      miss: cacheLookups.labels('miss'),
      joined: cacheLookups.labels('joined'),
      bypass: cacheLookups.labels('bypass'),
    };
    this.#cache = new ResponseCache(
      { maxBytes: settings.CACHE_MAX_SIZE_MB * BYTES_PER_MB, ttlMs: settings.CACHE_TTL_SECONDS * 1000 },
      clock,
    );
    this.#conversations = new Conversations(
      {
        maxBytes: settings.CONVERSATION_CACHE_MAX_SIZE_MB * BYTES_PER_MB,
        ttlMs: settings.CONVERSATION_CACHE_TTL_SECONDS * 1000,
      },
      clock,
    );
    this.#inFlight = new InFlight({ graceMs: settings.DISCONNECT_GRACE_MS, resultTtlMs }, clock, {
      onRead: (run) => this.#watch(run),
      onUnread: (run) => {
        if (run.wanted === 0) this.#watched.delete(run);
      },
      onAbandoned: (run) => this.#end(run, cancelled('Nobody was waiting for the answer any more.')),
    });
    this.#queue = new WaitingQueue({
      maxSize: settings.QUEUE_MAX_SIZE,
      ageingMsPerLevel: AGEING_MS_PER_LEVEL,
      batch: { maxSize: settings.BATCH_MAX_SIZE, timeoutMs: settings.BATCH_TIMEOUT_MS },
    });
    this.#submitted = new IdempotencyKeys(resultTtlMs, clock);
    this.#runTimes = new RunTimes(settings.QUEUE_ESTIMATED_TIME_PER_REQUEST_MS);
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  /**
   * Takes a request in. Throws the directory's faults, `queue_full`, `shutting_down`, and `idempotency_conflict`.
   * A ticket that nobody reads is cancelled after the grace, unless it is detached.
   */
  async submit(request: ChatRequest, origin: Origin): Promise<Submission> {
    const { settings } = this.#parts;
    if (this.#closed !== undefined) throw this.#closed;
    const { provider, model } = await this.#parts.directory.resolve(request.model);
    const { conversation_id: conversationId } = request;
    const continued =
      conversationId === undefined
        ? undefined
        : this.#conversations.resume(origin.caller, conversationId, request.messages);
    const question =
      continued === undefined
        ? this.#question(request, provider, model)
        : this.#askAnew({ ...request, messages: [...continued.messages] }, provider, model);
    const { key } = question;
    const reads = key !== undefined && origin.fresh !== true;
    this.#counts.total += 1;

    const kept = reads && settings.CACHE_ENABLED ? this.#cache.get(key) : undefined;
    if (kept !== undefined) {
      this.#counts.cached += 1;
      this.#lookups.hit.inc();
      if (origin.detached !== true && origin.ownForm !== true && continued === undefined)
        return { kind: 'hit', id: origin.id ?? randomUUID(), kept };
    }
    const id = this.#newId(origin.id);
    const now = this.#parts.clock.now();
    const twin = kept === undefined && reads && settings.BATCH_DEDUPLICATION ? this.#inFlight.sharing(key) : undefined;
    const run =
      twin ??
      new Run({
        id,
        caller: origin.caller,
        group: batchGroup(provider.id, model, request.options),
        model,
        createdAt: now,
        key,
        provider,
        priority: request.priority,
        request: question.request,
        cached: kept !== undefined,
      });
    const ticket = new Ticket({
      id,
      caller: origin.caller,
      createdAt: now,
      run,
      detached: origin.detached === true,
      conversation: continued?.conversation,
    });
    if (conversationId !== undefined)
      this.#keepConversation(ticket, conversationId, continued?.messages ?? request.messages);
    if (kept !== undefined) {
      this.#replay(run, kept);
      this.#inFlight.add(ticket);
      return { kind: 'ticket', ticket, cache: 'hit' };
    }
    if (twin !== undefined) this.#join(twin, request.priority, now);
    else this.#admit(run, now);
    this.#inFlight.add(ticket);
    const cache = twin !== undefined ? 'joined' : reads && settings.CACHE_ENABLED ? 'miss' : 'bypass';
    this.#lookups[cache].inc();
    return { kind: 'ticket', ticket, cache };
  }

  /** As `submit`, for the queue route: goes on without a reader, and once only for one `Idempotency-Key`. */
  enqueue(request: ChatRequest, origin: Origin): Promise<SubmittedTicket> {
    const submit = async () => {
      const submission = await this.submit(request, { ...origin, detached: true });
      if (submission.kind === 'hit') throw new Error('a detached request always has a ticket');
      return submission;
    };
    return origin.idempotencyKey === undefined
      ? submit()
      : this.#submitted.once(origin.caller, origin.idempotencyKey, request, submit);
  }

  /** The request with this id. Throws `not_found`. */
  find(id: string, caller: string): Ticket {
    const ticket = this.#inFlight.find(id);
    if (ticket === undefined || !this.#mayKnow(ticket.caller, caller))
      throw new Fault(
        'not_found',
        'There is no request with this id: it was never here, or its result is no longer kept. Send the request again.',
      );
    return ticket;
  }

  /** Registers a reader of a ticket; see `InFlight.read`. */
  read(ticket: Ticket, onChange: () => void): () => void {
    return this.#inFlight.read(ticket, onChange);
  }

  /** Cancels a request that waits or runs. Throws `not_found`, or `already_finished`. */
  cancel(id: string, caller: string): void {
    const ticket = this.find(id, caller);
    if (ticket.finishedAt !== undefined)
      throw new Fault('already_finished', `This request has already ended: it is ${ticket.state}.`);
    const { run } = ticket;
    if (this.#inFlight.cancel(ticket)) this.#end(run, cancelled('The request was cancelled.'));
  }

  /** Where a ticket stands in the line. Positions count from 1; 0 is not waiting. */
  standing(ticket: Ticket): { queue_position: number; queue_length: number; estimated_wait_time: number } {
    const waits = ticket.state === 'queued';
    const position = waits ? (this.#queue.position(ticket.run.id, this.#parts.clock.now()) ?? 0) : 0;
    return {
      queue_position: position,
      queue_length: this.#queue.size,
      estimated_wait_time: this.#estimateMs(ticket.run, position),
    };
  }

  overview(caller: string): QueueOverview {
    const now = this.#parts.clock.now();
    const shownId = (run: Run) => {
      for (const ticket of run.tickets) if (this.#mayKnow(ticket.caller, caller)) return { request_id: ticket.id };
      return {};
    };
    return {
      queue_length: this.#queue.size,
      is_processing: this.#running.size > 0,
      processing: [...this.#running].map((run) => ({
        ...shownId(run),
        model: run.model,
        running_ms: Math.round(now - (run.startedAt ?? now)),
      })),
      pending: [...this.#queue.waiting(now)].map(({ item, since }, index) => ({
        ...shownId(item),
        queue_position: index + 1,
        priority: item.priority,
        waiting_ms: Math.round(now - since),
      })),
      max_concurrent: this.#parts.settings.QUEUE_MAX_CONCURRENT,
      max_queue_size: this.#parts.settings.QUEUE_MAX_SIZE,
      average_processing_time_ms: Math.round(this.#runTimes.averageMs),
    };
  }

  /** What this room knows of SPEC 2.3. */
  stats(): Omit<Stats, 'timestamp' | 'runner' | 'process'> {
    return {
      response_cache: this.#cache.stats(),
      conversation_cache: this.#conversations.stats(),
      batch_processor: batchStats(this.#counts, this.#queue.released),
      queue_length: this.#queue.size,
      is_processing: this.#running.size > 0,
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

  /** Loads a model, the default where none is named. Throws `model_load_failed` with the reason. */
  async warm(name: string | undefined, signal: AbortSignal): Promise<{ model: string; load_duration_ms: number }> {
    try {
      const { provider, model } = await this.#parts.directory.resolve(name);
      const { load_duration_ms } = await provider.load(model, signal);
      return { model, load_duration_ms };
    } catch (error) {
      const fault = this.#toFault(error);
      throw new Fault('model_load_failed', fault.message, { cause: error });
    }
  }

  /** Ends everything that waits or runs with `shutting_down`, and takes nothing in any more. */
  close(): void {
    const fault = new Fault('shutting_down', 'The server is stopping. Try again in a moment.');
    this.#closed = fault;
    const waiting = [...this.#queue.waiting(this.#parts.clock.now())].map(({ item }) => item);
    for (const run of [...waiting, ...this.#running]) this.#end(run, { type: 'error', fault });
  }

  /** What a request asks of which model. A request that is given again is not asked anew. */
  #question(request: ChatRequest, provider: ModelProvider, model: string): Question {
    const known = this.#questions.get(request);
    if (known !== undefined && known.provider === provider && known.request.model === model) return known;
    const question = this.#askAnew(request, provider, model);
    this.#questions.set(request, question);
    return question;
  }

  #askAnew(request: ChatRequest, provider: ModelProvider, model: string): Question {
    const asked = toModelRequest(request, model, this.#parts.settings.OLLAMA_SYSTEM_PROMPT);
    return { provider, request: asked, key: request.use_cache ? cacheKey(provider.id, asked) : undefined };
  }

  #newId(wanted: string | undefined): string {
    return wanted !== undefined && this.#inFlight.find(wanted) === undefined ? wanted : randomUUID();
  }

  #mayKnow(owner: string, caller: string): boolean {
    return owner === caller || this.#parts.settings.API_KEYS.length === 0;
  }

  #join(run: Run, priority: number, now: number): void {
    this.#counts.joined += 1;
    if (priority <= run.priority) return;
    this.#queue.raise(run.id, priority - run.priority, now);
    run.priority = priority;
    this.#movePositions();
  }

  /** Starts a run where a slot is free, which is only so where nothing waits; else puts it in line. */
  #admit(run: Run, now: number): void {
    const { settings } = this.#parts;
    const starts = this.#running.size < settings.QUEUE_MAX_CONCURRENT;
    if (!starts && !this.#queue.add(run, now))
      throw new Fault(
        'queue_full',
        `${settings.QUEUE_MAX_SIZE} requests are already waiting, and no more are taken. Try again later.`,
        { retryAfterSeconds: Math.ceil(this.#runTimes.averageMs / 1000 / settings.QUEUE_MAX_CONCURRENT) },
      );
    this.#inFlight.share(run);
    if (starts) {
      this.#queue.pass();
      this.#start(run);
    } else this.#movePositions();
  }

  #replay(run: Run, kept: KeptAnswer): void {
    const answer = kept.answer();
    run.state = 'completed';
    run.startedAt = run.firstTokenAt = run.finishedAt = run.createdAt;
    run.request = undefined;
    run.answer = answer;
    if (answer.thinking !== '') run.log.append({ type: 'thinking', text: answer.thinking });
    if (answer.content !== '') run.log.append({ type: 'content', text: answer.content });
    if (answer.tool_calls.length > 0) run.log.append({ type: 'tool_calls', tool_calls: answer.tool_calls });
    run.log.append({ type: 'done', done_reason: answer.done_reason, usage: answer.usage });
  }

  #start(run: Run): void {
    run.state = 'running';
    run.startedAt = this.#parts.clock.now();
    this.#watched.delete(run);
    this.#running.add(run);
    this.#parts.metrics.activeStreams.set(this.#running.size);
    run.log.append({
      type: 'status',
      status: 'processing',
      queue_position: 0,
      queue_length: this.#queue.size,
      estimated_wait_time: 0,
    });
    void this.#execute(run);
  }

  async #execute(run: Run): Promise<void> {
    try {
      await this.#consume(run);
    } catch (error) {
      this.#end(run, { type: 'error', fault: this.#toFault(error) });
    }
    this.#release(run);
  }

  /** Reads the provider to its end, also past `done`, so that its connection can be used again. */
  async #consume(run: Run): Promise<void> {
    const { call, clock } = this.#parts;
    if (run.request === undefined) return;
    for await (const event of call(run.provider, run.request, run.abort.signal)) {
      if (run.finishedAt !== undefined) continue;
      if (event.type === 'done') this.#end(run, event);
      else if (event.type === 'tool_calls' || event.text !== '') {
        run.firstTokenAt ??= clock.now();
        run.log.append(event);
      }
    }
    if (run.finishedAt === undefined)
      throw new Fault('upstream_truncated', 'The model server ended the answer before it was complete. Try again.');
  }

  /** Ends a run that waits or runs; the first end counts. */
  #end(run: Run, event: Extract<AnswerEvent, { type: 'done' | 'error' }>): void {
    if (run.finishedAt !== undefined) return;
    const { clock, metrics } = this.#parts;
    const now = clock.now();
    run.finishedAt = now;
    this.#watched.delete(run);
    if (event.type === 'done') {
      run.state = 'completed';
      this.#complete(run, event, now);
    } else run.state = event.fault.code === 'cancelled' ? 'cancelled' : 'failed';
    if (run.startedAt !== undefined) metrics.answer.observe({ outcome: run.state }, (now - run.startedAt) / 1000);
    run.log.append(event);
    this.#inFlight.settle(run);
    if (this.#running.has(run)) {
      if (event.type === 'done') return;
      run.abort.abort(event.fault);
      run.endPatience ??= clock.after(ABORT_PATIENCE_MS, () => this.#release(run));
    } else if (this.#queue.remove(run.id) !== undefined) this.#movePositions();
  }

  #complete(run: Run, done: Extract<AnswerEvent, { type: 'done' }>, now: number): void {
    const { metrics, settings } = this.#parts;
    const { done_reason, usage } = done;
    const answer = {
      content: run.log.text('content'),
      thinking: run.log.text('thinking'),
      tool_calls: run.log.toolCalls(),
      model: run.model,
      done_reason,
      usage,
    };
    run.answer = answer;
    if (run.key !== undefined && settings.CACHE_ENABLED && isWorthKeeping(answer)) this.#cache.set(run.key, answer);
    const startedAt = run.startedAt ?? now;
    this.#runTimes.add(run.model, now - startedAt);
    this.#total.add(now - run.createdAt);
    metrics.tokens.inc({ kind: 'prompt' }, usage.prompt_tokens);
    metrics.tokens.inc({ kind: 'completion' }, usage.completion_tokens);
    if (run.firstTokenAt === undefined) return;
    this.#firstToken.add(run.firstTokenAt - run.createdAt);
    metrics.firstToken.observe((run.firstTokenAt - startedAt) / 1000);
  }

  /** Gives a run's slot to the next in line. */
  #release(run: Run): void {
    run.endPatience?.();
    if (!this.#running.delete(run)) return;
    const { clock, metrics, settings } = this.#parts;
    metrics.activeStreams.set(this.#running.size);
    while (this.#running.size < settings.QUEUE_MAX_CONCURRENT) {
      const next = this.#queue.take(clock.now());
      if (next === undefined) break;
      this.#start(next);
    }
    this.#movePositions();
  }

  /** Once for all that changes in this turn of the event loop: tells the readers of waiting runs where they stand now. */
  #movePositions(): void {
    this.#parts.metrics.queueLength.set(this.#queue.size);
    if (this.#positionsStale || this.#watched.size === 0) return;
    this.#positionsStale = true;
    queueMicrotask(() => {
      this.#positionsStale = false;
      for (const run of this.#watched) this.#tellPosition(run);
    });
  }

  #watch(run: Run): void {
    if (run.state !== 'queued') return;
    this.#watched.add(run);
    this.#tellPosition(run);
  }

  #tellPosition(run: Run): void {
    const position = this.#queue.position(run.id, this.#parts.clock.now());
    if (position === undefined || position === run.log.status?.queue_position) return;
    const status: StatusEvent = {
      type: 'status',
      status: 'queued',
      queue_position: position,
      queue_length: this.#queue.size,
      estimated_wait_time: this.#estimateMs(run, position),
    };
    run.log.append(status);
  }

  #estimateMs(run: Run, position: number): number {
    return this.#runTimes.estimateMs(run.model, position, this.#parts.settings.QUEUE_MAX_CONCURRENT);
  }

  /** Keeps the conversation as soon as its answer is complete. */
  #keepConversation(ticket: Ticket, id: string, messages: readonly Message[]): void {
    const { run, caller } = ticket;
    const keep = () => {
      if (run.answer === undefined || ticket.cancelledAt !== undefined) return;
      const { content, tool_calls } = run.answer;
      const asked = tool_calls.length === 0 ? {} : { tool_calls };
      this.#conversations.keep(caller, id, [...messages, { role: 'assistant', content, ...asked }]);
    };
    run.log.listen(() => {
      if (run.log.ended) keep();
    });
  }

  #toFault(error: unknown): Fault {
    if (Fault.is(error)) return error;
    this.#parts.log.error({ err: error }, 'a model call failed unexpectedly');
    return new Fault('internal_error', 'Something went wrong inside the server. The log has the details.', {
      cause: error,
    });
  }
}

/** An answer that ran into a token limit is not a complete one, and one that says nothing helps nobody. */
function isWorthKeeping({ done_reason, content, tool_calls }: FinishedAnswer): boolean {
  return (done_reason === 'stop' || done_reason === 'tool_calls') && (content !== '' || tool_calls.length > 0);
}

function cancelled(message: string): { type: 'error'; fault: Fault } {
  return { type: 'error', fault: new Fault('cancelled', message) };
}
