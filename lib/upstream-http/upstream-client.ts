import { Readable } from 'node:stream';
import type { OutboundProxies } from '#lib/config/outbound-proxies';
import { HttpPool } from '#lib/http-client/pool';
import type { RequestController, ResponseHandler } from '#lib/http-client/response-handler';
import { propagationHeaders } from '#lib/telemetry/tracing';
import { ProxiedConnections } from '#lib/upstream-http/proxied-connections';
import { ReadableResponse, type UpstreamResponse } from '#lib/upstream-http/readable-response';
import { type ResponseConsumer, StreamedResponse } from '#lib/upstream-http/streamed-response';

export type { UpstreamResponse } from '#lib/upstream-http/readable-response';

const KEEP_ALIVE_MS = 30_000;

export interface UpstreamClientOptions {
  /** Requests go below its path. Its credentials, query and fragment are ignored. */
  url: string;
  /** Sent with every request. */
  headers: Readonly<Record<string, string>>;
  connectTimeoutMs: number;
  /** NO_PROXY exempts the server from them. */
  proxies?: OutboundProxies | undefined;
}

export interface UpstreamRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Below the path of the client's URL, with its slash. */
  path: string;
  /** Lower-case names. They replace the client's headers of the same name. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  body?: unknown;
  /**
   * Sent as it is instead of `body`: with the `content-length` of `headers`, otherwise chunked. A
   * stream is destroyed when the request ends before it.
   */
  content?: Readable | Uint8Array | undefined;
  signal: AbortSignal;
}

/** Either handler of a response. */
interface WaitingHandler extends ResponseHandler {
  onWaiting(controller: RequestController): void;
}

/**
 * Connection pool of one upstream: a model server or an executor. Only opening a connection has a
 * timeout here. The caller bounds the rest by its signal, because a response may take minutes.
 *
 * Connections through a proxy are undici's, all others those of `lib/http-client`
 * (docs/decisions/0018-model-servers-by-own-client.md).
 */
export class UpstreamClient {
  readonly #connections: HttpPool | ProxiedConnections;
  readonly #origin: string;
  readonly #basePath: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #rawHeaders: readonly string[];
  #closing: Promise<void> | undefined;

  constructor({ url, headers, connectTimeoutMs, proxies }: UpstreamClientOptions) {
    const parsed = new URL(url);
    this.#origin = parsed.origin;
    this.#basePath = parsed.pathname.replace(/\/+$/, '');
    this.#headers = headers;
    this.#rawHeaders = Object.entries(headers).flat();
    this.#connections =
      proxies === undefined
        ? new HttpPool(parsed, {
            // The number of running responses is bounded by the scheduler, and by the runner.
            size: Number.POSITIVE_INFINITY,
            maxWaiting: 0,
            chooseDisplaced: () => undefined,
            connectMs: connectTimeoutMs,
            responseMs: Number.POSITIVE_INFINITY,
            keepAliveMs: KEEP_ALIVE_MS,
            sharesReadBuffer: true,
          })
        : new ProxiedConnections(proxies, { connectMs: connectTimeoutMs, keepAliveMs: KEEP_ALIVE_MS });
  }

  /** Open connections. Those through a proxy are not counted. */
  get connections(): number {
    return this.#connections instanceof HttpPool ? this.#connections.stats.connected : 0;
  }

  /**
   * Resolves when the head of the response arrives, whatever its status. Throws the reason of
   * `signal` once it aborted, else the error of the connection. Carries the propagation headers of
   * the current request.
   */
  async request(request: UpstreamRequest): Promise<UpstreamResponse> {
    const { signal } = request;
    signal.throwIfAborted();
    const readable = new ReadableResponse(signal);
    this.#dispatch(request, readable);
    return await readable.response;
  }

  /**
   * Sends a request, and passes its response to `consumer` while it arrives, whatever its status.
   * Resolves when the body has ended, or when a complete response was left; see
   * `StreamedResponse.settled`. An abort of `signal` ends the request upstream.
   */
  stream(request: UpstreamRequest, consumer: ResponseConsumer): Promise<void> {
    const response = new StreamedResponse(consumer, request.signal);
    if (!request.signal.aborted) this.#dispatch(request, response);
    return response.settled;
  }

  #dispatch({ method, path, headers, body, content }: UpstreamRequest, handler: WaitingHandler): void {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const stream = content === undefined ? null : toStream(content);
    const fullPath = this.#basePath + path;
    if (this.#connections instanceof HttpPool) {
      const all = headers === undefined ? [...this.#rawHeaders] : withoutReplaced(this.#headers, headers);
      for (const more of [propagationHeaders(), headers]) for (const name in more) all.push(name, more[name] ?? '');
      const request = { method, path: fullPath, headers: all, body: stream, text };
      const waiting = this.#connections.dispatch(request, handler);
      if (waiting !== undefined) handler.onWaiting(waiting);
      return;
    }
    const allHeaders = { ...this.#headers, ...propagationHeaders(), ...headers };
    const request = { origin: this.#origin, method, path: fullPath, headers: allHeaders, body: text ?? stream };
    this.#connections.dispatch(request, handler);
  }

  /** Closes all connections, also those in use. Safe to call twice. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.#connections.close();
  }
}

/** Names and values in turn of the headers that `replacing` does not have. */
function withoutReplaced(
  headers: Readonly<Record<string, string>>,
  replacing: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(headers)
    .filter(([name]) => !Object.hasOwn(replacing, name))
    .flat();
}

function toStream(content: Readable | Uint8Array): Readable {
  if (content instanceof Readable) return content;
  const { buffer, byteOffset, byteLength } = content;
  return Readable.from([Buffer.from(buffer, byteOffset, byteLength)]);
}
