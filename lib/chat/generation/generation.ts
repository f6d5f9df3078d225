import type { Clock } from '#lib/chat/clock';
import { ABANDONED, CANCELLATIONS } from '#lib/chat/generation/cancellation';
import { type CompletedResponse, responseEvents } from '#lib/chat/generation/completed-response';
import { GenerationLog, type LogEvent } from '#lib/chat/generation/generation-log';
import type {
  FinalEvent,
  GenerationInit,
  GenerationRequest,
  GenerationState,
} from '#lib/chat/generation/generation-types';
import { PackedRequest } from '#lib/chat/generation/packed-request';
import { batchGroup } from '#lib/chat/model-request';
import { AppError } from '#lib/errors';
import type { Allowance } from '#lib/http/request-limits';
import type { RouteTarget } from '#lib/models/model-route';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import type { TokenUsage } from '#lib/wire/chat';

/** Memory of a waiting request without its packed bytes: objects, log, queue node, rounded up. */
const WAITING_BYTES = 2_560;

export type {
  FinalEvent,
  GenerationInit,
  GenerationRequest,
  GenerationState,
} from '#lib/chat/generation/generation-types';

/** The surroundings that all generations of one engine share. */
export interface GenerationContext {
  readonly clock: Clock;
  /** How long a generation without readers goes on, in milliseconds. */
  readonly graceMs: number;
  /** Called once, in the turn in which the generation finishes, after its log has ended. */
  onDone(generation: Generation): void;
  /**
   * Called when no request and no reader of this process is left, with the end that this means.
   * Returns whether the generation goes on, because others may want it. Absent: it ends.
   */
  onUnwanted?(generation: Generation, end: FinalEvent): boolean;
}

/**
 * One model run, shared by any number of requests. It owns its own life: it finishes when the
 * model is done or has failed, when every request on it was cancelled, or when no reader came back
 * within the grace period. `id`, `caller`, `priority` and `group` decide its place in the queue.
 */
export class Generation {
  readonly id: string;
  readonly caller: string;
  group: string;
  model: string;
  readonly createdAt: number;
  /** Of the response cache; undefined if the response is not cached. */
  key: string | undefined;
  /** By which identical requests join; undefined if the response is not shared. */
  readonly flightKey: string | undefined;
  readonly isNew: boolean;
  /** Undefined where no model is called: a replayed response, and one that is not begun. */
  provider: ModelProvider | undefined;
  /** Where it may run, the current choice first; undefined if `provider` is the only choice. */
  targets: readonly RouteTarget[] | undefined;
  /** The server that works on it, or did so last. */
  server: ModelServer | undefined;
  /** The servers that failed it, for its current target. */
  tried: Set<ModelServer> | undefined;
  readonly prefixKey: string | undefined;
  readonly log = new GenerationLog();
  /** The requests that still want this response; undefined once it has finished. */
  requests: Set<GenerationRequest> | undefined;
  priority: number;
  readonly allowance: Allowance | undefined;
  /** Whether it waits behind others because its caller was above its share. */
  isBehind: boolean;
  /** Memory of the request as objects. */
  readonly requestBytes: number;
  readonly turnsElsewhere: GenerationInit['turnsElsewhere'];
  /** Memory of the generation while it waits. */
  bytes = 0;
  state: GenerationState = 'queued';
  startedAt: number | undefined;
  firstTokenAt: number | undefined;
  finishedAt: number | undefined;
  response: CompletedResponse | undefined;
  /** Whether the response comes from the cache. */
  cached = false;
  /** What it used without completing, about: set when it has failed or was cancelled. */
  spent: TokenUsage | undefined;
  /** Pieces of text so far: most model servers send one per token. */
  tokens = 0;
  /** It was submitted to another server, which counts and pays for it. */
  isMirror = false;
  /** Another server runs it, and its events are read from there. */
  runsElsewhere = false;
  /** Whether this server does it by itself because it does not reach the others. */
  isDegraded = false;
  /** See `EventOffsets`: that of the attempt whose events the log has; the end may have another. */
  eventOffset = 0;
  endOffset?: number;
  readonly #context: GenerationContext | undefined;
  #request: ModelRequest | PackedRequest<ModelRequest> | undefined;
  #refCount = 0;
  #cancelGraceTimer: (() => void) | undefined;
  #abort: AbortController | undefined;

  constructor(
    init: Omit<GenerationInit, 'provider' | 'request'> & Partial<GenerationInit>,
    context?: GenerationContext,
  ) {
    this.id = init.id;
    this.caller = init.caller;
    this.group = init.group;
    this.model = init.model;
    this.createdAt = init.createdAt;
    this.key = init.key;
    this.flightKey = init.flightKey ?? init.key;
    this.isNew = init.isNew === true;
    this.provider = init.provider;
    this.targets = init.targets;
    this.prefixKey = init.prefixKey;
    this.priority = init.priority;
    this.allowance = init.allowance;
    this.isBehind = init.isBehind === true;
    this.requestBytes = init.requestBytes;
    this.turnsElsewhere = init.turnsElsewhere;
    this.#request = init.request;
    this.#context = context;
  }

  /** A finished generation with the events of a cached response. */
  static replay(
    { id, caller, createdAt }: Pick<Generation, 'id' | 'caller' | 'createdAt'>,
    response: CompletedResponse,
  ): Generation {
    const generation = new Generation(withoutRequest(id, caller, createdAt, response.model));
    generation.cached = true;
    generation.startedAt = generation.firstTokenAt = createdAt;
    generation.response = response;
    for (const event of responseEvents(response))
      if (event.type === 'done') generation.#end(event, createdAt);
      else generation.log.append(event);
    return generation;
  }

  /** A generation of an accepted request that has no model yet. */
  static unbegun({
    id,
    caller,
    createdAt,
    model,
  }: Pick<Generation, 'id' | 'caller' | 'createdAt' | 'model'>): Generation {
    return new Generation(withoutRequest(id, caller, createdAt, model));
  }

  /**
   * A generation that was submitted to another server. Its log is filled from outside, and its
   * request is added by `adoptRequest` if this server works on it.
   */
  static mirror(
    init: Omit<GenerationInit, 'provider' | 'request'> & Partial<GenerationInit>,
    context: GenerationContext,
  ): Generation {
    const generation = new Generation(init, context);
    generation.isMirror = true;
    generation.runsElsewhere = true;
    return generation;
  }

  /** The finished generation of a request whose result was stored. */
  static finished(
    request: Pick<Generation, 'id' | 'caller' | 'createdAt' | 'model'>,
    {
      response,
      error,
      cached,
      startedAt,
      firstTokenAt,
      finishedAt,
    }: Pick<Generation, 'response' | 'cached' | 'startedAt' | 'firstTokenAt'> & {
      readonly error: AppError | undefined;
      readonly finishedAt: number;
    },
  ): Generation {
    const generation = Generation.unbegun(request);
    Object.assign(generation, { response, cached, startedAt, firstTokenAt });
    const events: readonly LogEvent[] = response !== undefined && error === undefined ? responseEvents(response) : [];
    for (const event of events) if (event.type !== 'done') generation.log.append(event);
    const done = events.find((event) => event.type === 'done');
    generation.#end(done ?? { type: 'error', error: error ?? CANCELLATIONS.user }, finishedAt);
    return generation;
  }

  get timingKey(): string {
    return this.model;
  }

  /** The model's request; undefined while it is packed, and once the generation has finished. */
  get request(): ModelRequest | undefined {
    return this.#request instanceof PackedRequest ? undefined : this.#request;
  }

  /** Moves the request out of the heap for as long as the generation waits. */
  pack(): void {
    const { request } = this;
    if (request === undefined) return;
    const packed = new PackedRequest(request);
    this.#request = packed;
    this.bytes = packed.bytes + WAITING_BYTES;
  }

  /** Undoes `pack`. */
  unpack(): void {
    if (this.#request instanceof PackedRequest) this.#request = this.#request.unpack();
  }

  /** The request as bytes, packed or not; undefined without one. */
  get packedRequest(): PackedRequest<ModelRequest> | undefined {
    const request = this.#request;
    return request === undefined || request instanceof PackedRequest ? request : new PackedRequest(request);
  }

  /** This server works on a mirror from now on. */
  adoptRequest(request: ModelRequest): void {
    if (this.finishedAt === undefined) this.#request ??= request;
  }

  /** Marks the generation as running, with its request as an object again. */
  start(now: number, server: ModelServer): void {
    this.state = 'running';
    this.startedAt = now;
    this.server = server;
    this.provider = server.provider;
    this.unpack();
  }

  /** Another server has started it. */
  startElsewhere(now: number, server: ModelServer | undefined): void {
    this.state = 'running';
    this.startedAt = now;
    this.server = server;
    this.runsElsewhere = true;
  }

  /** Undoes `start`, so that it can wait or start again. */
  requeue(): void {
    this.state = 'queued';
    this.startedAt = undefined;
  }

  get isRepeatable(): boolean {
    return this.firstTokenAt === undefined;
  }

  /** Whether a provider supports all fields of the request. */
  suits(provider: ModelProvider): boolean {
    const { request } = this;
    if (request === undefined) return false;
    try {
      provider.checkFieldSupport?.(request);
      return true;
    } catch (error) {
      if (AppError.is(error)) return false;
      throw error;
    }
  }

  /**
   * Chooses one of its later targets. The response is of another model than the key says, so it is
   * not cached.
   */
  retarget(target: RouteTarget, provider: ModelProvider): void {
    const { request } = this;
    if (request === undefined) throw new Error('the request is packed');
    this.targets = this.targets?.slice(this.targets.indexOf(target));
    this.tried = undefined;
    this.model = target.model;
    this.provider = provider;
    this.group = batchGroup(provider.id, target.model, request.options);
    this.#request = { ...request, model: target.model };
    this.key = undefined;
  }

  /** Whether a caller other than its own still wants this response. */
  get isShared(): boolean {
    for (const request of this.requests ?? []) if (request.caller !== this.caller) return true;
    return false;
  }

  /** Whether a reader or a detached request keeps it going. */
  get isRetained(): boolean {
    return this.#refCount > 0;
  }

  /** Keeps the generation going until the matching `release`. */
  retain(): void {
    this.#refCount += 1;
    this.#cancelGraceTimer?.();
    this.#cancelGraceTimer = undefined;
  }

  /** Undoes one `retain`; after the last one, the grace period begins. */
  release(): void {
    this.#refCount -= 1;
    this.#startGraceIfUnused();
  }

  /** Adds a request. One that is not detached needs a reader within the grace period. */
  attach(request: GenerationRequest): void {
    this.requests ??= new Set();
    this.requests.add(request);
    if (request.detached) this.retain();
    else this.#startGraceIfUnused();
  }

  /** Removes a cancelled request; without another one, the generation is cancelled too. */
  detach(request: GenerationRequest): void {
    this.requests?.delete(request);
    this.#refCount -= (request.readers?.size ?? 0) + (request.detached ? 1 : 0);
    if (this.requests === undefined || this.requests.size === 0)
      this.#finishUnwanted({ type: 'error', error: CANCELLATIONS[request.cancelledBy] });
    else this.#startGraceIfUnused();
  }

  /** Ends the generation in this turn of the event loop. The first end counts. */
  finish(event: FinalEvent): void {
    const context = this.#context;
    if (context === undefined || this.finishedAt !== undefined) return;
    if (event.type === 'done') this.response = this.#complete(event);
    this.#end(event, context.clock.now());
    this.#cancelGraceTimer?.();
    this.#cancelGraceTimer = undefined;
    context.onDone(this);
    this.requests = undefined;
    this.#request = undefined;
    if (event.type === 'error') this.#abort?.abort(event.error);
  }

  /** Aborts the model call. Created on first use: a generation that never starts has none. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** Frees what only the model call needed. */
  dispose(): void {
    this.#abort = undefined;
    this.tried = undefined;
  }

  #end(event: FinalEvent, now: number): void {
    this.finishedAt = now;
    this.state = event.type === 'done' ? 'completed' : event.error.code === 'cancelled' ? 'cancelled' : 'failed';
    this.log.append(event);
  }

  #complete({
    done_reason,
    usage,
    durations,
    context,
    stop_sequence,
  }: Extract<FinalEvent, { type: 'done' }>): CompletedResponse {
    return {
      content: this.log.text('content'),
      thinking: this.log.text('thinking'),
      tool_calls: this.log.toolCalls(),
      logprobs: this.log.logprobs(),
      model: this.model,
      done_reason,
      usage,
      ...(durations === undefined ? {} : { durations }),
      ...(context === undefined ? {} : { context }),
      ...(stop_sequence === undefined ? {} : { stop_sequence }),
    };
  }

  #startGraceIfUnused(): void {
    if (this.#refCount > 0 || this.finishedAt !== undefined || this.#context === undefined) return;
    const { clock, graceMs } = this.#context;
    this.#cancelGraceTimer ??= clock.after(graceMs, () => {
      this.#cancelGraceTimer = undefined;
      this.#finishUnwanted({ type: 'error', error: ABANDONED });
    });
  }

  #finishUnwanted(end: FinalEvent): void {
    if (this.#context?.onUnwanted?.(this, end) !== true) this.finish(end);
  }
}

/** The input of a generation that calls no model, or not yet. */
function withoutRequest(
  id: string,
  caller: string,
  createdAt: number,
  model: string,
): Omit<GenerationInit, 'provider' | 'request'> {
  return { id, caller, group: '', model, createdAt, key: undefined, priority: 0, requestBytes: 0 };
}
