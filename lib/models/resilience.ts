import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  decorrelatedJitterGenerator,
  ExponentialBackoff,
  handleWhen,
  type IBackoff,
  type IPolicy,
  type IRetryBackoffContext,
  retry,
  wrap,
} from 'cockatiel';
import { LRUCache } from 'lru-cache';
import { type Config, config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { abortable } from '#lib/models/abortable';
import type { ModelEvent, ModelEventListener, ModelProvider, ModelRequest } from '#lib/models/provider';
import { singleton } from '#lib/singletons';
import type { ErrorCode } from '#lib/wire/error';

export type UpstreamLimits = Pick<
  Config,
  'UPSTREAM_RETRIES' | 'UPSTREAM_FIRST_TOKEN_TIMEOUT_MS' | 'UPSTREAM_IDLE_TIMEOUT_MS' | 'UPSTREAM_TOTAL_TIMEOUT_MS'
>;

export interface ResilientChat {
  /** `retries` replaces UPSTREAM_RETRIES. */
  (
    provider: ModelProvider,
    request: ModelRequest,
    signal: AbortSignal,
    emit: ModelEventListener,
    retries?: number,
  ): Promise<void>;
  /**
   * Calls `call` behind the circuit breakers of the provider and of `model`, and again after
   * transient errors, `retries` times. It has no timeout but `signal`, whose reason is thrown.
   */
  guard?<T>(
    provider: ModelProvider,
    model: string,
    call: () => Promise<T>,
    signal: AbortSignal,
    retries?: number,
  ): Promise<T>;
  /** Closes the circuit breakers of a provider: its server was found to be up again. */
  reset?(provider: ModelProvider): void;
}

/** The wait before the first retry, at least. */
export const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 2_000;
/** A longer `Retry-After` of the model server is passed to the caller, without a retry. */
const MAX_RETRY_AFTER_MS = 3_000;
/** A breaker opens after so many failures in a row, and rejects calls for OPEN_MS. */
const FAILURES_TO_OPEN = 5;
const OPEN_MS = 5_000;
/** Callers choose names of models, so the number of circuit breakers is bounded per provider. */
const MAX_MODEL_BREAKERS = 500;

/** Transient errors. */
const RETRYABLE_CODES: ReadonlySet<ErrorCode> = new Set([
  'provider_unavailable',
  'upstream_failed',
  'upstream_truncated',
]);
/** Errors of a model, not of one request. */
const MODEL_BREAKER_CODES: ReadonlySet<ErrorCode> = new Set(['provider_unavailable', 'upstream_timeout']);

/** Generates a response with the timeouts, retries and circuit breakers of the settings. */
export function resilientChat(): ResilientChat {
  return singleton('resilience', () => createResilientChat(config()));
}

/**
 * Adds retries, circuit breakers and three timeouts to `provider.chat`. A provider has one breaker
 * for connections that do not open, and one per model for other failures. A rate limit opens
 * neither.
 *
 * A response is retried until its first event, up to UPSTREAM_RETRIES times. A retry waits for the
 * server's `Retry-After`, up to MAX_RETRY_AFTER_MS. A timeout throws `upstream_timeout` and ends
 * the request upstream; an open breaker throws `provider_unavailable` at once. No timer and no
 * listener outlives the response.
 */
export function createResilientChat(limits: UpstreamLimits): ResilientChat {
  const usual = new ExponentialBackoff({
    generator: decorrelatedJitterGenerator,
    initialDelay: FIRST_BACKOFF_MS,
    maxDelay: LONGEST_BACKOFF_MS,
  });
  const backoff = new DelegateBackoff<IRetryBackoffContext<unknown>, IBackoff<unknown>>((context, last) => {
    const next = last === undefined ? usual.next() : last.next(context);
    const asked = 'error' in context.result ? requestedWaitMs(context.result.error) : 0;
    return { delay: Math.max(next.duration, asked), state: next };
  });
  const retriesOf = (maxAttempts: number) => retry(handleWhen(isRetryable), { maxAttempts, backoff });
  const usualRetries = retriesOf(limits.UPSTREAM_RETRIES);
  const breakers = new WeakMap<ModelProvider, ProviderBreakers>();

  function policyOf(provider: ModelProvider, model: string): ModelPolicy {
    let known = breakers.get(provider);
    if (known === undefined) {
      known = { connection: breakerFor(isUnreached), models: new LRUCache({ max: MAX_MODEL_BREAKERS }) };
      breakers.set(provider, known);
    }
    const { connection, models } = known;
    let policy = models.get(model);
    if (policy === undefined) {
      const ofModel = breakerFor(isModelFailure);
      policy = { policy: wrap(usualRetries, ofModel, connection), connection, ofModel };
      models.set(model, policy);
    }
    return policy;
  }

  async function guard<T>(
    provider: ModelProvider,
    model: string,
    call: () => Promise<T>,
    signal: AbortSignal,
    retries = limits.UPSTREAM_RETRIES,
  ): Promise<T> {
    signal.throwIfAborted();
    const { policy: usualPolicy, connection, ofModel } = policyOf(provider, model);
    const policy = retries === limits.UPSTREAM_RETRIES ? usualPolicy : wrap(retriesOf(retries), ofModel, connection);
    return await abortable(policy.execute(call, signal), signal).catch((error: unknown) => {
      if (!(error instanceof BrokenCircuitError)) throw error;
      throw circuitOpenError(connection.state === CircuitState.Closed ? ofModel : connection);
    });
  }

  const chat: ResilientChat = async (provider, request, signal, emit, retries) => {
    signal.throwIfAborted();
    const attempts = new Attempts(provider, request, signal, limits, emit);
    try {
      await guard(provider, request.model, () => attempts.open(), attempts.signal, retries);
      await attempts.ended();
    } finally {
      attempts.close();
    }
  };
  chat.guard = guard;
  chat.reset = (provider) => void breakers.delete(provider);
  return chat;
}

interface ProviderBreakers {
  connection: CircuitBreakerPolicy;
  models: LRUCache<string, ModelPolicy>;
}

interface ModelPolicy {
  policy: IPolicy;
  connection: CircuitBreakerPolicy;
  ofModel: CircuitBreakerPolicy;
}

function breakerFor(counts: (error: unknown) => boolean): CircuitBreakerPolicy {
  return circuitBreaker(handleWhen(counts), {
    halfOpenAfter: OPEN_MS,
    breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
  });
}

/**
 * One response, over one or more attempts. Owns its abort signals, and one timer for all three
 * limits: it is postponed when it fires early, so neither an attempt nor an event starts one.
 */
class Attempts {
  readonly #provider: ModelProvider;
  readonly #request: ModelRequest;
  readonly #caller: AbortSignal;
  readonly #limits: UpstreamLimits;
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
    limits: UpstreamLimits,
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
    // Handled by the one who waits for `opened`.
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

/** Errors that are no fault of the request: another server, or another model, may succeed. */
const OTHER_SERVER_CODES: ReadonlySet<ErrorCode> = new Set([
  ...RETRYABLE_CODES,
  'model_not_found',
  'model_load_failed',
  'not_configured',
]);

/** Whether a request that failed before its first token is tried on the next model server. */
export function mayAnotherServerSucceed(error: unknown): boolean {
  return AppError.is(error) && OTHER_SERVER_CODES.has(error.code);
}

/** Whether the same server may succeed soon. */
export function isRetryable(error: unknown): boolean {
  return AppError.is(error) && RETRYABLE_CODES.has(error.code) && requestedWaitMs(error) <= MAX_RETRY_AFTER_MS;
}

/** What the model server asks for. */
export function requestedWaitMs(error: unknown): number {
  return AppError.is(error) ? (error.upstream?.waitSeconds ?? 0) * 1_000 : 0;
}

function isUnreached(error: unknown): boolean {
  return AppError.is(error) && error.upstream?.isUnreached === true;
}

function isModelFailure(error: unknown): boolean {
  if (!AppError.is(error) || !MODEL_BREAKER_CODES.has(error.code)) return false;
  return error.upstream?.isUnreached !== true && error.upstream?.isRateLimited !== true;
}

function timeoutError(what: string, milliseconds: number): AppError {
  return new AppError('upstream_timeout', `The model ${what} within ${milliseconds / 1000} seconds.`);
}

/** Repeats the message of the last failure: it says what to do. */
function circuitOpenError(breaker: CircuitBreakerPolicy): AppError {
  const { lastFailure } = breaker;
  const last = lastFailure !== undefined && 'error' in lastFailure ? lastFailure.error : undefined;
  const message = AppError.is(last) ? last.message : 'The model server is not answering.';
  return new AppError('provider_unavailable', message, { retryAfterSeconds: Math.ceil(OPEN_MS / 1000), cause: last });
}
