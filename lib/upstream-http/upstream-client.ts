import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import type { OutboundProxies } from '#lib/config/outbound-proxies';
import { propagationHeaders } from '#lib/telemetry/tracing';
import { type ResponseConsumer, StreamedResponse } from '#lib/upstream-http/streamed-response';

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
  method: 'GET' | 'POST';
  /** Below the path of the client's URL, with its slash. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
  signal: AbortSignal;
}

export type UpstreamResponse = Dispatcher.ResponseData;

/**
 * Connection pool of one upstream: a model server or an executor. Only opening a connection has a
 * timeout here. The caller bounds the rest by its signal, because a response may take minutes.
 */
export class UpstreamClient {
  readonly #dispatcher: Pool | EnvHttpProxyAgent;
  readonly #origin: string;
  readonly #basePath: string;
  readonly #headers: Readonly<Record<string, string>>;
  #closing: Promise<void> | undefined;

  constructor({ url, headers, connectTimeoutMs, proxies }: UpstreamClientOptions) {
    const { origin, pathname } = new URL(url);
    this.#origin = origin;
    this.#basePath = pathname.replace(/\/+$/, '');
    this.#headers = headers;
    const options = { connect: { timeout: connectTimeoutMs }, keepAliveTimeout: KEEP_ALIVE_MS };
    this.#dispatcher =
      proxies === undefined
        ? new Pool(origin, options)
        : new EnvHttpProxyAgent({ ...options, ...proxies, connectTimeout: connectTimeoutMs });
  }

  /** Open connections. Those through a proxy are not counted. */
  get connections(): number {
    return this.#dispatcher instanceof Pool ? this.#dispatcher.stats.connected : 0;
  }

  /**
   * Resolves when the head of the response arrives, whatever its status. Throws the reason of
   * `signal` once it aborted, else the error of the connection. Carries the propagation headers of
   * the current request.
   */
  async request(request: UpstreamRequest): Promise<UpstreamResponse> {
    const { signal } = request;
    signal.throwIfAborted();
    try {
      return await this.#dispatcher.request({ ...this.#optionsOf(request), signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /**
   * Sends a request, and passes its response to `consumer` while it arrives, whatever its status.
   * Resolves when the body has ended, or when a complete response was left; see
   * `StreamedResponse.settled`. An abort of `signal` ends the request upstream.
   */
  async stream(request: UpstreamRequest, consumer: ResponseConsumer): Promise<void> {
    const { signal } = request;
    signal.throwIfAborted();
    const response = new StreamedResponse(consumer, signal);
    this.#dispatcher.dispatch(this.#optionsOf(request), response);
    await response.settled;
  }

  #optionsOf({ method, path, headers, body }: UpstreamRequest): Dispatcher.DispatchOptions {
    return {
      origin: this.#origin,
      method,
      path: this.#basePath + path,
      headers: { ...this.#headers, ...propagationHeaders(), ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: 0,
      bodyTimeout: 0,
    };
  }

  /** Closes all connections, also those in use. Safe to call twice. */
  async close(): Promise<void> {
    this.#closing ??= this.#dispatcher.destroy();
    await this.#closing;
  }
}
