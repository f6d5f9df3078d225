import type { Readable } from 'node:stream';
import { AppError } from '#lib/errors';
import type { Backend } from '#lib/gateway/backend';
import {
  backendTimeout,
  connectionFailed,
  isClosedByPeer,
  isInvalidRequest,
  isPoolFull,
  poolFull,
  toBackendFailure,
} from '#lib/gateway/backend-errors';
import type { Gateway } from '#lib/gateway/gateway';
import type { ClientInfo } from '#lib/gateway/headers/request-headers';
import { responseHeaders, responseTrailers, statusMessage } from '#lib/gateway/headers/response-headers';
import type { BodyMask } from '#lib/gateway/token-mask';
import type { BufferLease } from '#lib/http-client/read-buffer';
import type { RequestController, ResponseHandler } from '#lib/http-client/response-handler';
import type { ErrorCode } from '#lib/wire/error';

/** A request on its way to a backend, in the form that every backend gets it in. */
export interface BackendRequest {
  method: string;
  /** Path and query, without a backend's base path. */
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body: Readable | null;
  /** As in `HttpClientRequest`. */
  trailers: (() => readonly string[]) | undefined;
  client: ClientInfo;
  /** Whether an answer of this status may have trailers at its end. */
  allowsTrailers: (status: number) => boolean;
}

/** What an answer that the backend did not give is counted as; anything else was the caller's fault. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = { upstream_failed: 502, upstream_timeout: 504, queue_full: 503 };

/** Methods that may be sent again where a kept connection was closed at the moment it was used (RFC 9110 §9.2.2). */
const RETRYABLE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * One request and its answer, over as many attempts as it takes: another backend where one takes no
 * connection, once more where a kept connection turned out to be closed, and otherwise one. What
 * the answer is written to is the subclass's.
 *
 * `respond` is called at most once, and then the subclass calls `commit` when the head leaves. What
 * fails before that is refused as if there had been no head. So exactly one of `finish`, `cut` and
 * `refuse` is called, unless `leave` was called first; `cut` only after `commit`.
 */
export abstract class Exchange implements ResponseHandler {
  protected readonly gateway: Gateway;
  readonly #outbound: BackendRequest;
  readonly #startedMs = performance.now();
  readonly #mask: BodyMask | undefined;
  #backend: Backend | undefined;
  #tried: Set<Backend> | undefined;
  #controller: RequestController | undefined;
  /** Ends the request while it waits for a connection. */
  #waiting: RequestController | undefined;
  #wait: NodeJS.Timeout | undefined;
  /** The headers of an answer that may have trailers. */
  #rawHeaders: readonly string[] = [];
  #isRepeated = false;
  /** The status of an answer whose head has not left yet. */
  #heldStatus: number | undefined;
  #hasResponded = false;
  #isOver = false;

  constructor(gateway: Gateway, outbound: BackendRequest) {
    this.gateway = gateway;
    this.#outbound = outbound;
    this.#mask = gateway.tokenMask.body();
  }

  /** An informational answer (103 and its kind), any number of times before `respond`. */
  protected abstract inform(status: number, headers: string[]): void;
  /**
   * Takes the head, which may wait for the end of this turn: `sendHead` is called when it may not
   * wait longer.
   */
  protected abstract respond(status: number, message: string | undefined, headers: string[]): void;
  protected abstract sendHead(): void;
  /** Takes a piece of the body, which is there during the call and as long as `lease` is held; false asks for no more until `resume`. */
  protected abstract write(chunk: Buffer, lease?: BufferLease): boolean;
  protected abstract finish(trailers: [string, string][]): void;
  /** The answer broke off after its beginning: whoever reads it must notice. */
  protected abstract cut(): void;
  /** The backend did not answer. */
  protected abstract refuse(fault: AppError): void;

  protected get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  protected start(): void {
    this.gateway.statistics.requestStarted();
    this.#attempt();
  }

  protected resume(): void {
    this.#controller?.resume();
  }

  /** The client is gone: the backend's work is ended. Does nothing once all is over. */
  protected leave(): void {
    if (this.#isOver) return;
    this.#end();
    this.#controller?.abort(new Error('the client is gone'));
  }

  /** Ends an exchange that failed on our side of it: on the request's body, say. */
  protected fail(fault: AppError): void {
    if (this.#isOver) return;
    this.#conclude(fault);
    this.#controller?.abort(fault);
  }

  // What the pool calls.

  onRequestStart(controller: RequestController): void {
    clearTimeout(this.#wait);
    this.#waiting = undefined;
    this.#controller = controller;
    if (this.#isOver) controller.abort(clientClosed());
  }

  onResponseStart(status: number, message: string, raw: string[]): void {
    if (this.#isOver) return;
    const { client: origin } = this.#outbound;
    if (status < 200) {
      this.inform(status, responseHeaders(raw, this.gateway.tokenMask, origin, false));
      return;
    }
    const allowsTrailers = this.#outbound.allowsTrailers(status);
    const headers = responseHeaders(raw, this.gateway.tokenMask, origin, allowsTrailers);
    if (allowsTrailers) this.#rawHeaders = raw;
    this.#heldStatus = status;
    // A header that cannot be sent throws here or before `commit`, and comes back as an error of
    // this attempt.
    this.respond(status, statusMessage(message, this.gateway.tokenMask), headers);
  }

  /** The head leaves: from now on the answer can only be finished or cut. */
  protected commit(): void {
    const status = this.#heldStatus;
    if (status === undefined) return;
    this.#heldStatus = undefined;
    this.#hasResponded = true;
    const now = performance.now();
    this.#backend?.recordSuccess(now);
    this.gateway.statistics.responseStarted(status, now - this.#startedMs, false);
  }

  /** For what `respond` was given and could not be sent. */
  protected failHead(error: unknown): void {
    if (this.#isOver) return;
    const failure = toBackendFailure(error, this.gateway.settings.GATEWAY_TIMEOUT_MS);
    this.#backend?.recordFailure(failure, false);
    this.fail(failure.fault);
  }

  onResponseData(chunk: Buffer, lease: BufferLease): void {
    if (this.#isOver) return;
    const data = this.#mask === undefined ? chunk : this.#mask.push(chunk);
    if (data.length > 0 && !this.write(data, lease)) this.#controller?.pause();
  }

  onResponseEnd(trailers: string[]): void {
    if (this.#isOver) return;
    const rest = this.#mask?.end();
    if (rest !== undefined && rest.length > 0) this.write(rest);
    this.sendHead();
    this.#end();
    this.finish(trailers.length === 0 ? [] : responseTrailers(trailers, this.#rawHeaders, this.gateway.tokenMask));
  }

  onResponseError(error: Error): void {
    clearTimeout(this.#wait);
    if (this.#isOver) return;
    const unsent = this.#controller === undefined;
    if (isInvalidRequest(error)) {
      this.#conclude(new AppError('invalid_request', 'The request has an invalid header.'));
      return;
    }
    if (isPoolFull(error)) {
      if (!this.#triesAgain(error, unsent)) this.#conclude(poolFull());
      return;
    }
    const failure = toBackendFailure(error, this.gateway.settings.GATEWAY_TIMEOUT_MS);
    this.#backend?.recordFailure(failure, unsent);
    if (this.#hasResponded || !this.#triesAgain(error, unsent)) this.#conclude(failure.fault);
  }

  #attempt(): void {
    const backend = this.gateway.chooseBackend(this.#tried);
    if (backend === undefined) {
      this.#conclude(connectionFailed());
      return;
    }
    const { method, path, headers, body, trailers, client: origin } = this.#outbound;
    this.#backend = backend;
    this.#controller = undefined;
    backend.pending += 1;
    const { caller: client } = origin;
    const waiting = backend.pool.dispatch(
      { method, path: backend.basePath + path, headers, body, trailers, caller: client },
      this,
    );
    // From the first byte on, the connection's own timeouts hold; until then it waits for a place in the pool.
    if (this.#controller === undefined && !this.#isOver && !this.#hasResponded && this.#heldStatus === undefined) {
      this.#waiting = waiting;
      clearTimeout(this.#wait);
      this.#wait = setTimeout(() => this.#waitedTooLong(), this.gateway.settings.GATEWAY_TIMEOUT_MS);
    }
  }

  #triesAgain(error: Error, unsent: boolean): boolean {
    const { method, body } = this.#outbound;
    const isStale = !this.#isRepeated && body === null && RETRYABLE_METHODS.has(method) && isClosedByPeer(error);
    if (!unsent && !isStale) return false;
    if (unsent && this.#backend !== undefined) {
      this.#tried ??= new Set();
      this.#tried.add(this.#backend);
      if (this.gateway.chooseBackend(this.#tried) === undefined) return false;
    } else this.#isRepeated = true;
    this.#release();
    this.#attempt();
    return true;
  }

  #waitedTooLong(): void {
    if (this.#controller !== undefined || this.#isOver) return;
    this.#conclude(backendTimeout(this.gateway.settings.GATEWAY_TIMEOUT_MS));
  }

  #conclude(fault: AppError): void {
    this.#heldStatus = undefined;
    this.#end();
    if (this.#hasResponded) {
      this.cut();
      return;
    }
    const status = STATUS_OF[fault.code];
    this.gateway.statistics.responseStarted(status ?? 400, this.elapsedMs, status !== undefined);
    this.refuse(fault);
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#wait);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.abort(clientClosed());
    this.#release();
    this.gateway.statistics.requestEnded();
  }

  #release(): void {
    if (this.#backend === undefined) return;
    this.#backend.pending -= 1;
    this.#backend = undefined;
  }
}

function clientClosed(): Error {
  return new Error('the client has left');
}
