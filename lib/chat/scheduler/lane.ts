import { LRUCache } from 'lru-cache';
import type { QueueBounds } from '#lib/chat/scheduler/queue-bounds';
import { movedAverage, WaitEstimator } from '#lib/chat/scheduler/wait-estimator';
import { type QueueItem, type QueueLimits, WaitingQueue } from '#lib/chat/scheduler/waiting-queue';
import type { ModelServer } from '#lib/models/model-server';
import type { Durations } from '#lib/models/provider';
import type { TokenUsage } from '#lib/wire/chat';

const MAX_MODELS = 256;
/** A shorter load is that of a model which was loaded already. */
const MIN_LOAD_MS = 500;
/** A shorter prompt says nothing about the rate: most of its time is overhead. */
const MIN_PROMPT_TOKENS = 50;
/** The rate of a server without a measured one. */
const USUAL_PROMPT_TOKENS_PER_SECOND = 500;
/** How long a model is avoided on a server where it failed. */
const AVOID_MS = 5_000;
const NS_PER_MS = 1_000_000;
const MS_PER_SECOND = 1_000;

/** The figures of one response. */
export interface MeasuredResponse {
  readonly model: string;
  readonly usage: TokenUsage;
  readonly durations?: Durations | undefined;
  /** From the first token to the last one. */
  readonly writingMs: number;
}

/** What bounds the work of this process on a server besides the slots of that. */
export interface LaneBound<T> {
  /** Work at a time, as far as that is known, for estimates. */
  readonly slots: number;
  /** Whether `work` may start next to what runs. */
  allows(work: T, running: ReadonlySet<T>): boolean;
}

/** One model server with its slots, its line, and what was measured of it. */
export class Lane<T extends QueueItem> {
  readonly server: ModelServer;
  readonly line: WaitingQueue<T>;
  readonly running = new Set<T>();
  /** Work that other instances have here, as last seen, and work in the line of all instances. */
  shared: { readonly waiting: number; readonly running: number } = { waiting: 0, running: 0 };
  /** Undefined if this process has all slots of the server. */
  bound: LaneBound<T> | undefined;
  readonly times: WaitEstimator;
  readonly #loadMs = new LRUCache<string, number>({ max: MAX_MODELS });
  readonly #avoidedUntil = new LRUCache<string, number>({ max: MAX_MODELS });
  #promptTokensPerSecond: number | undefined;
  #tokensPerSecond: number | undefined;
  /** Cancels the move of its line, while the server is down. */
  cancelMove: (() => void) | undefined;

  constructor(
    server: ModelServer,
    limits: QueueLimits,
    bounds: QueueBounds<T>,
    times: WaitEstimator,
    fallbackMs: number,
  ) {
    this.server = server;
    this.line = new WaitingQueue(limits, bounds);
    this.times = new WaitEstimator(fallbackMs, times);
  }

  get hasSlot(): boolean {
    return this.running.size < this.server.slots;
  }

  hasSlotFor(work: T): boolean {
    return this.hasSlot && this.bound?.allows(work, this.running) !== false;
  }

  /** Work of this process at a time. */
  get slots(): number {
    return Math.min(this.server.slots, this.bound?.slots ?? this.server.slots);
  }

  get promptTokensPerSecond(): number {
    return this.#promptTokensPerSecond ?? USUAL_PROMPT_TOKENS_PER_SECOND;
  }

  /** Of generated text; undefined before the first response. */
  get tokensPerSecond(): number | undefined {
    return this.#tokensPerSecond;
  }

  /** Undefined if the model was never loaded while it was measured. */
  loadMs(model: string): number | undefined {
    return this.#loadMs.get(model);
  }

  measure({ model, usage, durations, writingMs }: MeasuredResponse): void {
    const { load_ns: loadNs = 0, prompt_eval_ns: promptNs = 0 } = durations ?? {};
    if (loadNs / NS_PER_MS >= MIN_LOAD_MS)
      this.#loadMs.set(model, movedAverage(this.#loadMs.get(model), loadNs / NS_PER_MS));
    if (usage.prompt_tokens >= MIN_PROMPT_TOKENS && promptNs > 0)
      this.#promptTokensPerSecond = movedAverage(
        this.#promptTokensPerSecond,
        (usage.prompt_tokens * NS_PER_MS * MS_PER_SECOND) / promptNs,
      );
    if (usage.completion_tokens > 1 && writingMs > 0)
      this.#tokensPerSecond = movedAverage(
        this.#tokensPerSecond,
        (usage.completion_tokens * MS_PER_SECOND) / writingMs,
      );
  }

  /** Notes that a model failed here, so that others are preferred for a while. */
  avoid(model: string, now: number): void {
    this.#avoidedUntil.set(model, now + AVOID_MS);
  }

  isAvoided(model: string, now: number): boolean {
    return (this.#avoidedUntil.get(model) ?? 0) > now;
  }
}
