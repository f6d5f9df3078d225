import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import type { ModelEvent, ModelEventListener, ModelProvider, ModelRequest } from '#lib/models/provider';

export type UpstreamTimeouts = Pick<
  Config,
  'UPSTREAM_FIRST_TOKEN_TIMEOUT_MS' | 'UPSTREAM_IDLE_TIMEOUT_MS' | 'UPSTREAM_TOTAL_TIMEOUT_MS'
>;

/**
 * One response, over one or more attempts. Owns its abort signals, and one timer for all three
 * limits: it is postponed when it fires early, so neither an attempt nor an event starts one.
 */
export class Attempts {
  readonly #provider: ModelProvider;
  readonly #request: ModelRequest;
  readonly #caller: AbortSignal;
  readonly #limits: UpstreamTimeouts;
  readonly #emit: ModelEventListener;
  /** Aborts with the reason that ends the response: the caller's, or a timeout. */
  readonly #whole = new AbortController();
  readonly #startMs = performance.now();
  #attempt: Attempt | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  /** When the running attempt began; undefined before it, and after its end. */
  #attemptMs: number | undefined;
  /** When the last event came; undefined before the first, and after `done`. */
  #lastEventMs: number | undefined;

  constructor(
    provider: ModelProvider,
    request: ModelRequest,
    caller: AbortSignal,
    limits: UpstreamTimeouts,
    emit: ModelEventListener,
  ) {
    this.#provider = provider;
    this.#request = request;
    this.#caller = caller;
    this.#limits = limits;
    this.#emit = emit;
    caller.addEventListener('abort', this.#callerAborted, { once: true });
  }

  get signal(): AbortSignal {
    return this.#whole.signal;
  }

  /** Starts an attempt. Resolves at its first event. */
  async open(): Promise<void> {
    this.signal.throwIfAborted();
    this.#attempt?.leave();
    const attempt = new Attempt(this.#receive);
    this.#attempt = attempt;
    this.#attemptMs = performance.now();
    this.#setTimer(this.#nextLimit());
    try {
      attempt.start(this.#provider, this.#request);
      await attempt.opened;
    } finally {
      this.#attemptMs = undefined;
    }
  }

  /** Resolves when the opened attempt has ended. */
  async ended(): Promise<void> {
    await this.#attempt?.ended;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this.#callerAborted);
    this.#attempt?.leave();
  }

  readonly #receive = (event: ModelEvent): void => {
    if (event.type === 'done') this.#lastEventMs = undefined;
    else {
      const isFirst = this.#lastEventMs === undefined;
      this.#attemptMs = undefined;
      this.#lastEventMs = performance.now();
      if (isFirst) this.#setTimer(this.#nextLimit());
    }
    this.#emit(event);
  };

  /** The limit that is reached next. */
  #nextLimit(): Limit {
    const { UPSTREAM_FIRST_TOKEN_TIMEOUT_MS, UPSTREAM_IDLE_TIMEOUT_MS, UPSTREAM_TOTAL_TIMEOUT_MS } = this.#limits;
    const total = { kind: 'total', atMs: this.#startMs + UPSTREAM_TOTAL_TIMEOUT_MS } as const;
    let next: Limit = total;
    if (this.#attemptMs !== undefined)
      next = earlier(next, { kind: 'first token', atMs: this.#attemptMs + UPSTREAM_FIRST_TOKEN_TIMEOUT_MS });
    if (this.#lastEventMs !== undefined)
      next = earlier(next, { kind: 'idle', atMs: this.#lastEventMs + UPSTREAM_IDLE_TIMEOUT_MS });
    return next;
  }

  /** A timer that fires earlier stays. */
  #setTimer({ atMs }: Limit): void {
    if (this.#timerAtMs <= atMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(this.#checkLimits, Math.max(0, atMs - performance.now()));
  }

  readonly #checkLimits = (): void => {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const next = this.#nextLimit();
    if (next.atMs > performance.now()) this.#setTimer(next);
    else if (next.kind === 'total') this.#abort(timeoutError('did not finish', this.#limits.UPSTREAM_TOTAL_TIMEOUT_MS));
    else if (next.kind === 'idle')
      this.#abort(timeoutError('sent nothing more of its answer', this.#limits.UPSTREAM_IDLE_TIMEOUT_MS));
    else {
      this.#attemptMs = undefined;
      this.#attempt?.abort(timeoutError('sent no first token', this.#limits.UPSTREAM_FIRST_TOKEN_TIMEOUT_MS));
      this.#setTimer(this.#nextLimit());
    }
  };

  readonly #callerAborted = () => this.#abort(this.#caller.reason);

  #abort(reason: unknown): void {
    this.#whole.abort(reason);
    this.#attempt?.abort(reason);
  }
}

interface Limit {
  readonly kind: 'total' | 'first token' | 'idle';
  /** Of `performance.now()`. */
  readonly atMs: number;
}

function earlier(a: Limit, b: Limit): Limit {
  return b.atMs < a.atMs ? b : a;
}

/** One call of a provider. It ends at an abort even if the provider ignores its signal. */
class Attempt {
  readonly #receive: ModelEventListener;
  readonly #controller = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #hasEvent = false;
  #isDone = false;
  #isOver = false;

  constructor(receive: ModelEventListener) {
    this.#receive = receive;
    // `opened` rejects with the same error, and has a listener.
    this.#ended.promise.catch(() => {});
  }

  /** Resolves at the first event, or at an end without one. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  start(provider: ModelProvider, request: ModelRequest): void {
    provider.chat(request, this.#controller.signal, this.#take).then(
      () => this.#end(),
      (error: unknown) => this.#fail(error),
    );
  }

  abort(reason: unknown): void {
    if (!this.#isOver) this.#fail(reason);
    this.#controller.abort(reason);
  }

  /** Ends the call upstream. An abort of a complete response would only close the connection. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isDone) this.#controller.abort();
  }

  readonly #take = (event: ModelEvent): void => {
    if (this.#isOver) return;
    if (event.type === 'done') this.#isDone = true;
    this.#receive(event);
    if (this.#hasEvent) return;
    this.#hasEvent = true;
    this.#opened.resolve();
  };

  #end(): void {
    this.#isOver = true;
    this.#opened.resolve();
    this.#ended.resolve();
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    this.#opened.reject(error);
    this.#ended.reject(error);
  }
}

function timeoutError(what: string, milliseconds: number): AppError {
  return new AppError('upstream_timeout', `The model ${what} within ${milliseconds / 1000} seconds.`);
}
