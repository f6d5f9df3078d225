import type { AnswerHandler, ClientRequest } from '#lib/gateway/answer-handler';
import { ClientError } from '#lib/gateway/client-error';
import { Dialler } from '#lib/gateway/dial';
import { type ConnectionOwner, type ConnectionTimeouts, HttpConnection } from '#lib/gateway/http-connection';
import { PooledRequest } from '#lib/gateway/pooled-request';
import { type RequestHead, requestHead } from '#lib/gateway/request-head';

export interface PoolOptions extends ConnectionTimeouts {
  /** At most so many connections. */
  size: number;
}

/**
 * The kept connections to one origin, each with one request at a time. A request gets the connection that was used last, a new one where
 * all are busy, or waits for its turn where there may be no more.
 */
export class HttpPool implements ConnectionOwner {
  readonly #host: string;
  readonly #dialler: Dialler;
  readonly #options: PoolOptions;
  readonly #connections = new Set<HttpConnection>();
  readonly #idle: HttpConnection[] = [];
  readonly #waiting: PooledRequest[] = [];
  #isClosed = false;

  constructor(origin: URL, options: PoolOptions) {
    this.#host = origin.host;
    this.#dialler = new Dialler(origin);
    this.#options = options;
  }

  /** How many requests are carried, and how many connections there are to carry any. */
  get stats(): { running: number; connected: number } {
    let connected = 0;
    for (const connection of this.#connections) if (connection.isReady) connected += 1;
    return { running: connected - this.#idle.length, connected };
  }

  /** Sends a request as soon as it can be; all else is told to `handler`. One that cannot be sent as it is fails with `REQUEST_REFUSED`. */
  dispatch(request: ClientRequest, handler: AnswerHandler): void {
    let head: RequestHead;
    try {
      if (this.#isClosed) throw closed();
      head = requestHead(request, this.#host);
    } catch (error) {
      handler.onResponseError(error instanceof Error ? error : new Error('not sent', { cause: error }));
      return;
    }
    const pooled = new PooledRequest(request, head, handler);
    const connection = this.#idle.pop();
    if (connection !== undefined) {
      if (!pooled.start(connection)) this.#idle.push(connection);
      return;
    }
    this.#waiting.push(pooled);
    this.#connect();
  }

  /** As `Dialler.probe`. */
  probe(timeoutMs: number): Promise<void> {
    return this.#dialler.probe(timeoutMs);
  }

  /** Ends every connection, and every request with an error. */
  close(): void {
    this.#isClosed = true;
    for (const request of this.#waiting.splice(0)) request.fail(closed());
    for (const connection of this.#connections) connection.destroy(closed());
  }

  onIdle(connection: HttpConnection): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      if (next.start(connection)) return;
    this.#idle.push(connection);
  }

  onGone(connection: HttpConnection, error: Error | undefined): void {
    this.#connections.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
    // It was opened for the sake of one that waits.
    if (error !== undefined) this.#waiting.shift()?.fail(error);
    this.#connect();
  }

  #connect(): void {
    if (this.#isClosed || this.#waiting.length === 0 || this.#connections.size >= this.#options.size) return;
    this.#connections.add(new HttpConnection(this.#dialler, this.#options, this));
  }
}

function closed(): ClientError {
  return new ClientError('POOL_CLOSED', 'the server is closing');
}
