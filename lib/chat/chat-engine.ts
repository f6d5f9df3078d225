import { CacheAccess } from '#lib/chat/cache/cache-access';
import { ChatCounts } from '#lib/chat/chat-counts';
import type { ChatCounters } from '#lib/chat/chat-stats';
import type { Clock } from '#lib/chat/clock';
import { Conversations } from '#lib/chat/conversations';
import type { EngineParts, ModelResolver } from '#lib/chat/engine-parts';
import { InFlight } from '#lib/chat/generation/in-flight';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { unloadModel, type WarmedModel, type WarmOptions, warmModel } from '#lib/chat/model-loading';
import { RequestAdmission } from '#lib/chat/request-admission';
import { type ResolvedRequest, resolveRequest } from '#lib/chat/request-resolver';
import { modelServerStats } from '#lib/chat/scheduler/model-server-stats';
import { queueOverview } from '#lib/chat/scheduler/queue-overview';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import { Scheduler, type SchedulerOptions } from '#lib/chat/scheduler/scheduler';
import type { TaskWork } from '#lib/chat/scheduler/task';
import type { KeyedRequest, Submitter } from '#lib/chat/submitter';
import { type TaskRequest, TaskRunner } from '#lib/chat/task-runner';
import { type TokenCount, TokenCounter } from '#lib/chat/token-counter';
import { AppError } from '#lib/errors';
import type { PercentileWindow } from '#lib/telemetry/percentiles';
import type { ChatRequest } from '#lib/wire/chat';
import type { CancelledBy, QueueOverview } from '#lib/wire/chat-queue';
import type { ModelServerStats, ServerStats } from '#lib/wire/server-stats';

export interface ChatEngineOptions extends SchedulerOptions {
  directory: ModelResolver;
}

/**
 * The path of a chat request: response cache, single flight, queue with batches, model. The steps
 * are those of `RequestAdmission`; this class is what the rest of the app sees of them.
 */
export class ChatEngine {
  readonly #options: ChatEngineOptions;
  readonly #parts: EngineParts;
  readonly #admission: RequestAdmission;
  readonly #tasks: TaskRunner;
  readonly #tokenCounter = new TokenCounter();

  constructor(options: ChatEngineOptions) {
    const { settings, clock, metrics, directory } = options;
    this.#options = options;
    this.#parts = {
      settings,
      clock,
      metrics,
      directory,
      counts: new ChatCounts(metrics.cacheLookups),
      cache: new CacheAccess(settings, clock),
      conversations: new Conversations(settings, clock),
      inFlight: new InFlight(settings.QUEUE_RESULT_TTL_SECONDS * 1000, clock),
      scheduler: new Scheduler(options, directory.servers),
    };
    this.#admission = new RequestAdmission(this.#parts);
    this.#tasks = new TaskRunner(this.#parts);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Memory of the waiting requests; bounded by QUEUE_MAX_MB. */
  get waitingBytes(): number {
    return this.#parts.scheduler.waitingBytes;
  }

  /** See `RequestAdmission.submit`. */
  submit(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    return this.#admission.submit(request, submitter);
  }

  /** See `RequestAdmission.submitKeyed`. */
  submitKeyed(keyed: KeyedRequest, submitter: Submitter): PendingRequest | undefined {
    return this.#admission.submitKeyed(keyed, submitter);
  }

  /** See `RequestAdmission.enqueue`. */
  enqueue(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    return this.#admission.enqueue(request, submitter);
  }

  /** See `TaskRunner.run`. */
  runTask<T>(request: TaskRequest, work: TaskWork<T>): Promise<T> {
    return this.#tasks.run(request, work);
  }

  /** The request with this id. Throws `not_found`. */
  find(id: string, caller: string): PendingRequest {
    const request = this.#parts.inFlight.find(id);
    if (request === undefined || !this.#mayAccess(request.caller, caller))
      throw new AppError('not_found', 'No request has this id, or its result has expired. Send the request again.');
    return request;
  }

  /** Registers a reader of a request; see `PendingRequest.addReader`. */
  read(request: PendingRequest, onChange: () => void): () => void {
    const unregister = request.addReader(onChange);
    if (request.state === 'queued') this.#parts.scheduler.watchPosition(request.generation);
    return unregister;
  }

  /** Cancels a request that waits or runs. Throws `not_found`, or `already_finished`. */
  cancel(id: string, caller: string, by: CancelledBy = 'user'): void {
    const request = this.find(id, caller);
    if (request.finishedAt !== undefined)
      throw new AppError('already_finished', `This request has already ended (${request.state}).`);
    this.#parts.counts.countEnd('cancelled');
    this.#parts.inFlight.cancel(request, by);
  }

  queueStatus({ state, generation }: PendingRequest): QueueStanding {
    const status = this.#parts.scheduler.queueStatus(generation);
    return state === 'queued' ? status : { ...status, queue_position: 0, estimated_wait_time: 0 };
  }

  overview(caller: string): QueueOverview {
    const { clock, settings } = this.#options;
    return queueOverview(this.#parts.scheduler, settings, clock.now(), (owner) => this.#mayAccess(owner, caller));
  }

  /** Reads in the background what the model servers have loaded, if that was not done lately. */
  refreshModelServers(): void {
    this.#options.directory.servers?.refreshIfOld();
  }

  /** The model servers in use, with their work and their figures. */
  modelServers(): ModelServerStats[] {
    return (this.#options.directory.servers?.all ?? []).map((server) =>
      modelServerStats(server, this.#parts.scheduler.laneOf(server)),
    );
  }

  stats(): Omit<ServerStats, 'timestamp' | 'runner' | 'process' | 'embedding_cache'> & {
    model_servers: ModelServerStats[];
  } {
    const { cache, conversations, counts, scheduler } = this.#parts;
    return {
      response_cache: cache.stats(),
      conversation_cache: conversations.stats(),
      batch_processor: counts.batches(scheduler.releasedBatches),
      queue_length: scheduler.queueLength,
      is_processing: scheduler.isRunning,
      latency: { first_token_ms: counts.firstToken.percentiles(), total_ms: counts.total.percentiles() },
      model_servers: this.modelServers(),
    };
  }

  counters(): ChatCounters {
    return this.#parts.counts.counters(this.#parts.scheduler.tokens);
  }

  /** Running and waiting generations. */
  get load(): { running: number; waiting: number } {
    return { running: this.#parts.scheduler.runningCount, waiting: this.#parts.scheduler.queueLength };
  }

  /** Times of generations, from the request on. */
  get latencies(): { firstToken: PercentileWindow; total: PercentileWindow } {
    const { firstToken, total } = this.#parts.counts;
    return { firstToken, total };
  }

  /** See `unloadModel`. */
  unloadModel(name: string, signal: AbortSignal): Promise<string> {
    return unloadModel(this.#parts, name, signal);
  }

  /** See `warmModel`. */
  warmModel(
    name: string | undefined,
    signal: AbortSignal,
    options: WarmOptions = { on: 'first' },
  ): Promise<WarmedModel> {
    return warmModel(this.#options, name, signal, options);
  }

  /** Returns how many entries were removed. */
  clearResponses(): number {
    return this.#parts.cache.clear();
  }

  /** Returns how many entries were removed. */
  clearConversations(): number {
    return this.#parts.conversations.clear();
  }

  /**
   * The number of tokens of a prompt, as its model reads it. Throws the resolver's errors, and
   * `unsupported_parameter`.
   */
  async countTokens(
    request: ChatRequest,
    signal: AbortSignal,
  ): Promise<TokenCount & Pick<ResolvedRequest, 'ignoredFields' | 'droppedFields'>> {
    this.#parts.scheduler.throwIfClosed();
    const resolved = await this.#options.directory.resolve(request.model);
    const { OLLAMA_SYSTEM_PROMPT: systemPrompt, DROP_PARAMS } = this.#options.settings;
    const policy = { isShared: false, dropsFields: request.drop_params ?? DROP_PARAMS };
    const sent = resolveRequest(request, resolved, systemPrompt, policy);
    const { provider, request: prompt, ignoredFields, droppedFields } = sent;
    return { ...(await this.#tokenCounter.count(provider, prompt, signal)), ignoredFields, droppedFields };
  }

  /** Ends everything that waits or runs with `shutting_down`, and refuses new requests. */
  close(): void {
    const error = new AppError('shutting_down', 'The server is stopping. Send the request again in a moment.');
    this.#parts.scheduler.close(error);
  }

  #mayAccess(owner: string, caller: string): boolean {
    return owner === caller || this.#options.settings.API_KEYS.length === 0;
  }
}
