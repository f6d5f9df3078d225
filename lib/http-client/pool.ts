import { type ConnectionOwner, type ConnectionTimeouts, HttpConnection } from '#lib/http-client/connection';
import { ConnectionShares } from '#lib/http-client/connection-shares';
import { Connector } from '#lib/http-client/connector';
import { HttpClientError } from '#lib/http-client/errors';
import { PooledRequest } from '#lib/http-client/pooled-request';
import { type RequestHead, serializeRequestHead } from '#lib/http-client/request-head';
import type { HttpClientRequest, RequestController, ResponseHandler } from '#lib/http-client/response-handler';

export interface PoolOptions extends ConnectionTimeouts {
  /** At most so many connections. */
  size: number;
  /** At most so many requests wait for one. */
  maxWaiting: number;
}

/**
 * The kept connections to one origin, each with one request at a time. A request gets the
 * connection that was used last, a new one where all are busy, or waits for its turn where there
 * may be no more, or where its client holds its share of them (`ConnectionShares`).
 */
export class HttpPool implements ConnectionOwner {
  readonly #host: string;
  readonly #dialler: Connector;
  readonly #options: PoolOptions;
  readonly #connections = new Set<HttpConnection>();
  readonly #idle: HttpConnection[] = [];
  readonly #shares: ConnectionShares<PooledRequest>;
  #isClosed = false;

  constructor(origin: URL, options: PoolOptions) {
    this.#host = origin.host;
    this.#dialler = new Connector(origin);
    this.#options = options;
    this.#shares = new ConnectionShares(options.size, options.maxWaiting);
  }

  /** How many requests are carried, and how many connections there are to carry any. */
  get stats(): { running: number; connected: number } {
    let connected = 0;
    for (const connection of this.#connections) if (connection.isReady) connected += 1;
    return { running: connected - this.#idle.length, connected };
  }

  /**
   * Sends a request as soon as it can be; `handler` gets all else. One that cannot be sent as it is
   * fails with `REQUEST_REFUSED`, and one for which the line has no place with `POOL_FULL`. Returns
   * what ends a request that waits, undefined where it does not.
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
    const refused = this.#shares.enqueue(pooled.share, pooled);
    this.#connect();
    refused?.fail(new HttpClientError('POOL_FULL', 'too many requests wait for a connection'));
    return refused === pooled ? undefined : pooled;
  }

  /** As `Dialler.probe`. */
  probe(timeoutMs: number): Promise<void> {
    return this.#dialler.probe(timeoutMs);
  }

  /** Ends every connection, and every request with an error. */
  close(): void {
    this.#isClosed = true;
    for (let next = this.#shares.takeAny(); next !== undefined; next = this.#shares.takeAny()) next.fail(poolClosed());
    for (const connection of this.#connections) connection.destroy(poolClosed());
  }

  onIdle(connection: HttpConnection): void {
    this.#idle.push(connection);
    this.#advance();
  }

  onClosed(connection: HttpConnection, error: Error | undefined): void {
    this.#connections.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
    // It was opened for the sake of one that waits.
    if (error !== undefined) this.#shares.takeAny()?.fail(error);
    this.#advance();
    this.#connect();
  }

  /** Gives idle connections to requests that wait and may begin. */
  #advance(): void {
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
    this.#connections.add(new HttpConnection(this.#dialler, this.#options, this));
  }
}

function poolClosed(): HttpClientError {
  return new HttpClientError('POOL_CLOSED', 'the server is closing');
}
