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
import { Attempts, type UpstreamTimeouts } from '#lib/models/attempts';
import type { ModelEventListener, ModelProvider, ModelRequest } from '#lib/models/provider';
import { isModelFailure, isRetryable, isUnreached, requestedWaitMs } from '#lib/models/retry-rules';
import { singleton } from '#lib/singletons';

type UpstreamLimits = UpstreamTimeouts & Pick<Config, 'UPSTREAM_RETRIES'>;

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
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 2_000;
/** A breaker opens after so many failures in a row, and rejects calls for OPEN_MS. */
const FAILURES_TO_OPEN = 5;
const OPEN_MS = 5_000;
/** Callers choose names of models, so the number of circuit breakers is bounded per provider. */
const MAX_MODEL_BREAKERS = 500;

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

/** Repeats the message of the last failure: it says what to do. */
function circuitOpenError(breaker: CircuitBreakerPolicy): AppError {
  const { lastFailure } = breaker;
  const last = lastFailure !== undefined && 'error' in lastFailure ? lastFailure.error : undefined;
  const message = AppError.is(last) ? last.message : 'The model server is not answering.';
  return new AppError('provider_unavailable', message, { retryAfterSeconds: Math.ceil(OPEN_MS / 1000), cause: last });
}
