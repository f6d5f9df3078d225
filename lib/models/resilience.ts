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
import type { ModelEvent, ModelProvider, ModelRequest } from '#lib/models/provider';
import { singleton } from '#lib/singletons';
import type { ErrorCode } from '#lib/wire/error';

export type UpstreamLimits = Pick<
  Config,
  'UPSTREAM_RETRIES' | 'UPSTREAM_FIRST_TOKEN_TIMEOUT_MS' | 'UPSTREAM_IDLE_TIMEOUT_MS' | 'UPSTREAM_TOTAL_TIMEOUT_MS'
>;

export type ResilientChat = (
  provider: ModelProvider,
  request: ModelRequest,
  signal: AbortSignal,
) => AsyncIterable<ModelEvent>;

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 2_000;
/** Where a model server asks for a longer wait, its error goes to the caller instead. */
const MAX_RETRY_AFTER_MS = 3_000;
/**
 * A provider that was not reached so many times in a row, or a model that did not answer, is left
 * alone for a while.
 */
const FAILURES_TO_OPEN = 5;
const OPEN_MS = 5_000;
/** Callers name models, so of each provider only the latest have a circuit breaker. */
const MAX_MODEL_BREAKERS = 500;

/** What may go better a moment later. */
const RETRYABLE_CODES: ReadonlySet<ErrorCode> = new Set([
  'provider_unavailable',
  'upstream_failed',
  'upstream_truncated',
]);
/** What tells about a model, not about one request. */
const MODEL_BREAKER_CODES: ReadonlySet<ErrorCode> = new Set(['provider_unavailable', 'upstream_timeout']);

/** A provider's answer within the process's limits, retries and circuit breakers. */
export const resilientChat: ResilientChat = (provider, request, signal) =>
  singleton('resilience', () => createResilientChat(config()))(provider, request, signal);

/**
 * Puts retries, circuit breakers, and the three timeouts around `provider.chat`. A provider has one
 * breaker for connections that do not open, and one for each model, for what comes over a
 * connection: other models may well answer. A rate limit opens neither.
 *
 * Until its first event an answer that was refused or failed is asked for again, up to
 * UPSTREAM_RETRIES times; after it, never. A retry waits as long as the server asks; one that would
 * wait more than 3 seconds is not made. A timeout is thrown as `upstream_timeout`, and the request
 * upstream ends; an open breaker is thrown as `provider_unavailable`, at once. Whatever the end, no
 * timer and no listener is left.
 */
export function createResilientChat(limits: UpstreamLimits): ResilientChat {
  const usual = new ExponentialBackoff({
    generator: decorrelatedJitterGenerator,
    initialDelay: FIRST_BACKOFF_MS,
    maxDelay: LONGEST_BACKOFF_MS,
  });
  const retries = retry(handleWhen(isRetryable), {
    maxAttempts: limits.UPSTREAM_RETRIES,
    backoff: new DelegateBackoff<IRetryBackoffContext<unknown>, IBackoff<unknown>>((context, last) => {
      const next = last === undefined ? usual.next() : last.next(context);
      const asked = 'error' in context.result ? requestedWaitMs(context.result.error) : 0;
      return { delay: Math.max(next.duration, asked), state: next };
    }),
  });
  const breakers = new WeakMap<ModelProvider, ProviderBreakers>();

  function policyOf(provider: ModelProvider, model: string): ModelPolicy {
    let known = breakers.get(provider);
    if (known === undefined) {
      known = { connection: breakerFor(isUnreached), models: new LRUCache({ max: MAX_MODEL_BREAKERS }) };
      breakers.set(provider, known);
    }
    const { connection, models } = known;
    let ofModel = models.get(model);
    if (ofModel === undefined) {
      ofModel = breakerFor(isModelFailure);
      models.set(model, ofModel);
    }
    return { policy: wrap(retries, ofModel, connection), connection, ofModel };
  }

  return async function* resilient(provider, request, signal) {
    signal.throwIfAborted();
    const attempts = new Attempts(provider, request, signal, limits);
    const { policy, connection, ofModel } = policyOf(provider, request.model);
    try {
      let event = await abortable(
        policy.execute(() => attempts.open(), attempts.signal),
        attempts.signal,
      ).catch((error: unknown) => {
        if (!(error instanceof BrokenCircuitError)) throw error;
        throw circuitOpenError(connection.state === CircuitState.Closed ? ofModel : connection);
      });
      while (event !== undefined) {
        yield event;
        event = await attempts.next();
      }
    } finally {
      attempts.close();
    }
  };
}

interface ProviderBreakers {
  connection: CircuitBreakerPolicy;
  models: LRUCache<string, CircuitBreakerPolicy>;
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

/** One answer, over one or more attempts to open it. */
class Attempts {
  readonly #provider: ModelProvider;
  readonly #request: ModelRequest;
  readonly #caller: AbortSignal;
  readonly #limits: UpstreamLimits;
  /** Aborts with the reason that ends the answer: the caller's, or that of the total time. */
  readonly #whole = new AbortController();
  readonly #total: NodeJS.Timeout;
  /** Of the attempt in hand: it aborts alone where only its first token was late. */
  #attempt = new AbortController();
  #events: AsyncIterator<ModelEvent> | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Whether the attempt in hand has ended, well or not. */
  #isOver = false;

  constructor(provider: ModelProvider, request: ModelRequest, caller: AbortSignal, limits: UpstreamLimits) {
    this.#provider = provider;
    this.#request = request;
    this.#caller = caller;
    this.#limits = limits;
    caller.addEventListener('abort', this.#callerAborted, { once: true });
    this.#total = setTimeout(
      () => this.#abort(timeoutError('was not done', limits.UPSTREAM_TOTAL_TIMEOUT_MS)),
      limits.UPSTREAM_TOTAL_TIMEOUT_MS,
    );
  }

  get signal(): AbortSignal {
    return this.#whole.signal;
  }

  /** Asks once, and resolves to the first event. */
  async open(): Promise<ModelEvent | undefined> {
    this.signal.throwIfAborted();
    if (this.#events !== undefined) {
      this.#leaveAttempt();
      this.#attempt = new AbortController();
    }
    const { UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: limit } = this.#limits;
    const late = setTimeout(() => this.#attempt.abort(timeoutError('sent no first token', limit)), limit);
    try {
      this.#events = this.#provider.chat(this.#request, this.#attempt.signal)[Symbol.asyncIterator]();
      return await this.#take();
    } finally {
      clearTimeout(late);
    }
  }

  async next(): Promise<ModelEvent | undefined> {
    const { UPSTREAM_IDLE_TIMEOUT_MS: limit } = this.#limits;
    // One timer for the whole answer, wound up again at each event.
    if (this.#idle === undefined)
      this.#idle = setTimeout(() => this.#abort(timeoutError('fell silent in the middle of the answer', limit)), limit);
    else this.#idle.refresh();
    return await this.#take();
  }

  close(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#idle);
    this.#caller.removeEventListener('abort', this.#callerAborted);
    this.#leaveAttempt();
  }

  async #take(): Promise<ModelEvent | undefined> {
    const { signal } = this.#attempt;
    const next = this.#events?.next();
    if (next === undefined) return undefined;
    // A provider that does not heed its signal must not hold the answer.
    const result = await abortable(next, signal).catch((error: unknown) => {
      // A failure of the provider's own has ended its call.
      if (!signal.aborted) this.#isOver = true;
      throw error;
    });
    if (result.done === true || result.value.type === 'done') this.#isOver = true;
    return result.done === true ? undefined : result.value;
  }

  readonly #callerAborted = () => this.#abort(this.#caller.reason);

  #abort(reason: unknown): void {
    this.#whole.abort(reason);
    this.#attempt.abort(reason);
  }

  #leaveAttempt(): void {
    const events = this.#events;
    this.#events = undefined;
    // Not awaited: the caller is free at once, and a provider's clean-up has nothing more to tell.
    events?.return?.().catch(() => {});
    // When the call is over, an abort would only cost its connection.
    if (!this.#isOver) this.#attempt.abort();
    this.#isOver = false;
  }
}

function isRetryable(error: unknown): boolean {
  return AppError.is(error) && RETRYABLE_CODES.has(error.code) && requestedWaitMs(error) <= MAX_RETRY_AFTER_MS;
}

function requestedWaitMs(error: unknown): number {
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

/** Says again what was wrong the last time, since that is what can be acted on. */
function circuitOpenError(breaker: CircuitBreakerPolicy): AppError {
  const { lastFailure } = breaker;
  const last = lastFailure !== undefined && 'error' in lastFailure ? lastFailure.error : undefined;
  const message = AppError.is(last) ? last.message : 'The model provider does not answer.';
  return new AppError('provider_unavailable', message, { retryAfterSeconds: Math.ceil(OPEN_MS / 1000), cause: last });
}
