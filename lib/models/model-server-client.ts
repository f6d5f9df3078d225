import type { Readable } from 'node:stream';
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { isLoopback } from '#lib/config/network';
import { type OutboundProxies, outboundProxies } from '#lib/config/outbound-proxies';
import { AppError } from '#lib/errors';
import { parseJson } from '#lib/models/parse-json';
import { redact } from '#lib/models/redact';
import { MAX_PIECE_CHARACTERS, pieceTooLong } from '#lib/models/text-stream';
import { propagationHeaders } from '#lib/telemetry/tracing';
import { decodeBody, isDecodeError } from '#lib/upstream-http/content-encoding';
import { readErrorText, readTextUpTo, releaseBody } from '#lib/upstream-http/response-body';

/**
 * How long a connection to a model server may take to open; what it then does is bounded by
 * lib/models/resilience.ts.
 */
const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
/** Where the server does not say after how long to try again. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;
const MAX_RETRY_AFTER_SECONDS = 3_600;

export interface ModelServerClientOptions {
  /** How the server is called in a sentence: "Ollama". */
  name: string;
  /** May hold credentials, which are sent as Basic and shown nowhere. */
  url: string;
  headers?: Record<string, string>;
  /** What the operator can do where it is not reached: a sentence. */
  advice: string;
}

export interface ModelServerRequest {
  method: 'GET' | 'POST';
  /** Below the base address, with its slash. */
  path: string;
  body?: unknown;
  signal: AbortSignal;
}

/**
 * One model server, on its own kept-alive connections. What goes wrong with it is thrown as a
 * Fault.
 */
export class ModelServerClient {
  readonly #pool: Pool | EnvHttpProxyAgent;
  readonly #origin: string;
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #name: string;
  readonly #advice: string;
  /** What no caller may see, wherever the model server repeats it. */
  readonly #secrets: string[];
  /**
   * ` at http://localhost:11434`, or nothing: an address in a private network is not for callers.
   */
  readonly #place: string;
  /** A setting that makes every request impossible. */
  #misconfigured: AppError | undefined;
  #closing: Promise<void> | undefined;

  constructor({ name, url, headers, advice }: ModelServerClientOptions) {
    const { origin, host, hostname, pathname, username, password } = new URL(url);
    this.#name = name;
    this.#advice = advice;
    this.#origin = origin;
    this.#base = pathname.replace(/\/+$/, '');
    this.#place = isThisMachine(hostname) ? ` at ${origin}${this.#base}` : '';
    this.#headers = { 'content-type': 'application/json', 'accept-encoding': 'identity', ...headers };
    const user = decodeURIComponent(username);
    const secret = decodeURIComponent(password);
    if (user !== '' || secret !== '')
      this.#headers.authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
    const authorization = (this.#headers.authorization ?? '').replace(/^\w+ /, '');
    const names = [host, hostname].filter((text) => /[.:-]/.test(text));
    this.#secrets = [...[authorization, secret].filter((text) => text.length >= LEAST_SECRET_CHARACTERS), ...names];
    const options = { connect: { timeout: CONNECT_TIMEOUT_MS }, keepAliveTimeout: KEEP_ALIVE_MS };
    const proxies = isThisMachine(hostname) ? undefined : this.#proxies();
    this.#pool =
      proxies === undefined
        ? new Pool(origin, options)
        : new EnvHttpProxyAgent({ ...options, ...proxies, connectTimeout: CONNECT_TIMEOUT_MS });
  }

  /** Open connections, for tests and the curious. Those through a proxy are not counted. */
  get connections(): number {
    return this.#pool instanceof Pool ? this.#pool.stats.connected : 0;
  }

  /**
   * Streams the body of a successful answer. Leaving the iteration early, or aborting `signal`,
   * ends the request upstream; an abort ends the iteration by throwing the signal's reason.
   * `refuse` may turn an answer's error into its own Fault. Where `isDone` says that the
   * answer was whole when it was left, what little is still to come is read before the iteration
   * ends, so that the connection can be used again: give the answer's end away before.
   */
  async *stream(
    request: ModelServerRequest,
    refuse?: MapErrorStatus,
    isDone: () => boolean = () => false,
  ): AsyncGenerator<Uint8Array> {
    const response = await this.#send(request, refuse);
    let ended = false;
    try {
      // The iterator must not destroy the body by itself: how it ends is decided below.
      for await (const chunk of response.body.iterator({ destroyOnReturn: false })) yield chunk;
      ended = true;
    } catch (error) {
      request.signal.throwIfAborted();
      throw this.#broken(error);
    } finally {
      if (!ended) await releaseBody(response.body, isDone() && !request.signal.aborted);
    }
    request.signal.throwIfAborted();
  }

  /**
   * A whole JSON body, unchecked. Throws `upstream_failed` for more than `MAX_PIECE_CHARACTERS`
   * bytes.
   */
  async json(request: ModelServerRequest, refuse?: MapErrorStatus): Promise<unknown> {
    const response = await this.#send(request, refuse);
    let text: string | undefined;
    try {
      text = await readTextUpTo(response.body, MAX_PIECE_CHARACTERS);
    } catch (error) {
      request.signal.throwIfAborted();
      throw this.#broken(error);
    }
    if (text === undefined) throw pieceTooLong();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new AppError('upstream_failed', `${this.#name}${this.#place} sent an answer that is not JSON.`, {
        cause: error,
      });
    }
  }

  /** The model server's own words, fit to be shown to callers. */
  redact(text: string): string {
    return redact(text, this.#secrets);
  }

  /**
   * The sentence in an error: Ollama's `{"error": "…"}`, OpenAI's `{"error": {"message": "…"}}`, or
   * a list of one.
   */
  errorText(body: unknown): string | undefined {
    const text = errorTextOf(body);
    return text === undefined ? undefined : this.redact(text);
  }

  /** What is said where something else than the expected server answers. `what` follows it. */
  unexpectedServer(what: string): AppError {
    return new AppError('upstream_failed', `What answers${this.#place} ${what}`);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#pool.destroy();
    await this.#closing;
  }

  async #send({ method, path, body, signal }: ModelServerRequest, refuse?: MapErrorStatus): Promise<DecodedResponse> {
    signal.throwIfAborted();
    if (this.#misconfigured !== undefined) throw this.#misconfigured;
    let response: Dispatcher.ResponseData;
    try {
      response = await this.#pool.request({
        origin: this.#origin,
        method,
        path: this.#base + path,
        headers: this.#headersNow(),
        body: body === undefined ? null : JSON.stringify(body),
        signal,
        // A model may think for minutes before its first byte.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw this.#notReached(error);
    }
    const { statusCode, headers } = response;
    const encoding = headers['content-encoding'];
    const decodedBody = decodeBody(response.body, encoding);
    const isGood = statusCode >= 200 && statusCode < 300;
    if (decodedBody === undefined) await releaseBody(response.body, false);
    if (decodedBody === undefined && isGood)
      throw new AppError(
        'not_configured',
        `${this.#name}${this.#place} sends its answers in the Content-Encoding ${this.redact(String(encoding))}, which is not read here; have it, or the proxy before it, send them without.`,
      );
    if (decodedBody !== undefined && isGood) return { statusCode, headers, body: decodedBody };
    const sentence =
      decodedBody === undefined ? undefined : this.errorText(parseJson(await readErrorText(decodedBody)));
    signal.throwIfAborted();
    throw refuse?.(statusCode, sentence) ?? this.#refused(response, sentence);
  }

  #broken(error: unknown): AppError {
    const what = isDecodeError(error)
      ? `${this.#name} sent an answer that is not in the Content-Encoding that it names.`
      : `The connection to ${this.#name} broke in the middle of the answer.`;
    return new AppError('upstream_failed', what, { cause: error });
  }

  /**
   * With the id of the request that this is done for, so that the model server's log and ours name
   * the same request.
   */
  #headersNow(): Record<string, string> {
    return { ...this.#headers, ...propagationHeaders() };
  }

  #proxies(): OutboundProxies | undefined {
    const found = outboundProxies();
    if (found === undefined || !('invalid' in found)) return found;
    this.#misconfigured = new AppError(
      'not_configured',
      `${found.invalid} is not an address such as http://proxy.example:3128; correct it.`,
    );
    return undefined;
  }

  #notReached(error: unknown): AppError {
    const code = errorCode(error);
    if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE')
      return new AppError('upstream_failed', `${this.#name}${this.#place} closed the connection without an answer.`, {
        cause: error,
      });
    if (code?.startsWith('HPE_'))
      return new AppError('upstream_failed', `What answers${this.#place} does not speak HTTP. ${this.#advice}`, {
        cause: error,
      });
    const proxy =
      this.#pool instanceof Pool
        ? ''
        : ' HTTP_PROXY or HTTPS_PROXY is set: name the server in NO_PROXY to reach it directly.';
    return new AppError(
      'provider_unavailable',
      `${this.#name} does not answer${this.#place}. ${this.#advice}${proxy}`,
      {
        cause: error,
        retryAfterSeconds: DEFAULT_RETRY_AFTER_SECONDS,
        upstream: { isUnreached: true },
      },
    );
  }

  #refused({ statusCode, headers }: DecodedResponse, sentence: string | undefined): AppError {
    const words = sentence === undefined ? '.' : `: ${sentence}`;
    if (statusCode === 401 || statusCode === 403)
      return new AppError(
        'not_configured',
        `${this.#name}${this.#place} refused the credentials (${statusCode}); correct them in the settings.`,
      );
    if (statusCode === 429 || statusCode === 502 || statusCode === 503 || statusCode === 504) {
      const waitSeconds = retryAfter(headers['retry-after']);
      return new AppError('provider_unavailable', `${this.#name} is busy or down (${statusCode})${words}`, {
        retryAfterSeconds: waitSeconds ?? DEFAULT_RETRY_AFTER_SECONDS,
        upstream: { isRateLimited: statusCode === 429, waitSeconds },
      });
    }
    if (statusCode < 400)
      return new AppError('not_configured', `${this.#name} redirects (${statusCode}). ${this.#advice}`);
    if (statusCode < 500)
      return new AppError('unsupported_value', `${this.#name} refused the request (${statusCode})${words}`);
    return new AppError('upstream_failed', `${this.#name} failed (${statusCode})${words}`);
  }
}

interface DecodedResponse extends Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'> {
  /** Without its Content-Encoding. */
  body: Readable;
}

/** Gives an answer's error its own Fault, or undefined for the usual one. */
export type MapErrorStatus = (status: number, sentence: string | undefined) => AppError | undefined;

/**
 * Whether a part of a response says that it failed. `error: null`, `""` and the like say that it
 * did not.
 */
export function carriesError(body: unknown): boolean {
  const [value] = Array.isArray(body) ? body : [body];
  if (typeof value !== 'object' || value === null || !('error' in value)) return false;
  const { error } = value;
  return typeof error === 'object' && error !== null ? Object.keys(error).length > 0 : Boolean(error);
}

function errorTextOf(body: unknown): string | undefined {
  // Some servers wrap their error in a list.
  const [value] = Array.isArray(body) ? body : [body];
  if (typeof value !== 'object' || value === null) return undefined;
  const error = 'error' in value ? value.error : 'message' in value ? value.message : undefined;
  const text = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/**
 * Shorter ones, such as the key "ollama", guard nothing, and would blank out words of the sentence.
 */
const LEAST_SECRET_CHARACTERS = 8;

/** Whether a URL's host is this machine. A connection to the unspecified address reaches it too. */
function isThisMachine(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === '0.0.0.0' || host === '::' || isLoopback(host);
}

/**
 * The seconds of a `Retry-After`, which is a number or a date; undefined where it asks for none.
 */
function retryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const number = Number(header);
  const seconds = Number.isNaN(number) ? (Date.parse(header) - Date.now()) / 1_000 : number;
  return seconds > 0 ? Math.min(Math.ceil(seconds), MAX_RETRY_AFTER_SECONDS) : undefined;
}

/**
 * Node reports a failed dual-stack connection as an AggregateError, whose parts carry the codes.
 */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? undefined : errorCode(error.cause);
}
