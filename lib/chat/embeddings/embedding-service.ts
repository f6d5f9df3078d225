import { setImmediate } from 'node:timers/promises';
import type { CachePolicy } from '#lib/chat/cache/cache-policy';
import type { Clock } from '#lib/chat/clock';
import { type BatchInput, EmbeddingBatch, inputBytes, splitIntoBatches } from '#lib/chat/embeddings/embedding-batch';
import { type Embedding, EmbeddingCache } from '#lib/chat/embeddings/embedding-cache';
import { embeddingKeys } from '#lib/chat/embeddings/embedding-key';
import { EmbeddingMeter } from '#lib/chat/embeddings/embedding-meter';
import { HeldMemory } from '#lib/chat/embeddings/held-memory';
import type { PersistentCache } from '#lib/chat/persistence/persistent-cache';
import { decodeEmbedding, encodeEmbedding } from '#lib/chat/persistence/stored-embedding';
import type { TaskWork } from '#lib/chat/scheduler/task';
import type { TaskRequest } from '#lib/chat/task-runner';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { BodyBudget } from '#lib/http/body-budget';
import type { Principal } from '#lib/http/principal';
import type { Allowance } from '#lib/http/request-limits';
import { abortable } from '#lib/models/abortable';
import type { EmbedInput, EmbedRequest, EmbedResult, Vector } from '#lib/models/embedding';
import { checkEmbedSupport } from '#lib/models/embedding-support';
import type { RouteTarget } from '#lib/models/model-route';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';
import { type UsageRecorder, usageRecorder } from '#lib/people/usage/usage-recorder';
import { genAiAttributes } from '#lib/telemetry/generative-ai';
import type { SpanValue } from '#lib/telemetry/span';
import { withSpan } from '#lib/telemetry/tracing';
import { MIB } from '#lib/units';
import type { CacheHeader } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/server-stats';

/** Memory of all requests under way, inputs and vectors; one caller half of it. */
const MAX_HELD_BYTES = 128 * MIB;
/**
 * Batches of one request that wait or run at a time, also where more slots are there. The others do
 * not take places in the line.
 */
const MAX_CONCURRENT_BATCHES = 32;
/** Embeddings that are read from the database in one turn of the event loop. */
const READS_PER_TURN = 32;

export interface EmbeddingServiceOptions {
  readonly settings: Config;
  readonly clock: Clock;
  /** The second level of the cache, which the chat engine clears. Undefined without one. */
  readonly persistent?: PersistentCache | undefined;
  /** @default the one of the process */
  readonly usage?: UsageRecorder | undefined;
  runTask<T>(task: TaskRequest, work: TaskWork<T>): Promise<T>;
  /** The model server of a provider, if it is known. */
  serverOf?(provider: ModelProvider): ModelServer | undefined;
}

export interface EmbeddingSubmitter {
  readonly caller: string;
  /** Whose usage it is. Undefined for work that no caller asked for. */
  readonly principal?: Principal | undefined;
  /** The limits of the caller; undefined without limits. */
  readonly allowance?: Allowance | undefined;
  /** The request for which the model server is called. */
  readonly requestId: string;
  /** What the request does with the cache and with the inputs of others. */
  readonly policy: CachePolicy;
  /** The client's. */
  readonly signal: AbortSignal;
  /** What the model's name stands for. Only the first is used: models differ in their vectors. */
  readonly targets?: readonly RouteTarget[] | undefined;
}

export interface EmbeddingResponse {
  /** In the order of the inputs. */
  readonly vectors: readonly Vector[];
  readonly promptTokens: number;
  /** `hit` or `joined` if no input was sent to the model server for this request. */
  readonly cacheStatus: CacheHeader;
  readonly ignoredFields: readonly string[];
  /** To be called once, when the vectors are no longer needed. */
  release(): void;
}

/** One request on its way through the service. */
interface Call {
  readonly provider: ModelProvider;
  readonly request: EmbedRequest;
  readonly submitter: EmbeddingSubmitter;
  readonly held: HeldMemory;
  /** Whether it reads the cache and joins other requests. */
  readonly mayShare: boolean;
  /** What model servers did for it alone. */
  readonly meter: EmbeddingMeter;
}

/** Where the inputs of a request are. */
interface Plan {
  readonly cached: Map<string, Embedding>;
  readonly joined: ReadonlySet<EmbeddingBatch>;
  readonly own: readonly EmbeddingBatch[];
}

/**
 * Embeddings through cache, single flight and the line of chats, each by single input: a request
 * takes the inputs that are cached from the cache, joins those that are under way, and sends the
 * rest in batches of bounded size.
 */
export class EmbeddingService {
  readonly #options: EmbeddingServiceOptions;
  readonly #cache: EmbeddingCache;
  readonly #budget = new BodyBudget(MAX_HELD_BYTES);
  /** The batches of inputs that wait or run, by the keys of the inputs. */
  readonly #inFlight = new Map<string, EmbeddingBatch>();

  constructor(options: EmbeddingServiceOptions) {
    const { settings, clock } = options;
    this.#options = options;
    this.#cache = new EmbeddingCache(
      { maxBytes: settings.EMBEDDING_CACHE_MAX_SIZE_MB * MIB, ttlMs: settings.CACHE_TTL_SECONDS * 1000 },
      clock,
    );
    options.persistent?.keepThose((key) => this.#cache.has(key));
  }

  /** Throws the provider's errors, `unsupported_value`, `queue_full` and `shutting_down`. */
  async embed(
    provider: ModelProvider,
    request: EmbedRequest,
    submitter: EmbeddingSubmitter,
  ): Promise<EmbeddingResponse> {
    const ignoredFields = checkEmbedSupport(provider, request);
    const held = new HeldMemory(this.#budget, submitter.caller);
    const meter = new EmbeddingMeter(submitter.principal, request.model, this.#options.usage ?? usageRecorder());
    try {
      held.add(request.inputs.reduce<number>((bytes, input) => bytes + inputBytes(input), 0));
      const keys = embeddingKeys(provider.id, request).map((key) => this.#scopedKey(key, submitter.caller));
      const inputs = new Map(keys.map((key, index) => [key, request.inputs[index] ?? '']));
      const call: Call = { provider, request, submitter, held, mayShare: submitter.policy.reads, meter };
      const { found, cacheStatus } = await this.#collect(call, inputs);
      const embeddings = keys.map((key) => found.get(key)).filter((one): one is Embedding => one !== undefined);
      const promptTokens = embeddings.reduce((sum, one) => sum + one.promptTokens, 0);
      meter.completed(cacheStatus, promptTokens);
      return {
        vectors: embeddings.map(({ vector }) => vector),
        promptTokens,
        cacheStatus,
        ignoredFields,
        release: () => held.release(),
      };
    } catch (error) {
      held.release();
      meter.failed(error, submitter.signal.aborted);
      throw error;
    }
  }

  /** Returns how many entries were removed. */
  clear(): number {
    return this.#cache.clear();
  }

  stats(): CacheStats {
    const { persistent } = this.#options;
    const persisted = persistent?.isOn === true ? { persisted: persistent.stats('embedding') } : undefined;
    return { ...this.#cache.stats(), ...persisted };
  }

  /** Brings embeddings from the second level into memory. Never rejects. */
  async #load(keys: Iterable<string>): Promise<void> {
    const { persistent } = this.#options;
    let reads = 0;
    for (const key of keys) {
      if (persistent?.mayHave(key) !== true || this.#cache.has(key)) continue;
      reads += 1;
      if (reads % READS_PER_TURN === 0) await setImmediate();
      const stored = await persistent.read(key);
      const embedding = stored && decodeEmbedding(stored.value);
      if (embedding !== undefined && stored !== undefined && !this.#cache.has(key))
        this.#cache.restore(key, embedding, stored.createdAt);
    }
  }

  /** The embedding of every input. */
  async #collect(
    call: Call,
    inputs: ReadonlyMap<string, EmbedInput>,
  ): Promise<{ found: Map<string, Embedding>; cacheStatus: CacheHeader }> {
    const { signal } = call.submitter;
    signal.throwIfAborted();
    const { persistent, settings } = this.#options;
    if (persistent !== undefined && call.mayShare && settings.CACHE_ENABLED) await this.#load(inputs.keys());
    signal.throwIfAborted();
    const { cached: found, joined, own } = this.#plan(call, inputs);
    const batches = [...joined, ...own];
    for (const batch of batches) batch.retain();
    if (own.length > 0) call.meter.waitFor(this.#run(own, call));
    let hasFailed = false;
    try {
      await abortable(Promise.all(batches.map((batch) => this.#take(batch, call, joined, found))), signal);
    } catch (error) {
      // A client that left may come back within the grace period.
      hasFailed = !signal.aborted;
      throw error;
    } finally {
      for (const batch of batches) batch.release(hasFailed);
    }
    const lost = new Map([...inputs].filter(([key]) => !found.has(key)));
    if (lost.size > 0) {
      const again = await this.#collect({ ...call, mayShare: false }, lost);
      for (const [key, embedding] of again.found) found.set(key, embedding);
    }
    return { found, cacheStatus: this.#statusOf(call, own.length > 0 || lost.size > 0, joined.size > 0) };
  }

  /**
   * Looks every input up, and registers batches for the others. Synchronous: no two identical
   * inputs can miss each other.
   */
  #plan({ mayShare, submitter }: Call, inputs: ReadonlyMap<string, EmbedInput>): Plan {
    const { settings, clock } = this.#options;
    const cached = new Map<string, Embedding>();
    const joined = new Set<EmbeddingBatch>();
    const missing: BatchInput[] = [];
    for (const [key, input] of inputs) {
      const embedding = mayShare && settings.CACHE_ENABLED ? this.#cache.get(key) : undefined;
      const batch = mayShare && settings.BATCH_DEDUPLICATION ? this.#inFlight.get(key) : undefined;
      if (embedding !== undefined) cached.set(key, embedding);
      else if (batch !== undefined) joined.add(batch);
      else missing.push({ key, input });
    }
    const limits = { clock, graceMs: settings.DISCONNECT_GRACE_MS };
    const own = splitIntoBatches(missing).map((batch) => new EmbeddingBatch(batch, limits));
    for (const batch of submitter.policy.stores ? own : [])
      for (const { key } of batch.inputs) if (!this.#inFlight.has(key)) this.#inFlight.set(key, batch);
    return { cached, joined, own };
  }

  /**
   * Adds the embeddings of a batch to `found`. One that another request began may have failed by
   * an input of that request: its inputs are left out, and sent again.
   */
  async #take(
    batch: EmbeddingBatch,
    { held }: Call,
    joined: ReadonlySet<EmbeddingBatch>,
    found: Map<string, Embedding>,
  ): Promise<void> {
    let embeddings: readonly Embedding[];
    try {
      embeddings = await batch.result;
    } catch (error) {
      if (joined.has(batch)) return;
      throw error;
    }
    held.add(embeddings.reduce((bytes, { vector }) => bytes + vector.byteLength, 0));
    for (const [index, { key }] of batch.inputs.entries()) {
      const embedding = embeddings[index];
      if (embedding !== undefined) found.set(key, embedding);
    }
  }

  /** Runs the batches of one request, as many at a time as there are slots. Never rejects. */
  async #run(batches: readonly EmbeddingBatch[], call: Call): Promise<void> {
    const release = call.held.share();
    const rest = batches.values();
    const runRest = async () => {
      for (const batch of rest) await this.#runBatch(batch, call);
    };
    const count = Math.min(MAX_CONCURRENT_BATCHES, this.#slotsFor(call), batches.length);
    await Promise.all(Array.from({ length: count }, runRest));
    release();
  }

  /** Slots of all servers that can embed for the request. */
  #slotsFor({ provider, request, submitter }: Call): number {
    const own = this.#options.serverOf?.(provider);
    const servers = submitter.targets?.[0]?.servers ?? (own === undefined ? [] : [own]);
    const slots = servers
      .filter((server) => server.isUp && server.has(request.model) !== false)
      .reduce((sum, server) => sum + server.slots, 0);
    return slots || this.#options.settings.QUEUE_MAX_CONCURRENT;
  }

  async #runBatch(batch: EmbeddingBatch, { provider, request, submitter, meter }: Call): Promise<void> {
    const { settings } = this.#options;
    const { bytes, signal } = batch;
    const { caller, allowance, targets } = submitter;
    const task: TaskRequest = {
      caller,
      allowance,
      model: request.model,
      provider,
      targets: targets?.slice(0, 1),
      isRepeatable: true,
      isRetried: true,
      bytes,
      signal,
      onDone: meter.taskDone,
    };
    try {
      signal.throwIfAborted();
      const inputs = batch.inputs.map(({ input }) => input);
      const result = await this.#options.runTask(task, (chosen, taskSignal, _model, calls) => {
        const called = genAiAttributes({ operation: 'embeddings', provider: chosen.id, model: request.model });
        const attributes: Record<string, SpanValue> = { ...called, inputs: inputs.length };
        const embed = async () => {
          const embedded = await calls.guard(() => embedWith(chosen, { ...request, inputs }, taskSignal));
          attributes['gen_ai.usage.input_tokens'] = embedded.promptTokens;
          return embedded;
        };
        return withSpan(submitter.requestId, `embeddings ${request.model}`, attributes, embed, 'client');
      });
      meter.tokensRead(result.promptTokens);
      // Also where the client has left: it finds the embeddings in the cache later.
      allowance?.spendTokens(result.promptTokens);
      const embeddings = batch.resolve(result);
      this.#forget(batch);
      if (settings.CACHE_ENABLED && submitter.policy.stores)
        for (const [index, { key }] of batch.inputs.entries()) {
          const embedding = embeddings[index];
          if (embedding === undefined) continue;
          this.#cache.set(key, embedding);
          this.#options.persistent?.store('embedding', key, this.#options.clock.now(), () =>
            encodeEmbedding(embedding),
          );
        }
    } catch (error) {
      this.#forget(batch);
      batch.reject(error);
      // Its readers leave the other batches of the request before the next one begins.
      await setImmediate();
    }
  }

  /** Requests join the batch no more. */
  #forget(batch: EmbeddingBatch): void {
    for (const { key } of batch.inputs) if (this.#inFlight.get(key) === batch) this.#inFlight.delete(key);
  }

  #statusOf({ mayShare }: Call, hasSent: boolean, hasJoined: boolean): CacheHeader {
    if (!mayShare || !this.#options.settings.CACHE_ENABLED) return hasJoined && !hasSent ? 'joined' : 'bypass';
    return hasSent ? 'miss' : hasJoined ? 'joined' : 'hit';
  }

  /** A cache key, per caller if responses are not shared. */
  #scopedKey(key: string, caller: string): string {
    return this.#options.settings.CACHE_SCOPE === 'all' ? key : `${key} ${caller}`;
  }
}

async function embedWith(provider: ModelProvider, request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult> {
  if (provider.embed === undefined) throw new AppError('unsupported_value', 'The model server makes no embeddings.');
  return await provider.embed(request, signal);
}
