import { type Dispatcher, Pool } from 'undici';
import { Fault } from '#lib/fault';
import { MAX_LINE_CHARACTERS } from '#lib/models/lines';
import { outgoingHeaders } from '#lib/observe/tracing';

/** How long a connection to a model server may take to open; what it then does is bounded by lib/models/resilience.ts. */
const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
/** What may still follow a whole answer: the end of the chunked body, a last blank line. */
const REST_BYTES = 4_096;
const REST_TIMEOUT_MS = 1_000;
/** Of an answer that is an error, no more than this is read. */
const MAX_ERROR_CHARACTERS = 4_096;

export interface UpstreamOptions {
  /** How the server is called in a sentence: "Ollama". */
  name: string;
  /** May hold credentials, which are sent as Basic and shown nowhere. */
  url: string;
  headers?: Record<string, string>;
  /** What the operator can do where it is not reached: a sentence. */
  advice: string;
}

export interface UpstreamRequest {
  method: 'GET' | 'POST';
  /** Below the base address, with its slash. */
  path: string;
  body?: unknown;
  signal: AbortSignal;
}

/** One model server, on kept-alive connections of its own. What goes wrong with it is thrown as a Fault. */
export class Upstream {
  readonly #pool: Pool;
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #name: string;
  readonly #advice: string;
  /** The address as it may be shown. */
  readonly address: string;

  constructor({ name, url, headers, advice }: UpstreamOptions) {
    const { origin, pathname, username, password } = new URL(url);
    this.#name = name;
    this.#advice = advice;
    this.#base = pathname.replace(/\/+$/, '');
    this.address = origin + this.#base;
    this.#headers = { 'content-type': 'application/json', ...headers };
    if (username !== '' || password !== '')
      this.#headers.authorization = `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
    this.#pool = new Pool(origin, {
      connect: { timeout: CONNECT_TIMEOUT_MS },
      keepAliveTimeout: KEEP_ALIVE_MS,
      // A model may think for minutes before its first byte.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Open connections, for tests and the curious. */
  get connections(): number {
    return this.#pool.stats.connected;
  }

  /**
   * Streams the body of a successful answer. Leaving the iteration early, or aborting `signal`, ends the request
   * upstream; an abort ends the iteration by throwing the signal's reason. `refuse` may turn an answer's error into a
   * Fault of its own. Where `isDone` says that the answer was whole when it was left, what little is still to come is
   * read in passing, so that the connection can be used again.
   */
  async *stream(
    request: UpstreamRequest,
    refuse?: Refuse,
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
      throw new Fault('upstream_failed', `The connection to ${this.#name} broke in the middle of the answer.`, {
        cause: error,
      });
    } finally {
      if (!ended) leave(response.body, isDone() && !request.signal.aborted);
    }
    request.signal.throwIfAborted();
  }

  /** A whole JSON answer of at most 10 MB, unchecked. */
  async json(request: UpstreamRequest, refuse?: Refuse): Promise<unknown> {
    const response = await this.#send(request, refuse);
    try {
      return JSON.parse(await readWhole(response.body));
    } catch (error) {
      request.signal.throwIfAborted();
      throw new Fault('upstream_failed', `${this.#name} at ${this.address} sent an answer that is not JSON.`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.destroyed) await this.#pool.destroy();
  }

  async #send({ method, path, body, signal }: UpstreamRequest, refuse?: Refuse): Promise<Dispatcher.ResponseData> {
    signal.throwIfAborted();
    let response: Dispatcher.ResponseData;
    try {
      response = await this.#pool.request({
        method,
        path: this.#base + path,
        headers: this.#headersNow(),
        body: body === undefined ? null : JSON.stringify(body),
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw this.#notReached(error);
    }
    if (response.statusCode >= 200 && response.statusCode < 300) return response;
    const text = await readStart(response.body);
    signal.throwIfAborted();
    const told = errorText(text);
    throw refuse?.(response.statusCode, told) ?? this.#refused(response, told);
  }

  /** With the id of the request that this is done for, so that the model server's log and ours tell of the same. */
  #headersNow(): Record<string, string> {
    return { ...this.#headers, ...outgoingHeaders() };
  }

  #notReached(error: unknown): Fault {
    const code = errorCode(error);
    if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE')
      return new Fault('upstream_failed', `${this.#name} at ${this.address} closed the connection without an answer.`, {
        cause: error,
      });
    if (code?.startsWith('HPE_'))
      return new Fault('upstream_failed', `What answers at ${this.address} does not speak HTTP. ${this.#advice}`, {
        cause: error,
      });
    return new Fault('provider_unavailable', `${this.#name} does not answer at ${this.address}. ${this.#advice}`, {
      cause: error,
      retryAfterSeconds: 5,
    });
  }

  #refused({ statusCode, headers }: Dispatcher.ResponseData, told: string | undefined): Fault {
    const words = told === undefined ? '.' : `: ${told}`;
    if (statusCode === 401 || statusCode === 403)
      return new Fault(
        'not_configured',
        `${this.#name} at ${this.address} refused the credentials (${statusCode}); correct them in the settings.`,
      );
    if (statusCode === 429 || statusCode === 502 || statusCode === 503 || statusCode === 504)
      return new Fault('provider_unavailable', `${this.#name} is busy or down (${statusCode})${words}`, {
        retryAfterSeconds: retryAfter(headers['retry-after']),
      });
    if (statusCode < 500)
      return new Fault('unsupported_value', `${this.#name} refused the request (${statusCode})${words}`);
    return new Fault('upstream_failed', `${this.#name} failed (${statusCode})${words}`);
  }
}

/** Gives an answer's error its own Fault, or undefined for the usual one. */
export type Refuse = (status: number, told: string | undefined) => Fault | undefined;

/** The upstream's own words, fit to be shown: without credentials, keys and paths, and short. */
export function showable(text: string): string {
  return text
    .replace(/\/\/[^/\s@]+@/g, '//')
    .replace(/\b(?:Bearer\s+|(?:sk|hf|pk|key)[-_])[\w.-]{8,}/gi, '(key)')
    .replace(/(^|[\s"'(=])(?:[A-Za-z]:)?[\\/](?:[\w.@+-]+[\\/])+[\w.@+-]*/g, '$1(path)')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}

/** The sentence inside an error body: Ollama's `{"error": "…"}` or OpenAI's `{"error": {"message": "…"}}`. */
export function errorText(body: string): string | undefined {
  try {
    return errorTextOf(JSON.parse(body));
  } catch {
    // HTML or nothing: no sentence in it.
    return undefined;
  }
}

export function errorTextOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const error = 'error' in body ? body.error : 'message' in body ? body.message : undefined;
  const text = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return typeof text === 'string' && text !== '' ? showable(text) : undefined;
}

function leave(body: Dispatcher.ResponseData['body'], done: boolean): void {
  body.on('error', () => {});
  if (!done) body.destroy();
  else void body.dump({ limit: REST_BYTES, signal: AbortSignal.timeout(REST_TIMEOUT_MS) }).catch(() => body.destroy());
}

async function readWhole(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_LINE_CHARACTERS) throw new Error(`the answer is longer than ${MAX_LINE_CHARACTERS} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  let text = '';
  try {
    for await (const chunk of body) {
      text += String(chunk);
      if (text.length > MAX_ERROR_CHARACTERS) break;
    }
  } catch {
    // A body that breaks off says what it said.
  }
  return text;
}

function retryAfter(header: string | string[] | undefined): number {
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), 3600) : 5;
}

/** Node reports a failed dual-stack connection as an AggregateError, whose parts carry the codes. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? undefined : errorCode(error.cause);
}
