import type { CallerShare, ConnectionShares } from '#lib/http-client/connection-shares';
import type { RequestHead } from '#lib/http-client/request-head';
import type { HttpClientRequest, RequestController, ResponseHandler } from '#lib/http-client/response-handler';

/** Sends one request at a time. */
export interface Connection {
  send(request: PooledRequest): void;
  pause(): void;
  resume(): void;
  /** Closes the connection and fails its request. */
  destroy(error: Error): void;
}

/** A dispatched request. It waits, runs on a connection, and ends, each at most once. */
export class PooledRequest implements RequestController {
  readonly method: string;
  readonly head: RequestHead;
  readonly body: HttpClientRequest['body'];
  readonly trailers: HttpClientRequest['trailers'];
  readonly handler: ResponseHandler;
  readonly share: CallerShare<PooledRequest>;
  readonly #shares: ConnectionShares<PooledRequest>;
  #holdsConnection = false;
  #connection: Connection | undefined;
  #isOver = false;

  constructor(
    { method, body, trailers, caller = '' }: HttpClientRequest,
    head: RequestHead,
    handler: ResponseHandler,
    shares: ConnectionShares<PooledRequest>,
  ) {
    this.method = method;
    this.head = head;
    this.body = body;
    this.trailers = trailers;
    this.handler = handler;
    this.#shares = shares;
    this.share = shares.of(caller);
  }

  /** Sends the request. Returns false if it was aborted: the connection is still idle. */
  start(connection: Connection): boolean {
    if (this.#isOver) return false;
    this.handler.onRequestStart(this);
    if (this.#isOver) return false;
    this.#connection = connection;
    this.#holdsConnection = true;
    this.#shares.started(this.share);
    connection.send(this);
    return true;
  }

  /** Its connection is idle or closed, and no longer counts for the caller. */
  release(): void {
    if (!this.#holdsConnection) return;
    this.#holdsConnection = false;
    this.#shares.ended(this.share);
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  abort(reason: Error): void {
    if (this.#connection === undefined) this.fail(reason);
    else this.#connection.destroy(reason);
  }

  /** Called by the connection: the response is complete. */
  end(trailers: string[]): void {
    this.#isOver = true;
    this.#connection = undefined;
    this.release();
    this.handler.onResponseEnd(trailers);
  }

  /**
   * Called by the connection or the pool. Does not touch the body, which can be sent to another
   * server if none of it was sent.
   */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#connection === undefined) this.#shares.dequeue(this.share, this);
    this.#connection = undefined;
    this.release();
    this.handler.onResponseError(error);
  }
}
