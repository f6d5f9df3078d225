import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleType } from 'cockatiel';
import { type Dispatcher, Pool } from 'undici';
import { Fault } from '#lib/fault';
import { outgoingHeaders } from '#lib/observe/tracing';
import { readBoundedJson } from '#lib/runner/executor-stream';
import { type ErrorBody, errorBodySchema, FAULT_CODES, type FaultCode } from '#lib/wire/error';

const CONNECT_TIMEOUT_MS = 3_000;
const KEEP_ALIVE_MS = 30_000;
/** A replica that was not there so many times in a row is left alone for a while. */
const FAILURES_TO_OPEN = 3;
const OPEN_MS = 5_000;
const MAX_ERROR_BYTES = 16_384;
const HEALTH_BYTES = 64 * 1024;

/**
 * What an executor may say of a run. Any other code would be read as this server's own:
 * `unauthorized` would sign the caller out of it.
 */
const EXECUTOR_CODES: ReadonlySet<string> = new Set<FaultCode>([
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

/** The replica is not there, or has no room: another one may. `fault` is what to say where no other is left. */
export class ReplicaAway extends Error {
  readonly fault: Fault | undefined;

  constructor(message: string, options: { cause?: unknown; fault?: Fault } = {}) {
    super(message, { cause: options.cause });
    this.name = 'ReplicaAway';
    this.fault = options.fault;
  }
}

/** Nobody answered at the address, or the connection broke. It alone counts against a replica: a busy one is alive. */
export class ReplicaDown extends ReplicaAway {}

/** One executor process elsewhere, on kept-alive connections of its own and behind a circuit breaker of its own. */
export class Replica {
  readonly #pool: Pool;
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #breaker = circuitBreaker(handleType(ReplicaDown), {
    halfOpenAfter: OPEN_MS,
    breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
  });

  constructor(url: string, key: string | undefined) {
    const { origin, pathname } = new URL(url);
    this.#base = pathname.replace(/\/+$/, '');
    this.#headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) };
    // How long an answer may take is known to the caller, whose signal ends it.
    this.#pool = new Pool(origin, {
      connect: { timeout: CONNECT_TIMEOUT_MS },
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * The body of a successful answer. Aborting `signal` closes the connection and throws its reason. Throws `ReplicaAway` where
   * another replica should be asked, and the executor's own `Fault` where it refused the request itself.
   */
  async post(
    path: string,
    body: unknown,
    accept: string,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData['body']> {
    signal.throwIfAborted();
    const payload = JSON.stringify(body);
    try {
      const response = await this.#breaker.execute(() =>
        this.#request({
          method: 'POST',
          path,
          headers: { ...this.#headers, ...outgoingHeaders(), accept },
          body: payload,
          signal,
        }),
      );
      if (response.statusCode === 200) return response.body;
      throw refusal(response.statusCode, await readStart(response.body));
    } catch (error) {
      throw error instanceof BrokenCircuitError ? new ReplicaAway('the circuit is open', { cause: error }) : error;
    }
  }

  /**
   * Any JSON answer of at most `HEALTH_BYTES`, whatever its status. Goes past the breaker: it is
   * how one sees a replica come back.
   */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const { body } = await this.#request({ method: 'GET', path, headers: this.#headers, signal });
    return await readBoundedJson(body, HEALTH_BYTES);
  }

  async close(): Promise<void> {
    if (!this.#pool.destroyed) await this.#pool.destroy();
  }

  async #request(options: Dispatcher.RequestOptions & { signal: AbortSignal }): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#pool.request({ ...options, path: this.#base + options.path });
    } catch (error) {
      options.signal.throwIfAborted();
      throw new ReplicaDown('the executor does not answer', { cause: error });
    }
  }
}

/** What an answer that is no success means. Pure. */
export function refusal(status: number, text: string): Error {
  const told = parseError(text);
  if (status === 401 || status === 403)
    return new ReplicaAway('the executor refuses the key', {
      fault: new Fault(
        'not_configured',
        'The executor of this language refuses the key of this server. Set EXECUTOR_API_KEY to one of the API_KEYS of the executor.',
      ),
    });
  if (told === undefined || status === 404)
    return new ReplicaAway(`no executor: ${status}`, {
      fault: new Fault(
        'upstream_failed',
        `What answers as the executor of this language is none (status ${status}). Correct its address in the settings.`,
      ),
    });
  if (status === 429)
    return new ReplicaAway('the executor limits its callers', { fault: new Fault('runner_busy', told.error) });
  const fault = executorFault(told);
  return status >= 500 ? new ReplicaAway(told.error, { fault }) : fault;
}

/** An error as it was sent, bounded in length; undefined where its code is none of ours. */
export function parseError(text: string): ErrorBody | undefined {
  try {
    const { error, code, details } = errorBodySchema.parse(JSON.parse(text));
    if (!FAULT_CODES.some((known) => known === code)) return undefined;
    const sentence = error.slice(0, MAX_SENTENCE_CHARACTERS);
    return { error: sentence, code, ...(details === undefined ? {} : { details: details.slice(0, MAX_DETAILS) }) };
  } catch {
    return undefined;
  }
}

/**
 * What an executor reports, as a fault of this server: a code that it may not use becomes
 * `upstream_failed`. Pure.
 */
export function executorFault({ error, code, details }: ErrorBody): Fault {
  return isExecutorCode(code)
    ? new Fault(code, error, details === undefined ? {} : { details })
    : new Fault('upstream_failed', `The executor of this language refused the run: ${error}`);
}

function isExecutorCode(code: string): code is FaultCode {
  return EXECUTOR_CODES.has(code);
}

async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
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
