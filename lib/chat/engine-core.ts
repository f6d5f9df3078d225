import type { Awaitable } from '#lib/chat/awaitable';
import { CacheAccess } from '#lib/chat/cache/cache-access';
import { ChatCounts } from '#lib/chat/chat-counts';
import type { ChatCounters } from '#lib/chat/chat-stats';
import type { Clock } from '#lib/chat/clock';
import { Conversations } from '#lib/chat/conversations';
import type { EngineParts, ModelResolver } from '#lib/chat/engine-parts';
import { InFlight } from '#lib/chat/generation/in-flight';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { SharedSubmissions } from '#lib/chat/generation/shared-submissions';
import { unloadModel, type WarmedModel, type WarmOptions, warmModel } from '#lib/chat/model-loading';
import { withoutParameters, withParameters } from '#lib/chat/model-parameters';
import type { PersistentCache } from '#lib/chat/persistence/persistent-cache';
import { RequestRestorer, type RestoredApi } from '#lib/chat/persistence/request-restorer';
import type { SavedRequests } from '#lib/chat/persistence/saved-requests';
import { mayRead } from '#lib/chat/request-access';
import { RequestAdmission } from '#lib/chat/request-admission';
import { type ResolvedRequest, resolveRequest } from '#lib/chat/request-resolver';
import { modelServerStats } from '#lib/chat/scheduler/model-server-stats';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import { Scheduler, type SchedulerOptions } from '#lib/chat/scheduler/scheduler';
import type { TaskWork } from '#lib/chat/scheduler/task';
import { bothSettled, type Settlement } from '#lib/chat/settlement';
import type { KeyedRequest, Submitter } from '#lib/chat/submitter';
import { type TaskRequest, TaskRunner } from '#lib/chat/task-runner';
import { type TokenCount, TokenCounter } from '#lib/chat/token-counter';
import { isNoUsage, requestUsage } from '#lib/chat/usage-of-request';
import type { Cluster, SharedChange } from '#lib/cluster/cluster';
import { AppError } from '#lib/errors';
import { openWork } from '#lib/http/open-work';
import { isOwnedBy } from '#lib/http/principal';
import { modelOverrides } from '#lib/models/model-overrides';
import { type UsageRecorder, usageRecorder } from '#lib/people/usage/usage-recorder';
import type { PercentileWindow } from '#lib/telemetry/percentiles';
import type { ChatRequest } from '#lib/wire/chat';
import type { CancelledBy } from '#lib/wire/chat-queue';
import type { ModelServerStats, ServerStats } from '#lib/wire/server-stats';

/** What chat requests share with other servers. */
export type SharedChat = Pick<Cluster, 'responses' | 'conversations' | 'idempotency'>;

/** A change of another server that concerns chats. */
export type ChatChange = Extract<SharedChange, { kind: 'clear' | 'drop' | 'cancel' | 'models' | 'unreached' }>;

export interface ChatEngineOptions extends SchedulerOptions {
  directory: ModelResolver;
  /** The second level of the response cache; absent if it is in memory only. */
  persistentCache?: PersistentCache | undefined;
  /** What is shared with other servers; absent if this one is alone. */
  shared?: SharedChat | undefined;
  /** Absent if accepted requests live in this process alone. */
  savedRequests?: SavedRequests | undefined;
  /** @default the one of the process */
  usage?: UsageRecorder | undefined;
}

/** The parts of an engine of one process, from which one that shares its queue makes its own. */
export interface LocalParts extends EngineParts {
  readonly inFlight: InFlight;
  readonly scheduler: Scheduler;
}

/**
 * What is the same in the engine of one process and in one that shares its queue with others: the
 * path of a request, and what this process knows. What concerns requests of other processes too is
 * in `ChatEngine` and `SharedChatEngine`.
 */
export abstract class EngineCore {
  readonly #options: ChatEngineOptions;
  protected readonly parts: EngineParts;
  protected readonly admission: RequestAdmission;
  readonly #tasks: TaskRunner;
  readonly #tokenCounter = new TokenCounter();
  readonly #restorer: RequestRestorer | undefined;
  #restoring: Promise<boolean> | undefined;
  #isRestored = false;

  constructor(options: ChatEngineOptions, share: (local: LocalParts) => EngineParts = (local) => local) {
    const {
      settings,
      clock,
      metrics,
      directory,
      persistentCache,
      savedRequests,
      shared,
      usage = usageRecorder(),
    } = options;
    const submissions = shared && new SharedSubmissions(shared.idempotency);
    this.#options = options;
    this.parts = share({
      settings,
      clock,
      metrics,
      usage,
      directory,
      counts: new ChatCounts(metrics.cacheLookups),
      cache: new CacheAccess(settings, clock, persistentCache, shared?.responses),
      conversations: new Conversations(settings, clock, shared?.conversations),
      submissions,
      inFlight: new InFlight(settings.QUEUE_RESULT_TTL_SECONDS * 1000, clock, (request, isPayer) => {
        savedRequests?.handleEnd(request);
        submissions?.handleEnd(request);
        if (isPayer === undefined) return;
        const event = requestUsage(request, isPayer);
        if (!isNoUsage(event)) usage.record(event);
      }),
      scheduler: new Scheduler(options, directory.servers),
      savedRequests,
    });
    this.admission = new RequestAdmission(this.parts);
    this.#restorer = savedRequests && new RequestRestorer(this.parts, savedRequests, this.admission, options.log);
    this.#tasks = new TaskRunner(this.parts);
    openWork().onEnd('chat', (caller) => this.endCaller(caller));
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get persistentCache(): PersistentCache | undefined {
    return this.#options.persistentCache;
  }

  /** Memory of the waiting requests; bounded by QUEUE_MAX_MB. */
  get waitingBytes(): number {
    return this.parts.scheduler.view.waitingBytes;
  }

  /**
   * Brings back the requests that were accepted before a restart. Resolves when all are known by
   * their ids; undefined if they are. Requests of the queue wait for it.
   */
  restore(restoreApi: RestoredApi): Promise<boolean> | undefined {
    if (this.#restorer === undefined || this.#isRestored) return undefined;
    this.#restoring ??= this.#restorer.restore(restoreApi).then((isDone) => {
      this.#isRestored = isDone;
      this.#restoring = undefined;
      return isDone;
    });
    return this.#restoring;
  }

  /**
   * Resolves when the requests that were brought back have their places in the queue, as far as
   * their model servers are up. Undefined if they have.
   */
  get resuming(): Promise<void> | undefined {
    return this.#restorer?.resuming;
  }

  /** See `RequestAdmission.submit`. */
  submit(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    return this.admission.submit(request, submitter);
  }

  /** See `RequestAdmission.submitKeyed`. */
  submitKeyed(keyed: KeyedRequest, submitter: Submitter): PendingRequest | undefined {
    return this.admission.submitKeyed(keyed, submitter);
  }

  /** See `RequestAdmission.enqueue`. */
  enqueue(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    return this.admission.enqueue(request, submitter);
  }

  /** See `TaskRunner.run`. */
  runTask<T>(request: TaskRequest, work: TaskWork<T>): Promise<T> {
    return this.#tasks.run(request, work);
  }

  /** The request with this id, if this process has its events. */
  findHere(id: string, caller: string): PendingRequest | undefined {
    const request = this.parts.inFlight.find(id);
    return request !== undefined && mayRead(request, caller, this.#options.settings) ? request : undefined;
  }

  /** Registers a reader of a request; see `PendingRequest.addReader`. */
  read(request: PendingRequest, onChange: () => void): () => void {
    const { inFlight, scheduler } = this.parts;
    const unregister = request.addReader(onChange);
    inFlight.handleReader(request);
    if (request.state === 'queued') scheduler.watchPosition(request.generation);
    return () => {
      unregister();
      inFlight.handleRead(request);
    };
  }

  /**
   * For a reply to a request: undefined if other servers know what it names, or do not exist.
   * Otherwise resolves with whether they do, after half a second at most; never rejects. What they
   * do not know is written once Redis is back.
   */
  settled(request: PendingRequest): Settlement {
    const { conversations, submissions } = this.parts;
    return bothSettled(conversations.settled(request), submissions?.settled(request));
  }

  /** Cancels all that a caller, or an end user of it, has waiting or running. */
  endCaller(caller: string): void {
    for (const request of this.parts.inFlight.unfinished())
      if (request.finishedAt === undefined && isOwnedBy(request.caller, caller)) {
        request.isLockedOut = true;
        void this.cancelRequest(request, 'operator');
      }
  }

  /** Cancels a request that may be cancelled. Throws `already_finished`. */
  protected abstract cancelRequest(request: PendingRequest, by: CancelledBy): Awaitable<void>;

  /** The place of a request as this process knows it. */
  protected standing(request: PendingRequest): QueueStanding {
    const standing = this.parts.scheduler.queueStatus(request.generation);
    if (request.state === 'queued') return visibleTo(request, standing);
    return { queue_position: 0, queue_length: standing.queue_length, estimated_wait_time: 0 };
  }

  /** Reads in the background what the model servers have loaded, if that was not done lately. */
  refreshModelServers(): void {
    this.#options.directory.servers?.refreshIfOld();
  }

  /** The model servers in use, with their work and their figures. */
  modelServers(): ModelServerStats[] {
    return (this.#options.directory.servers?.all ?? []).map((server) =>
      modelServerStats(server, this.parts.scheduler.view.laneOf(server)),
    );
  }

  stats(): Omit<ServerStats, 'timestamp' | 'runner' | 'process' | 'embedding_cache'> & {
    model_servers: ModelServerStats[];
  } {
    const { cache, conversations, counts, scheduler } = this.parts;
    const { view } = scheduler;
    return {
      response_cache: cache.stats(),
      conversation_cache: conversations.stats(),
      batch_processor: counts.batches(view.releasedBatches),
      queue_length: view.queueLength,
      is_processing: view.isRunning,
      latency: { first_token_ms: counts.firstToken.percentiles(), total_ms: counts.total.percentiles() },
      model_servers: this.modelServers(),
    };
  }

  counters(): ChatCounters {
    return this.parts.counts.counters(this.parts.scheduler.view.tokens);
  }

  /** See `InFlight.hasUnsavedWork`. */
  get hasUnsavedWork(): boolean {
    return this.parts.inFlight.hasUnsavedWork;
  }

  /** Running and waiting generations. */
  get load(): { running: number; waiting: number } {
    const { view } = this.parts.scheduler;
    return { running: view.runningCount, waiting: view.queueLength };
  }

  /** Times of generations, from the request on. */
  get latencies(): { firstToken: PercentileWindow; total: PercentileWindow } {
    const { firstToken, total } = this.parts.counts;
    return { firstToken, total };
  }

  /** See `unloadModel`. */
  unloadModel(name: string, signal: AbortSignal): Promise<string> {
    const { directory } = this.parts;
    return unloadModel({ directory, usesOf: (isOne) => this.usesOf(isOne) }, name, signal);
  }

  /** How many requests run with such a model, or wait for it. */
  protected usesOf(isOne: (model: string) => boolean): Awaitable<number> {
    return this.parts.scheduler.view.usesOf(isOne);
  }

  /** See `warmModel`. */
  warmModel(
    name: string | undefined,
    signal: AbortSignal,
    options: WarmOptions = { on: 'first' },
  ): Promise<WarmedModel> {
    return warmModel(this.#options, name, signal, options);
  }

  /** See `CacheAccess.clear`. */
  clearResponses(): { entries: number; saved: Promise<void> } {
    return this.parts.cache.clear();
  }

  /** Applies what another server has cleared or generated again. */
  applyShared(change: ChatChange): void {
    const { cache, conversations } = this.parts;
    if (change.kind === 'drop') cache.drop(change.key);
    else if (change.kind !== 'clear') return;
    else if (change.values === 'responses') cache.forget();
    else if (change.values === 'conversations') conversations.forget();
  }

  /** Returns how many entries were removed. */
  clearConversations(): number {
    return this.parts.conversations.clear();
  }

  /**
   * The number of tokens of a prompt, as its model reads it. Throws the resolver's errors, and
   * `unsupported_parameter`.
   */
  async countTokens(
    request: ChatRequest,
    signal: AbortSignal,
  ): Promise<TokenCount & Pick<ResolvedRequest, 'ignoredFields' | 'droppedFields'>> {
    this.parts.scheduler.throwIfClosed();
    const resolved = await this.#options.directory.resolve(request.model);
    const { OLLAMA_SYSTEM_PROMPT, DROP_PARAMS } = this.#options.settings;
    const { systemPrompt = OLLAMA_SYSTEM_PROMPT, parameters } = modelOverrides().defaultsOf(resolved);
    const policy = { isShared: false, dropsFields: request.drop_params ?? DROP_PARAMS };
    const sent = resolveRequest(withParameters(request, parameters), resolved, systemPrompt, policy);
    const { provider, request: prompt, droppedFields } = sent;
    const ignoredFields = withoutParameters(sent.ignoredFields, parameters, request);
    return { ...(await this.#tokenCounter.count(provider, prompt, signal)), ignoredFields, droppedFields };
  }

  /**
   * Ends everything that waits or runs with `shutting_down`, and refuses new requests. Saved ones
   * go on after the restart, shared ones on other servers.
   */
  close(): Awaitable<void> {
    const { persistentCache, savedRequests } = this.#options;
    const error = STOPPING;
    savedRequests?.close();
    this.#restorer?.suspend(error);
    this.parts.scheduler.close(error);
    persistentCache?.close();
  }
}

/** A request that joined another caller's generation does not see that caller's share. */
export function visibleTo({ id, generation }: PendingRequest, standing: QueueStanding): QueueStanding {
  if (standing.share === undefined || id === generation.id) return standing;
  const { share: _, ...status } = standing;
  return status;
}

/** The end of what a server that stops has not completed. */
export const STOPPING = new AppError('shutting_down', 'The server is stopping. Send the request again in a moment.');

export function noSuchRequest(): AppError {
  return new AppError('not_found', 'No request has this id, or its result has expired. Send the request again.');
}
