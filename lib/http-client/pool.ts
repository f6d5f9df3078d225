import { type ConnectionOwner, type ConnectionTimeouts, HttpConnection } from '#lib/http-client/connection';
import { type ChooseDisplaced, ConnectionShares } from '#lib/http-client/connection-shares';
import { Connector } from '#lib/http-client/connector';
import { HttpClientError } from '#lib/http-client/errors';
import { PooledRequest } from '#lib/http-client/pooled-request';
import { type RequestHead, serializeRequestHead } from '#lib/http-client/request-head';
import type { HttpClientRequest, RequestController, ResponseHandler } from '#lib/http-client/response-handler';

export interface PoolOptions extends ConnectionTimeouts {
  /** The maximum number of connections. */
  size: number;
  /** The maximum number of requests that wait for a connection. */
  maxWaiting: number;
  chooseDisplaced: ChooseDisplaced;
}

/**
 * Keep-alive connections to one origin, each with one request at a time (no pipelining). A request
 * uses the connection that was used last (LIFO), a new one if all are busy, or waits if there may
 * be no more or its caller holds its share (`ConnectionShares`).
 */
export class HttpPool implements ConnectionOwner {
  readonly #host: string;
  readonly #connector: Connector;
  readonly #options: PoolOptions;
  readonly #connections = new Set<HttpConnection>();
  readonly #idle: HttpConnection[] = [];
  readonly #shares: ConnectionShares<PooledRequest>;
  #isClosed = false;

  constructor(origin: URL, options: PoolOptions) {
    this.#host = origin.host;
    this.#connector = new Connector(origin);
    this.#options = options;
    this.#shares = new ConnectionShares(options.size, options);
  }

  /** The number of running requests and of open connections. */
  get stats(): { running: number; connected: number } {
    let connected = 0;
    for (const connection of this.#connections) if (connection.isReady) connected += 1;
    return { running: connected - this.#idle.length, connected };
  }

  /**
   * Sends a request as soon as it has a connection. `handler` receives all events and errors:
   * `REQUEST_REFUSED` for an invalid request, `POOL_FULL` if the queue has no place. Returns the
   * controller of a request that waits, otherwise undefined.
   */
  dispatch(request: HttpClientRequest, handler: ResponseHandler): RequestController | undefined {
    let head: RequestHead;
    try {
      if (this.#isClosed) throw poolClosed();
      head = serializeRequestHead(request, this.#host);
    } catch (error) {
      handler.onResponseError(error instanceof Error ? error : new Error('not sent', { cause: error }));
      return undefined;
    }
    const pooled = new PooledRequest(request, head, handler, this.#shares);
    const connection = this.#shares.mayStart(pooled.share) ? this.#idle.pop() : undefined;
    if (connection !== undefined) {
      if (!pooled.start(connection)) this.#idle.push(connection);
      return undefined;
    }
    const displaced = this.#shares.enqueue(pooled.share, pooled);
    this.#connect();
    displaced?.fail(new HttpClientError('POOL_FULL', 'too many requests wait for a connection'));
    return displaced === pooled ? undefined : pooled;
  }

  /** As `Connector.probe`. */
  probe(timeoutMs: number): Promise<void> {
    return this.#connector.probe(timeoutMs);
  }

  /** Closes every connection and fails every request. */
  close(): void {
    this.#isClosed = true;
    for (let next = this.#shares.takeAny(); next !== undefined; next = this.#shares.takeAny()) next.fail(poolClosed());
    for (const connection of this.#connections) connection.destroy(poolClosed());
  }

  onIdle(connection: HttpConnection): void {
    this.#idle.push(connection);
    this.#startWaiting();
  }

  onClosed(connection: HttpConnection, error: Error | undefined): void {
    this.#connections.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    // A connection that never opened fails the request that it was opened for.
    if (error !== undefined) this.#shares.takeAny()?.fail(error);
    this.#startWaiting();
    this.#connect();
  }

  /** Gives idle connections to waiting requests that may start. */
  #startWaiting(): void {
    while (this.#shares.waiting > 0) {
      const connection = this.#idle.pop();
      if (connection === undefined) return;
      const next = this.#shares.take();
      if (next?.start(connection) !== true) this.#idle.push(connection);
      if (next === undefined) return;
    }
  }

  #connect(): void {
    if (this.#isClosed || this.#connections.size >= this.#options.size || !this.#shares.hasNext) return;
    this.#connections.add(new HttpConnection(this.#connector, this.#options, this));
  }
}

function poolClosed(): HttpClientError {
  return new HttpClientError('POOL_CLOSED', 'the server is closing');
}
