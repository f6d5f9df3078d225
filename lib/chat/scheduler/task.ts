import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Clock } from '#lib/chat/clock';
import type { FinalEvent, GenerationState } from '#lib/chat/generation/generation';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import { AppError, asError } from '#lib/errors';
import type { RouteTarget } from '#lib/models/model-route';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';

/** Memory of a waiting task without its request, rounded up. */
const WAITING_BYTES = 1_024;

/**
 * The part of a task that runs in its slot. `signal` aborts it. `model` is the model server's own
 * name of the requested model.
 */
export type TaskWork<T> = (provider: ModelProvider, signal: AbortSignal, model: string) => Promise<T>;

export interface TaskInit<T> {
  readonly caller: string;
  readonly priority: number;
  readonly group: string;
  readonly model: string;
  readonly provider: ModelProvider;
  readonly targets: readonly RouteTarget[] | undefined;
  /** Whether the work may be called again, with another provider, after a failure. */
  readonly isRepeatable: boolean;
  /** Whether its caller was above its share, which lowered `priority`. */
  readonly isBehind: boolean;
  /** Memory of the request, waiting or running. */
  readonly bytes: number;
  /** The caller's: its abort ends the task with the signal's reason, wherever it is. */
  readonly signal: AbortSignal;
  readonly work: TaskWork<T>;
  readonly onDone?: ((task: RunnableTask) => void) | undefined;
}

export interface TaskContext {
  readonly clock: Clock;
  /** The longest run, in milliseconds. */
  readonly maxRunMs: number;
  /** Called once, in the turn in which the task finishes. */
  onDone(task: RunnableTask): void;
}

/** A task as the scheduler sees it. */
export interface RunnableTask extends QueuedWork {
  readonly provider: ModelProvider;
  /**
   * Settles when the slot is free again. Never rejects. `retry` is called with the error of
   * repeatable work; if it returns true, the task runs again elsewhere.
   */
  run(provider: ModelProvider, retry: (error: unknown) => boolean): Promise<'ended' | 'moved'>;
  /** Of the task's caller. */
  readonly onDone: ((task: RunnableTask) => void) | undefined;
}

/**
 * Work for a model server that is no chat generation: embeddings, or a request that is passed
 * through. It waits in the same line as generations, and has one reader, its caller.
 */
export class Task<T> implements RunnableTask {
  readonly id = randomUUID();
  readonly caller: string;
  readonly priority: number;
  readonly group: string;
  model: string;
  readonly createdAt: number;
  provider: ModelProvider;
  targets: readonly RouteTarget[] | undefined;
  server: ModelServer | undefined;
  tried: Set<ModelServer> | undefined;
  readonly isRepeatable: boolean;
  readonly isBehind: boolean;
  readonly prefixKey = undefined;
  readonly bytes: number;
  readonly requestBytes: number;
  readonly tokens = 0;
  readonly isShared = false;
  readonly requests = undefined;
  readonly onDone: ((task: RunnableTask) => void) | undefined;
  state: GenerationState = 'queued';
  startedAt: number | undefined;
  finishedAt: number | undefined;
  readonly #context: TaskContext;
  readonly #work: TaskWork<T>;
  readonly #caller: AbortSignal;
  readonly #abort = new AbortController();
  readonly #result = Promise.withResolvers<T>();
  /** The work runs in its caller's context, whatever request freed its slot. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  #cancelRunTimer: (() => void) | undefined;

  constructor(init: TaskInit<T>, context: TaskContext) {
    const { bytes, signal } = init;
    this.caller = init.caller;
    this.priority = init.priority;
    this.group = init.group;
    this.model = init.model;
    this.createdAt = context.clock.now();
    this.provider = init.provider;
    this.targets = init.targets;
    this.isRepeatable = init.isRepeatable;
    this.isBehind = init.isBehind;
    this.requestBytes = bytes;
    this.bytes = bytes + WAITING_BYTES;
    this.#caller = signal;
    this.#work = init.work;
    this.onDone = init.onDone;
    this.#context = context;
    // Handled by the caller, who may wait for `result` only after a refused admission.
    this.#result.promise.catch(() => {});
    signal.addEventListener('abort', this.#callerAborted, { once: true });
  }

  /** Resolves with what the work returns, else rejects with its error or with the end's. */
  get result(): Promise<T> {
    return this.#result.promise;
  }

  /** The times of tasks say nothing about those of generations. */
  get timingKey(): string {
    return `task\n${this.model}`;
  }

  /** A task has only the memory that its caller declared. */
  pack(): void {}

  start(now: number, server: ModelServer): void {
    this.state = 'running';
    this.startedAt = now;
    this.server = server;
    this.provider = server.provider;
    const { clock, maxRunMs } = this.#context;
    this.#cancelRunTimer ??= clock.after(maxRunMs, () => {
      const message = `The model server did not finish within ${maxRunMs / 1000} seconds.`;
      this.finish({ type: 'error', error: new AppError('upstream_timeout', message) });
    });
  }

  requeue(): void {
    this.state = 'queued';
    this.startedAt = undefined;
  }

  suits(): boolean {
    return true;
  }

  retarget(target: RouteTarget, provider: ModelProvider): void {
    this.targets = this.targets?.slice(this.targets.indexOf(target));
    this.tried = undefined;
    this.model = target.model;
    this.provider = provider;
  }

  async run(provider: ModelProvider, retry: (error: unknown) => boolean): Promise<'ended' | 'moved'> {
    try {
      const result = await this.#inContext(() => this.#work(provider, this.#abort.signal, this.model));
      this.#settle('completed', () => this.#result.resolve(result));
    } catch (error) {
      if (this.finishedAt === undefined && this.isRepeatable && retry(error)) return 'moved';
      this.#fail(error);
    }
    return 'ended';
  }

  finish({ error }: Extract<FinalEvent, { type: 'error' }>): void {
    this.#fail(error);
  }

  dispose(): void {
    this.#cancelRunTimer?.();
    this.#caller.removeEventListener('abort', this.#callerAborted);
  }

  readonly #callerAborted = () => this.#fail(this.#caller.reason);

  #fail(reason: unknown): void {
    const isCancelled = this.#caller.aborted || (AppError.is(reason) && reason.code === 'cancelled');
    this.#settle(isCancelled ? 'cancelled' : 'failed', () => this.#result.reject(reason));
    if (!this.#abort.signal.aborted) this.#abort.abort(asError(reason));
  }

  #settle(state: GenerationState, report: () => void): void {
    if (this.finishedAt !== undefined) return;
    this.state = state;
    this.finishedAt = this.#context.clock.now();
    this.dispose();
    report();
    this.#context.onDone(this);
  }
}
