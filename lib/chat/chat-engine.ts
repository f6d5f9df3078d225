import { randomUUID } from 'node:crypto';
import {
  bodyCacheMode,
  type CacheControl,
  type CachePolicy,
  type CacheReaders,
  cachePolicy,
  hasDeterministicSampling,
  restrictPolicy,
} from '#lib/chat/cache/cache-policy';
import { ConversationCache } from '#lib/chat/cache/conversation-cache';
import { type CachedResponse, ResponseCache } from '#lib/chat/cache/response-cache';
import { batchStats, type ChatCounters } from '#lib/chat/chat-stats';
import type { Clock } from '#lib/chat/clock';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { Generation, type GenerationContext } from '#lib/chat/generation/generation';
import { recordGenerationMetrics, recordGenerationSpans } from '#lib/chat/generation/generation-telemetry';
import { IdempotencyKeys } from '#lib/chat/generation/idempotency-keys';
import { InFlight } from '#lib/chat/generation/in-flight';
import { ArrivingRequest, estimateRequestBytes } from '#lib/chat/generation/packed-request';
import { type ConversationTurn, PendingRequest } from '#lib/chat/generation/pending-request';
import { toAppError } from '#lib/chat/model-error';
import { batchGroup } from '#lib/chat/model-request';
import { type ResolvedRequest, resolveRequest } from '#lib/chat/request-resolver';
import { modelServerStats } from '#lib/chat/scheduler/model-server-stats';
import { prefixKey } from '#lib/chat/scheduler/prefix-affinity';
import { queueOverview } from '#lib/chat/scheduler/queue-overview';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import { Scheduler, type SchedulerOptions } from '#lib/chat/scheduler/scheduler';
import { type RunnableTask, Task, type TaskContext, type TaskWork } from '#lib/chat/scheduler/task';
import { type TokenCount, TokenCounter } from '#lib/chat/token-counter';
import { AppError } from '#lib/errors';
import { HTTP_STATUS_BY_CODE } from '#lib/http/errors';
import { isSameTaggedModel } from '#lib/models/model-name';
import type { ResolvedModel, RouteTarget } from '#lib/models/model-route';
import type { KeepAlive, ModelProvider } from '#lib/models/provider';
import type { ModelServers } from '#lib/models/servers';
import { PercentileWindow } from '#lib/telemetry/percentiles';
import { MIB } from '#lib/units';
import type { CacheHeader, CacheMode, ChatRequest, Message } from '#lib/wire/chat';
import type { CancelledBy, QueueOverview } from '#lib/wire/chat-queue';
import type { Completion } from '#lib/wire/completion';
import type { ModelServerStats, ServerStats } from '#lib/wire/server-stats';

/** A larger request does not wait as an object while its model is resolved. */
const LARGE_REQUEST_BYTES = 64 * 1024;

export interface ChatEngineOptions extends SchedulerOptions {
  directory: ModelResolver;
}

export interface ModelResolver {
  /** The model servers in use; undefined if each provider is its own. */
  readonly servers?: ModelServers;
  /** Throws an `AppError` if there is no such model or no model server is reachable. */
  resolve(model: string | undefined): Promise<ResolvedModel>;
  /** Like `resolve`, at once. Undefined if that takes I/O, or if `resolve` is to throw. */
  resolveKnown?(model: string | undefined): ResolvedModel | undefined;
}

/** The caller of a request, and its wishes about delivery. */
export interface Submitter {
  caller: string;
  /** The id for the request, unless another one has it. */
  id?: string | undefined;
  /** The id was chosen by the client, and may be in use. */
  isIdGiven?: boolean;
  /** Whose rule for the cache holds; `pages` if absent. */
  readsCache?: CacheReaders;
  /** The cache policy of the request's headers, for a body that names none. */
  cacheMode?: CacheMode | undefined;
  cacheControl?: CacheControl | undefined;
  /** Whether unsupported fields are dropped, of the request's headers. */
  dropParams?: boolean | undefined;
  idempotencyKey?: string | undefined;
  /** Size of the request's body, if known. */
  bodyBytes?: number | undefined;
  /** Called if the response may be cached, and the request stands alone. Must not throw. */
  onKey?: (keyed: KeyedRequest) => void;
}

/** A request of work for a model server that is no chat generation. */
export interface TaskRequest {
  readonly caller: string;
  /** As in a chat request. @default 0 */
  readonly priority?: number | undefined;
  /** Undefined is the default model. */
  readonly model: string | undefined;
  /**
   * Resolved before, with the model server's own name in `model`. Of several servers of its kind
   * that have the model, each may be chosen.
   */
  readonly provider?: ModelProvider | undefined;
  /** With `provider`: bounds the choice to these servers. */
  readonly targets?: readonly RouteTarget[] | undefined;
  /**
   * Whether the work may be called again, with another provider, after a failure that is no fault
   * of the request. @default false
   */
  readonly isRepeatable?: boolean | undefined;
  /** Memory of the request while it waits or runs. */
  readonly bytes: number;
  /** The caller's: its abort ends the task, waiting or running. */
  readonly signal: AbortSignal;
}

/** A request without its messages, which has the same bytes as one that came before. */
export interface KeyedRequest {
  readonly requestedModel: string | undefined;
  /** What `requestedModel` stood for. */
  readonly provider: ModelProvider;
  readonly model: string;
  /** Of the cache. Holds for this provider and model only. */
  readonly key: string;
  /** The cache policy that the body names. */
  readonly cacheMode: CacheMode | undefined;
  /** The policy without headers of the request. */
  readonly policy: CachePolicy;
  readonly isDeterministic: boolean;
  readonly ignoredFields: readonly string[];
  readonly droppedFields: readonly string[];
}

/** A request after the choice of its model. */
interface Admission {
  readonly submitter: Submitter;
  readonly detached: boolean;
  readonly priority: number;
  readonly resolved: ResolvedRequest;
  /** Undefined if the request neither reads the cache nor joins another generation. */
  readonly lookupKey: string | undefined;
  readonly storeKey: string | undefined;
  readonly resumed: ResumedRequest | undefined;
}

/** A request with all messages of its conversation. */
interface ResumedRequest {
  readonly request: ChatRequest;
  readonly id: string;
  readonly state: ConversationTurn['state'];
}

/**
 * The path of a chat request: response cache, single flight, queue with batches, model. Everything
 * from the choice of a model to joining a leader happens in one turn of the event loop, so that no
 * two identical requests can miss each other.
 */
export class ChatEngine {
  readonly #options: ChatEngineOptions;
  readonly #cache: ResponseCache;
  readonly #conversations: ConversationCache;
  readonly #inFlight: InFlight;
  readonly #scheduler: Scheduler;
  readonly #idempotencyKeys: IdempotencyKeys;
  readonly #generationContext: GenerationContext;
  readonly #taskContext: TaskContext;
  readonly #tokenCounter = new TokenCounter();
  readonly #lookups: Record<CacheHeader, number>;
  readonly #firstToken = new PercentileWindow();
  readonly #total = new PercentileWindow();
  /** Requests with a model; `#unresolved` counts those that got none. */
  #requestCount = 0;
  /** Embeddings and passed-on requests, as the model servers get them. */
  #taskCount = 0;
  #unresolved = 0;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #closed: AppError | undefined;

  constructor(options: ChatEngineOptions) {
    const { settings, clock, metrics } = options;
    this.#options = options;
    this.#lookups = metrics.cacheLookups;
    this.#cache = new ResponseCache(
      { maxBytes: settings.CACHE_MAX_SIZE_MB * MIB, ttlMs: settings.CACHE_TTL_SECONDS * 1000 },
      clock,
    );
    this.#conversations = new ConversationCache(
      {
        maxBytes: settings.CONVERSATION_CACHE_MAX_SIZE_MB * MIB,
        ttlMs: settings.CONVERSATION_CACHE_TTL_SECONDS * 1000,
      },
      clock,
    );
    this.#inFlight = new InFlight(settings.QUEUE_RESULT_TTL_SECONDS * 1000, clock);
    this.#scheduler = new Scheduler(options, options.directory.servers);
    this.#idempotencyKeys = new IdempotencyKeys((id) => this.#inFlight.find(id));
    this.#generationContext = {
      clock,
      graceMs: settings.DISCONNECT_GRACE_MS,
      onDone: (generation) => this.#handleDone(generation),
    };
    this.#taskContext = {
      clock,
      maxRunMs: settings.UPSTREAM_TOTAL_TIMEOUT_MS,
      onDone: (task) => this.#handleTaskDone(task),
    };
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Memory of the waiting requests; bounded by QUEUE_MAX_MB. */
  get waitingBytes(): number {
    return this.#scheduler.waitingBytes;
  }

  /**
   * Accepts a request. It is cancelled when no reader registers within the grace period. A cached
   * response comes with its ready bodies, and is not registered as a result.
   * Throws the resolver's errors, `queue_full` and `shutting_down`.
   *
   * The engine keeps no reference to `request` while it waits for anything; a caller that keeps
   * none either makes sure that waiting requests are outside the heap.
   */
  submit(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    return this.#submit(request, submitter, false);
  }

  /**
   * Like `submit`, for a request whose response is cached. Undefined if it is not, or for another
   * model by now: `submit` is called with the whole request then, and throws what is to be thrown.
   */
  submitKeyed(keyed: KeyedRequest, submitter: Submitter): PendingRequest | undefined {
    if (this.#closed !== undefined) return undefined;
    const { directory, settings } = this.#options;
    if (!this.#effectivePolicy(keyed, submitter).reads || !settings.CACHE_ENABLED) return undefined;
    const resolved = directory.resolveKnown?.(keyed.requestedModel);
    if (resolved?.provider.id !== keyed.provider.id || resolved.model !== keyed.model) return undefined;
    const key = this.#scopedKey(keyed.key, submitter.caller);
    // A miss is counted by `submit`.
    const cached = key !== undefined && this.#cache.has(key) ? this.#lookUp(key, submitter) : undefined;
    if (cached === undefined) return undefined;
    this.#requestCount += 1;
    this.#lookups.hit += 1;
    return this.#serveCached(cached, keyed, submitter, false, undefined);
  }

  /**
   * Like `submit`, for the queue route: the request runs without a reader, its result can be
   * looked up by id, and an `Idempotency-Key` is honoured. Throws `idempotency_conflict` as well.
   */
  enqueue(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    const { caller, idempotencyKey } = submitter;
    const submit = () => this.#submit(request, submitter, true);
    return idempotencyKey === undefined
      ? submit()
      : this.#idempotencyKeys.once(caller, idempotencyKey, request, submit);
  }

  /**
   * Runs `work` in a slot of the model's server. It waits in the same line as chat requests, within
   * the same bounds. Resolves with what `work` returns. Throws its error, the resolver's errors,
   * `queue_full`, `shutting_down`, `upstream_timeout` after UPSTREAM_TOTAL_TIMEOUT_MS, or the
   * reason of `signal`. In each case the signal of `work` is aborted, and its slot is freed when
   * `work` settles, or a few seconds after the abort.
   */
  async runTask<T>(request: TaskRequest, work: TaskWork<T>): Promise<T> {
    if (this.#closed !== undefined) throw this.#closed;
    const { caller, priority = 0, isRepeatable = false, bytes, signal } = request;
    signal.throwIfAborted();
    const { provider, model, targets } = await this.#resolveTask(request);
    if (this.#closed !== undefined) throw this.#closed;
    signal.throwIfAborted();
    const group = batchGroup(provider.id, model, {});
    const task = new Task(
      { caller, priority, group, model, provider, targets, isRepeatable, bytes, signal, work },
      this.#taskContext,
    );
    this.#taskCount += 1;
    try {
      const lane = this.#scheduler.ensureCapacity(task);
      this.#scheduler.admit(task, lane, this.clock.now());
    } catch (error) {
      task.dispose();
      throw this.#countRefusal(error);
    }
    return await task.result;
  }

  /** The request with this id. Throws `not_found`. */
  find(id: string, caller: string): PendingRequest {
    const request = this.#inFlight.find(id);
    if (request === undefined || !this.#mayAccess(request.caller, caller))
      throw new AppError('not_found', 'No request has this id, or its result has expired. Send the request again.');
    return request;
  }

  /** Registers a reader of a request; see `PendingRequest.addReader`. */
  read(request: PendingRequest, onChange: () => void): () => void {
    const unregister = request.addReader(onChange);
    if (request.state === 'queued') this.#scheduler.watchPosition(request.generation);
    return unregister;
  }

  /** Cancels a request that waits or runs. Throws `not_found`, or `already_finished`. */
  cancel(id: string, caller: string, by: CancelledBy = 'user'): void {
    const request = this.find(id, caller);
    if (request.finishedAt !== undefined)
      throw new AppError('already_finished', `This request has already ended (${request.state}).`);
    this.#cancelled += 1;
    this.#inFlight.cancel(request, by);
  }

  queueStatus({ state, generation }: PendingRequest): QueueStanding {
    const status = this.#scheduler.queueStatus(generation);
    return state === 'queued' ? status : { ...status, queue_position: 0, estimated_wait_time: 0 };
  }

  overview(caller: string): QueueOverview {
    const { clock, settings } = this.#options;
    return queueOverview(this.#scheduler, settings, clock.now(), (owner) => this.#mayAccess(owner, caller));
  }

  /** Reads in the background what the model servers have loaded, if that was not done lately. */
  refreshModelServers(): void {
    this.#options.directory.servers?.refreshIfOld();
  }

  /** The model servers in use, with their work and their figures. */
  modelServers(): ModelServerStats[] {
    return (this.#options.directory.servers?.all ?? []).map((server) =>
      modelServerStats(server, this.#scheduler.laneOf(server)),
    );
  }

  stats(): Omit<ServerStats, 'timestamp' | 'runner' | 'process' | 'embedding_cache'> & {
    model_servers: ModelServerStats[];
  } {
    const { hit, joined } = this.#lookups;
    return {
      response_cache: this.#cache.stats(),
      conversation_cache: this.#conversations.stats(),
      batch_processor: batchStats({ total: this.#requestCount, cached: hit, joined }, this.#scheduler.releasedBatches),
      queue_length: this.#scheduler.queueLength,
      is_processing: this.#scheduler.isRunning,
      latency: { first_token_ms: this.#firstToken.percentiles(), total_ms: this.#total.percentiles() },
      model_servers: this.modelServers(),
    };
  }

  counters(): ChatCounters {
    const { hit, miss, joined } = this.#lookups;
    return {
      requests: this.#requestCount + this.#taskCount + this.#unresolved,
      lookups: hit + miss + joined,
      hits: hit,
      completed: this.#completed,
      failed: this.#failed,
      cancelled: this.#cancelled,
      tokens: this.#scheduler.tokens,
    };
  }

  /** Running and waiting generations. */
  get load(): { running: number; waiting: number } {
    return { running: this.#scheduler.runningCount, waiting: this.#scheduler.queueLength };
  }

  /** Times of generations, from the request on. */
  get latencies(): { firstToken: PercentileWindow; total: PercentileWindow } {
    return { firstToken: this.#firstToken, total: this.#total };
  }

  /**
   * Unloads a model of Ollama, and returns its name. Throws `unsupported_value` while a request
   * runs with it or waits for it, and if its model server cannot unload models.
   */
  async unloadModel(name: string, signal: AbortSignal): Promise<string> {
    const { provider, model, targets } = await this.#options.directory.resolve(name);
    const providers = targets?.[0]?.servers.map((server) => server.provider) ?? [provider];
    const unloaders = providers.flatMap(({ ollama }) => ollama ?? []);
    if (unloaders.length === 0)
      throw new AppError('unsupported_value', 'Only Ollama unloads models, and this one is of another model server.');
    const uses = this.#scheduler.usesOf((used) => isSameTaggedModel(used, model));
    if (uses > 0)
      throw new AppError('unsupported_value', `${model} is in use: ${uses} running or waiting. Try again later.`);
    await Promise.all(unloaders.map((ollama) => ollama.unload(model, signal)));
    return model;
  }

  /** Returns how many entries were removed. */
  clearResponses(): number {
    return this.#cache.clear();
  }

  /** Returns how many entries were removed. */
  clearConversations(): number {
    return this.#conversations.clear();
  }

  /**
   * Loads a model, the default one if `name` is undefined, and keeps it loaded for `keepAlive`.
   * Throws `model_load_failed` with the reason, and the original error as its cause.
   */
  async warmModel(
    name: string | undefined,
    signal: AbortSignal,
    keepAlive?: KeepAlive,
  ): Promise<{ model: string; load_duration_ms: number }> {
    try {
      const { directory } = this.#options;
      const { provider, model } = await directory.resolve(name);
      const { load_duration_ms } = await provider.load(model, signal, keepAlive);
      const server = directory.servers?.serverOf(provider);
      if (server !== undefined) {
        server.setLoaded(model);
        void directory.servers?.refresh(server);
      }
      return { model, load_duration_ms };
    } catch (error) {
      const { message } = toAppError(error, this.#options.log);
      throw new AppError('model_load_failed', message, { cause: error });
    }
  }

  /**
   * The number of tokens of a prompt, as its model reads it. Throws the resolver's errors, and
   * `unsupported_parameter`.
   */
  async countTokens(
    request: ChatRequest,
    signal: AbortSignal,
  ): Promise<TokenCount & Pick<ResolvedRequest, 'ignoredFields'>> {
    if (this.#closed !== undefined) throw this.#closed;
    const resolved = await this.#options.directory.resolve(request.model);
    const { OLLAMA_SYSTEM_PROMPT: systemPrompt, DROP_PARAMS } = this.#options.settings;
    const policy = { isShared: false, dropsFields: request.drop_params ?? DROP_PARAMS };
    const { provider, request: prompt, ignoredFields } = resolveRequest(request, resolved, systemPrompt, policy);
    return { ...(await this.#tokenCounter.count(provider, prompt, signal)), ignoredFields };
  }

  /** Ends everything that waits or runs with `shutting_down`, and refuses new requests. */
  close(): void {
    const error = new AppError('shutting_down', 'The server is stopping. Send the request again in a moment.');
    this.#closed = error;
    this.#scheduler.close(error);
  }

  #submit(request: ChatRequest, submitter: Submitter, detached: boolean): Promise<PendingRequest> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const bytes = submitter.bodyBytes ?? estimateRequestBytes(request);
    if (bytes <= LARGE_REQUEST_BYTES) return this.#submitSmall(request, submitter, detached);
    return this.#submitLarge(new ArrivingRequest(request), request.model, bytes, submitter, detached);
  }

  async #submitSmall(request: ChatRequest, submitter: Submitter, detached: boolean): Promise<PendingRequest> {
    const resolved = await this.#resolveModel(request.model);
    return this.#admit(request, resolved, submitter, detached);
  }

  async #submitLarge(
    arriving: ArrivingRequest<ChatRequest>,
    name: string | undefined,
    bytes: number,
    submitter: Submitter,
    detached: boolean,
  ): Promise<PendingRequest> {
    const resolved = await this.#resolveModel(name, { caller: submitter.caller, bytes });
    return this.#admit(arriving.take(), resolved, submitter, detached);
  }

  async #resolveTask({ caller, model, provider, targets, bytes }: TaskRequest): Promise<ResolvedModel> {
    const { directory } = this.#options;
    if (provider !== undefined && model !== undefined) {
      const only = { provider, model, targets };
      if (targets !== undefined || directory.servers?.areSeveral !== true) return only;
      const resolved = await directory.resolve(model).catch((error: unknown) => {
        if (AppError.is(error)) return only;
        throw error;
      });
      return resolved.provider.id === provider.id ? resolved : only;
    }
    return await this.#resolveModel(model, bytes <= LARGE_REQUEST_BYTES ? undefined : { caller, bytes });
  }

  #handleTaskDone(task: RunnableTask): void {
    if (task.state === 'completed') this.#completed += 1;
    else if (task.state === 'failed') this.#failed += 1;
    else this.#cancelled += 1;
    this.#scheduler.handleDone(task);
  }

  /** `held` counts as waiting until the model is known. */
  async #resolveModel(name: string | undefined, held?: { caller: string; bytes: number }): Promise<ResolvedModel> {
    try {
      if (held === undefined) return await this.#options.directory.resolve(name);
      const unreserve = this.#scheduler.reserve(held.caller, held.bytes);
      return await this.#options.directory.resolve(name).finally(unreserve);
    } catch (error) {
      this.#unresolved += 1;
      throw this.#countRefusal(error);
    }
  }

  /** Synchronous: see the class comment. */
  #admit(
    request: ChatRequest,
    { provider, model, targets }: ResolvedModel,
    submitter: Submitter,
    detached: boolean,
  ): PendingRequest {
    if (this.#closed !== undefined) throw this.#closed;
    const resumed = this.#resume(request, submitter.caller);
    const { settings } = this.#options;
    const bodyMode = bodyCacheMode(request);
    const isDeterministic = hasDeterministicSampling(request.options);
    const bodyPolicy = this.#policyOf(bodyMode, isDeterministic, submitter);
    const policy = this.#effectivePolicy({ policy: bodyPolicy, cacheMode: bodyMode, isDeterministic }, submitter);
    const resolved = resolveRequest(
      resumed?.request ?? request,
      { provider, model, targets },
      settings.OLLAMA_SYSTEM_PROMPT,
      {
        isShared: policy.reads || policy.stores,
        dropsFields: request.drop_params ?? submitter.dropParams ?? settings.DROP_PARAMS,
      },
    );
    if (resumed === undefined && resolved.key !== undefined && (bodyPolicy.reads || policy.reads))
      submitter.onKey?.({
        requestedModel: request.model,
        provider,
        model,
        key: resolved.key,
        cacheMode: bodyMode,
        policy: bodyPolicy,
        isDeterministic,
        ignoredFields: resolved.ignoredFields,
        droppedFields: resolved.droppedFields,
      });
    const key = this.#scopedKey(resolved.key, submitter.caller);
    const storeKey = policy.stores ? key : undefined;
    const lookupKey = policy.reads ? key : undefined;
    this.#requestCount += 1;
    const cached = lookupKey !== undefined && settings.CACHE_ENABLED ? this.#lookUp(lookupKey, submitter) : undefined;
    if (cached !== undefined) {
      this.#lookups.hit += 1;
      return this.#serveCached(cached, resolved, submitter, detached, resumed);
    }
    if (submitter.cacheControl?.onlyIfCached === true) {
      this.#lookups[policy.reads ? 'miss' : 'bypass'] += 1;
      throw new AppError(
        'not_cached',
        'The response is not cached, and the request has Cache-Control: only-if-cached. Send it without.',
      );
    }
    try {
      return this.#generate({
        submitter,
        detached,
        priority: request.priority,
        resolved,
        lookupKey,
        storeKey,
        resumed,
      });
    } catch (error) {
      throw this.#countRefusal(error);
    }
  }

  #policyOf(
    mode: CacheMode | undefined,
    isDeterministic: boolean,
    { readsCache = 'pages' }: Pick<Submitter, 'readsCache'>,
  ): CachePolicy {
    return cachePolicy(mode ?? 'auto', readsCache, isDeterministic, this.#options.settings.CACHE_SDK);
  }

  /** A request's policy by its body, as its headers change it. */
  #effectivePolicy(
    { policy, cacheMode, isDeterministic }: Pick<KeyedRequest, 'policy' | 'cacheMode' | 'isDeterministic'>,
    submitter: Submitter,
  ): CachePolicy {
    const { cacheMode: headerMode, cacheControl } = submitter;
    const isByBody = headerMode === undefined || cacheMode !== undefined;
    return restrictPolicy(isByBody ? policy : this.#policyOf(headerMode, isDeterministic, submitter), cacheControl);
  }

  /** The cached response, unless it is older than the submitter accepts. */
  #lookUp(key: string, { cacheControl }: Submitter): CachedResponse | undefined {
    const maxAgeMs = cacheControl?.maxAgeMs;
    return maxAgeMs !== undefined && this.#cache.isOlder(key, maxAgeMs) ? undefined : this.#cache.get(key);
  }

  /** Counts a request that gets no generation as failed, unless the request itself is at fault. */
  #countRefusal(error: unknown): unknown {
    const status = AppError.is(error) ? HTTP_STATUS_BY_CODE[error.code] : 500;
    if (status >= 500) this.#failed += 1;
    return error;
  }

  #serveCached(
    cached: CachedResponse,
    { ignoredFields, droppedFields }: Pick<ResolvedRequest, 'ignoredFields' | 'droppedFields'>,
    submitter: Submitter,
    detached: boolean,
    resumed: ResumedRequest | undefined,
  ): PendingRequest {
    const pending = new PendingRequest(cached, {
      id: this.#requestId(submitter),
      caller: submitter.caller,
      createdAt: this.#options.clock.now(),
      cacheStatus: 'hit',
      ignoredFields,
      droppedFields,
      detached,
      conversation: resumed && { id: resumed.id, state: resumed.state, addedMessages: 0 },
    });
    if (detached || resumed !== undefined) this.#inFlight.add(pending);
    if (resumed !== undefined) this.#storeConversation(pending, resumed.request.messages);
    return pending;
  }

  /** Joins the leader of the request's key, or starts a generation. */
  #generate({ submitter, detached, priority, resolved, lookupKey, storeKey, resumed }: Admission): PendingRequest {
    if (this.#inFlight.isFull)
      throw new AppError('queue_full', 'The server is at its limit of open requests. Try again in a few seconds.', {
        data: { reason: 'open_requests' },
      });
    const { settings, clock } = this.#options;
    const { caller } = submitter;
    const id = this.#requestId(submitter);
    const now = clock.now();
    const { targets } = resolved;
    // A response of one of several models is for those who asked for the same ones.
    const flightKey = (key: string | undefined) =>
      key === undefined || targets === undefined || targets.length === 1 ? key : `${key} ${modelsOf(targets)}`;
    const leader =
      lookupKey !== undefined && settings.BATCH_DEDUPLICATION
        ? this.#inFlight.findLeader(flightKey(lookupKey) ?? lookupKey)
        : undefined;
    const generation =
      leader ??
      new Generation(
        {
          id,
          caller,
          group: batchGroup(resolved.provider.id, resolved.request.model, resolved.request.options),
          model: resolved.request.model,
          createdAt: now,
          key: storeKey,
          flightKey: flightKey(storeKey),
          provider: resolved.provider,
          targets,
          prefixKey: this.#prefixKey(resolved),
          priority,
          request: resolved.request,
          requestBytes: estimateRequestBytes(resolved.request),
        },
        this.#generationContext,
      );
    const pending = new PendingRequest(generation, {
      id,
      caller,
      createdAt: now,
      cacheStatus: leader ? 'joined' : lookupKey !== undefined && settings.CACHE_ENABLED ? 'miss' : 'bypass',
      ignoredFields: resolved.ignoredFields,
      droppedFields: resolved.droppedFields,
      detached,
      conversation: resumed && {
        id: resumed.id,
        state: resumed.state,
        addedMessages: resolved.request.messages.length - resumed.request.messages.length,
      },
    });
    const lane = leader === undefined ? this.#scheduler.ensureCapacity(generation) : undefined;
    if (leader === undefined) this.#inFlight.registerLeader(generation);
    else this.#scheduler.raisePriority(leader, priority);
    this.#lookups[pending.cacheStatus] += 1;
    // Before the start: a response finds its requests, however soon it ends.
    this.#inFlight.add(pending);
    if (lane !== undefined) this.#scheduler.admit(generation, lane, now);
    return pending;
  }

  /** Of the conversation so far, if its server is to be found again. */
  #prefixKey({ provider, request, targets }: ResolvedRequest): string | undefined {
    const hasChoice = targets?.some(({ servers }) => servers.length > 1) === true;
    return hasChoice && this.#options.settings.MODEL_AFFINITY ? prefixKey(provider.id, request) : undefined;
  }

  /** The one place where the engine learns that a generation is done. */
  #handleDone(generation: Generation): void {
    const { response, request, createdAt, firstTokenAt, finishedAt = createdAt } = generation;
    this.#countEnd(generation);
    if (response !== undefined) {
      this.#storeResponse(generation.key, response, isWholeAtLimit(request?.completion));
      this.#total.add(finishedAt - createdAt);
      if (firstTokenAt !== undefined) this.#firstToken.add(firstTokenAt - createdAt);
      for (const pending of this.#inFlight.requestsOf(generation))
        if (pending.conversation !== undefined && request !== undefined)
          this.#storeConversation(pending, request.messages.slice(pending.conversation.addedMessages));
    }
    recordGenerationMetrics(generation, this.#options.metrics);
    recordGenerationSpans(generation);
    this.#inFlight.settle(generation);
    this.#scheduler.handleDone(generation);
  }

  /** Requests that were cancelled before are counted already, and have left the generation. */
  #countEnd({ state, requests }: Generation): void {
    const count = requests?.size ?? 0;
    if (state === 'completed') this.#completed += count;
    else if (state === 'failed') this.#failed += count;
    else this.#cancelled += count;
  }

  #storeResponse(key: string | undefined, response: CompletedResponse, isLimitFine: boolean): void {
    if (key !== undefined && this.#options.settings.CACHE_ENABLED && isCacheable(response, isLimitFine))
      this.#cache.set(key, response);
  }

  #resume(request: ChatRequest, caller: string): ResumedRequest | undefined {
    const { conversation_id: id, messages: sent } = request;
    if (id === undefined || request.completion !== undefined) return undefined;
    const { messages, state } = this.#conversations.resume(caller, id, sent);
    return { request: { ...request, messages: [...messages] }, id, state };
  }

  #storeConversation({ caller, conversation, generation }: PendingRequest, messages: readonly Message[]): void {
    const { response } = generation;
    if (conversation === undefined || response === undefined) return;
    const { content, tool_calls } = response;
    const last = messages.at(-1);
    // A continued message and its continuation are one.
    const begun = last?.role === 'assistant' ? last.content : '';
    const reply: Message = {
      role: 'assistant',
      content: begun + content,
      ...(tool_calls.length === 0 ? {} : { tool_calls }),
    };
    const before = last?.role === 'assistant' ? messages.slice(0, -1) : messages;
    this.#conversations.store(caller, conversation.id, [...before, reply]);
  }

  /** A cache key, per caller if responses are not shared. */
  #scopedKey(key: string | undefined, caller: string): string | undefined {
    return key === undefined || this.#options.settings.CACHE_SCOPE === 'all' ? key : `${key} ${caller}`;
  }

  /** The requested id, or a new one if another request has it. */
  #requestId({ id, isIdGiven }: Submitter): string {
    return id === undefined || (isIdGiven !== false && this.#inFlight.find(id) !== undefined) ? randomUUID() : id;
  }

  #mayAccess(owner: string, caller: string): boolean {
    return owner === caller || this.#options.settings.API_KEYS.length === 0;
  }
}

/** The models of an alias, as part of a key. */
function modelsOf(targets: readonly RouteTarget[]): string {
  return targets.map(({ model, servers }) => `${model}@${servers.map(({ id }) => id).join('+')}`).join(',');
}

/** A text without a template is whole at its token limit: few of them end before. */
function isWholeAtLimit(completion: Completion | undefined): boolean {
  return completion !== undefined && (completion.raw || completion.suffix !== undefined);
}

/** Any other response at its token limit is incomplete, and an empty one is of no use. */
function isCacheable({ done_reason, content, tool_calls }: CompletedResponse, isLimitFine: boolean): boolean {
  const isWhole = done_reason === 'stop' || done_reason === 'tool_calls' || (isLimitFine && done_reason === 'length');
  return isWhole && (content !== '' || tool_calls.length > 0);
}
