import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleType } from 'cockatiel';
import { AppError } from '#lib/errors';
import { readBoundedJson } from '#lib/runner/remote/executor-stream';
import { UpstreamClient, type UpstreamRequest, type UpstreamResponse } from '#lib/upstream-http/upstream-client';
import { ERROR_CODES, type ErrorBody, type ErrorCode, errorBodySchema } from '#lib/wire/error';

const CONNECT_TIMEOUT_MS = 3_000;
/** Consecutive connection failures that open the circuit. */
const FAILURES_TO_OPEN = 3;
const OPEN_MS = 5_000;
const MAX_ERROR_BYTES = 16_384;
const HEALTH_BYTES = 64 * 1024;

/**
 * Error codes that an executor may pass to the caller. Others would seem to be this server's:
 * `unauthorized` would sign the caller out.
 */
const EXECUTOR_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'invalid_request',
  'invalid_json',
  'body_too_large',
  'code_too_large',
  'unsupported_value',
  'unsupported_language',
  'runner_busy',
  'sandbox_unavailable',
  'language_unavailable',
  'shutting_down',
  'upstream_failed',
]);
const MAX_SENTENCE_CHARACTERS = 1_000;
const MAX_DETAILS = 50;

/** The replica cannot take the request; another one may. `fault` is the error if none is left. */
export class ReplicaUnavailable extends Error {
  readonly fault: AppError | undefined;

  constructor(message: string, options: { cause?: unknown; fault?: AppError } = {}) {
    super(message, { cause: options.cause });
    this.name = 'ReplicaAway';
    this.fault = options.fault;
  }
}

/** No response, or a broken connection. Only this opens the circuit: a busy replica is alive. */
export class ReplicaUnreachable extends ReplicaUnavailable {}

/** A remote executor process, with a connection pool and a circuit breaker. */
export class Replica {
  readonly #http: UpstreamClient;
  readonly #breaker = circuitBreaker(handleType(ReplicaUnreachable), {
    halfOpenAfter: OPEN_MS,
    breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
  });

  constructor(url: string, key: string | undefined) {
    this.#http = new UpstreamClient({
      url,
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
  }

  /**
   * Posts a request; resolves with the body of a 200 response. Aborting `signal` closes the
   * connection and throws its reason. Throws `ReplicaUnavailable` if another replica should be
   * tried, and the executor's `AppError` if it refused the request itself.
   */
  async post(path: string, body: unknown, accept: string, signal: AbortSignal): Promise<UpstreamResponse['body']> {
    signal.throwIfAborted();
    try {
      const response = await this.#breaker.execute(() =>
        this.#request({ method: 'POST', path, headers: { accept }, body, signal }),
      );
      if (response.statusCode === 200) return response.body;
      throw toReplicaError(response.statusCode, await readErrorBody(response.body));
    } catch (error) {
      throw error instanceof BrokenCircuitError
        ? new ReplicaUnavailable('the circuit is open', { cause: error })
        : error;
    }
  }

  /**
   * Gets JSON of at most `HEALTH_BYTES`, with any status. Bypasses the circuit breaker, so that a
   * replica is seen to recover.
   */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const { body } = await this.#request({ method: 'GET', path, signal });
    return await readBoundedJson(body, HEALTH_BYTES);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #request(request: UpstreamRequest): Promise<UpstreamResponse> {
    try {
      return await this.#http.request(request);
    } catch (error) {
      request.signal.throwIfAborted();
      throw new ReplicaUnreachable('the executor does not respond', { cause: error });
    }
  }
}

/** Maps a response other than 200 to an error. Pure. */
export function toReplicaError(status: number, text: string): Error {
  const body = parseError(text);
  if (status === 401 || status === 403)
    return new ReplicaUnavailable('the executor refuses the key', {
      fault: new AppError(
        'not_configured',
        'The executor of this language refuses the key of this server. Set EXECUTOR_API_KEY to one of the API_KEYS of the executor.',
      ),
    });
  if (body === undefined || status === 404)
    return new ReplicaUnavailable(`no executor: ${status}`, {
      fault: new AppError(
        'upstream_failed',
        `What answers as the executor of this language is none (status ${status}). Correct its address in the settings.`,
      ),
    });
  if (status === 429)
    return new ReplicaUnavailable('the executor limits its callers', {
      fault: new AppError('runner_busy', body.error),
    });
  const fault = toExecutorError(body);
  return status >= 500 ? new ReplicaUnavailable(body.error, { fault }) : fault;
}

/** Parses an error body, bounded in length; undefined if its code is unknown. */
export function parseError(text: string): ErrorBody | undefined {
  try {
    const { error, code, details } = errorBodySchema.parse(JSON.parse(text));
    if (!ERROR_CODES.some((known) => known === code)) return undefined;
    const sentence = error.slice(0, MAX_SENTENCE_CHARACTERS);
    return { error: sentence, code, ...(details === undefined ? {} : { details: details.slice(0, MAX_DETAILS) }) };
  } catch {
    return undefined;
  }
}

/**
 * Maps an executor's error to this server's. A code it may not use becomes `upstream_failed`.
 * Pure.
 */
export function toExecutorError({ error, code, details }: ErrorBody): AppError {
  return isExecutorCode(code)
    ? new AppError(code, error, details === undefined ? {} : { details })
    : new AppError('upstream_failed', `The executor of this language refused the run: ${error}`);
}

function isExecutorCode(code: string): code is ErrorCode {
  return EXECUTOR_CODES.has(code);
}

async function readErrorBody(body: UpstreamResponse['body']): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      parts.push(chunk);
      size += chunk.byteLength;
      if (size > MAX_ERROR_BYTES) break;
    }
  } catch {
    // A body that breaks off says what it said.
  }
  return Buffer.concat(parts).toString('utf8');
}
