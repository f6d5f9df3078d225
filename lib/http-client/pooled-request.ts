import type { Readable } from 'node:stream';
import type { CallerShare, ConnectionShares } from '#lib/http-client/connection-shares';
import type { RequestHead } from '#lib/http-client/request-head';
import type { HttpClientRequest, RequestController, ResponseHandler } from '#lib/http-client/response-handler';

/** What a request is sent over. */
export interface Connection {
  send(request: PooledRequest): void;
  pause(): void;
  resume(): void;
  /** Ends the connection, and the request that it has. */
  destroy(error: Error): void;
}

/** A request from the moment that it is dispatched: it waits, is carried, and is over, each at most once. */
export class PooledRequest implements RequestController {
  readonly method: string;
  readonly head: RequestHead;
  readonly body: Readable | null;
  readonly trailers: HttpClientRequest['trailers'];
  readonly handler: ResponseHandler;
  readonly share: CallerShare<PooledRequest>;
  readonly #shares: ConnectionShares<PooledRequest>;
  /** Whether it counts among the connections that its client holds. */
  #isCounted = false;
  #carrier: Connection | undefined;
  #isOver = false;

  constructor(
    { method, body, trailers, caller: client = '' }: HttpClientRequest,
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
    this.share = shares.of(client);
  }

  /** Goes out over `carrier`. False where nobody wants it any more: nothing was sent, and the carrier is free. */
  start(carrier: Connection): boolean {
    if (this.#isOver) return false;
    this.handler.onRequestStart(this);
    if (this.#isOver) return false;
    this.#carrier = carrier;
    this.#isCounted = true;
    this.#shares.started(this.share);
    carrier.send(this);
    return true;
  }

  /** Its connection is free or closed: it counts no longer. */
  release(): void {
    if (!this.#isCounted) return;
    this.#isCounted = false;
    this.#shares.ended(this.share);
  }

  pause(): void {
    this.#carrier?.pause();
  }

  resume(): void {
    this.#carrier?.resume();
  }

  abort(reason: Error): void {
    if (this.#carrier === undefined) this.fail(reason);
    else this.#carrier.destroy(reason);
  }

  /** For who carries it: the answer is complete. */
  end(trailers: string[]): void {
    this.#isOver = true;
    this.#carrier = undefined;
    this.release();
    this.handler.onResponseEnd(trailers);
  }

  /** For who carries it or has it waiting. Its body is left as it is: where none of it was sent, another backend may get it. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#carrier === undefined) this.#shares.dequeue(this.share, this);
    this.#carrier = undefined;
    this.release();
    this.handler.onResponseError(error);
  }
}
