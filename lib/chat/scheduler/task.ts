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

/** What the work of a task does with its model server. */
export interface TaskCalls {
  /**
   * Calls the server behind circuit breakers, and again after transient errors if the task is to be
   * retried.
   */
  guard<T>(call: () => Promise<T>): Promise<T>;
  /** Notes that a part of the result reaches the caller: the task is not repeated any more. */
  begin(): void;
}

/**
 * The part of a task that runs in its slot. `signal` aborts it. `model` is the model server's own
 * name of the requested model.
 */
export type TaskWork<T> = (provider: ModelProvider, signal: AbortSignal, model: string, calls: TaskCalls) => Promise<T>;

/** One attempt at a task, on one server. */
export interface TaskAttempt {
  readonly provider: ModelProvider;
  /** Aborts when the server is lost. Undefined if no other server could take over. */
  readonly lost: AbortSignal | undefined;
  guard<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** What becomes of the task, which failed. */
  onFailure(error: unknown): TaskEnd;
}

/** `moved`: it runs or waits elsewhere. `again`: it is to run once more on its server. */
export type TaskEnd = 'ended' | 'moved' | 'again';

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
  /** Whether the same server is asked again after a transient error. */
  readonly isRetried: boolean;
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
  /** Called when a run was too long, before `onDone`. */
  onTimeout(task: RunnableTask, error: AppError): void;
  /** Called once, in the turn in which the task finishes. */
  onDone(task: RunnableTask): void;
}

/** A task as the scheduler sees it. */
export interface RunnableTask extends QueuedWork {
  readonly provider: ModelProvider;
  readonly isRetried: boolean;
  /** Settles when the attempt is over, and the slot free again unless it goes on. Never rejects. */
  run(attempt: TaskAttempt): Promise<TaskEnd>;
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
  readonly isRetried: boolean;
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
  readonly #mayRepeat: boolean;
  #hasBegun = false;
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
    this.isRetried = init.isRetried;
    this.#mayRepeat = init.isRepeatable;
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

  get isRepeatable(): boolean {
    return this.#mayRepeat && !this.#hasBegun;
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
      const error = new AppError('upstream_timeout', message);
      if (this.state === 'running') this.#context.onTimeout(this, error);
      this.finish({ type: 'error', error });
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

  async run({ provider, lost, guard, onFailure }: TaskAttempt): Promise<TaskEnd> {
    const own = this.#abort.signal;
    const signal = lost === undefined ? own : AbortSignal.any([own, lost]);
    const calls: TaskCalls = {
      guard: (call) => guard(call, signal),
      begin: () => {
        this.#hasBegun = true;
      },
    };
    try {
      const result = await this.#inContext(() => this.#work(provider, signal, this.model, calls));
      this.#settle('completed', () => this.#result.resolve(result));
    } catch (error) {
      const end = this.finishedAt === undefined ? onFailure(error) : 'ended';
      if (end !== 'ended') return end;
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
