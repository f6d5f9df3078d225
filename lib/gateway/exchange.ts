import { AppError } from '#lib/errors';
import type { Backend } from '#lib/gateway/backend';
import {
  backendTimeout,
  connectionFailed,
  isClosedByPeer,
  isInvalidRequest,
  isPoolFull,
  noOpenBackend,
  poolFull,
  toBackendFailure,
} from '#lib/gateway/backend-errors';
import type { Gateway } from '#lib/gateway/gateway';
import type { ClientInfo } from '#lib/gateway/headers/request-headers';
import { responseHeaders, responseTrailers, statusMessage } from '#lib/gateway/headers/response-headers';
import type { ExchangeControl, ResponseSink } from '#lib/gateway/response-sink';
import { type BodyMask, TokenMask } from '#lib/gateway/token-mask';
import { HTTP_STATUS_BY_CODE } from '#lib/http/errors';
import { lockedOut, type OpenPiece, openWork } from '#lib/http/open-work';
import type { BufferLease } from '#lib/http-client/read-buffer';
import type { HttpClientRequest, RequestController, ResponseHandler } from '#lib/http-client/response-handler';

/** A request as every backend receives it. */
export interface BackendRequest {
  method: string;
  /** Path and query, without the base path of a backend. */
  path: string;
  /** Names and values in turn, for the token of a backend: an added one has none. */
  headersFor: (token: string | undefined) => string[];
  body: HttpClientRequest['body'];
  /** As in `HttpClientRequest`. */
  trailers: (() => readonly string[]) | undefined;
  client: ClientInfo;
  /** This server's headers, added after the backend's, names and values in turn. */
  addedHeaders: readonly string[];
  /** Whether a response of this status may have trailers. */
  allowsTrailers: (status: number) => boolean;
}

/**
 * Sends `request` to a backend and its response to `sink`. A backend that accepts no connection is
 * replaced by another one, if there is any. A request is repeated once if the backend closed a
 * kept connection when it was used (RFC 9110 9.2.2).
 */
export function forward(gateway: Gateway, request: BackendRequest, sink: ResponseSink): void {
  new Exchange(gateway, request, sink).start();
}

const NO_MASK = new TokenMask(undefined);
const RETRYABLE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

interface ResponseHead {
  status: number;
  message: string | undefined;
  headers: string[];
}

/** One request and its response, over all attempts. */
class Exchange implements ResponseHandler, ExchangeControl, OpenPiece {
  readonly #gateway: Gateway;
  readonly #request: BackendRequest;
  readonly #sink: ResponseSink;
  readonly #startedMs = performance.now();
  #backend: Backend | undefined;
  /** Of the backend that was tried last. */
  #tokenMask: TokenMask = NO_MASK;
  #mask: BodyMask | undefined;
  #triedBackends: Set<Backend> | undefined;
  /** Set once the request has a connection. */
  #controller: RequestController | undefined;
  /** Set while the request waits for a connection. */
  #waiting: RequestController | undefined;
  #waitTimer: NodeJS.Timeout | undefined;
  /** The head until it is sent: with the first chunk, with the end, or after this turn. */
  #unsentHead: ResponseHead | undefined;
  /** Kept for the trailers, if the response may have any. */
  #rawHeaders: readonly string[] = [];
  #isRepeated = false;
  #hasSentHead = false;
  #isOver = false;

  constructor(gateway: Gateway, request: BackendRequest, sink: ResponseSink) {
    this.#gateway = gateway;
    this.#request = request;
    this.#sink = sink;
  }

  /** Of its caller: the exchange ends with it. */
  get session(): string | undefined {
    return this.#request.client.session;
  }

  start(): void {
    this.#gateway.statistics.requestStarted();
    const { owner } = this.#request.client;
    if (owner !== undefined) openWork().add(owner, this);
    this.#sink.start(this);
    this.#attempt();
  }

  resume(): void {
    this.#controller?.resume();
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#end();
    this.#controller?.abort(clientClosed());
  }

  fail(error: AppError): void {
    if (this.#isOver) return;
    this.#conclude(error);
    this.#controller?.abort(error);
  }

  /** The caller was locked out. */
  endNow(): void {
    this.fail(lockedOut());
  }

  onRequestStart(controller: RequestController): void {
    clearTimeout(this.#waitTimer);
    this.#waiting = undefined;
    this.#controller = controller;
    if (this.#isOver) controller.abort(clientClosed());
  }

  onResponseStart(status: number, message: string, raw: string[]): void {
    if (this.#isOver) return;
    const tokenMask = this.#tokenMask;
    const { client, addedHeaders, allowsTrailers } = this.#request;
    if (status < 200) {
      this.#sink.sendInformational(status, responseHeaders(raw, tokenMask, client, false));
      return;
    }
    const mayHaveTrailers = allowsTrailers(status);
    const headers = responseHeaders(raw, tokenMask, client, mayHaveTrailers);
    headers.push(...addedHeaders);
    if (mayHaveTrailers) this.#rawHeaders = raw;
    this.#unsentHead = { status, message: statusMessage(message, tokenMask), headers };
    process.nextTick(flush, this);
  }

  onResponseData(chunk: Buffer, lease: BufferLease): void {
    if (this.#isOver) return;
    const data = this.#mask === undefined ? chunk : this.#mask.push(chunk);
    if (data.length > 0 && !this.#write(data, lease)) this.#controller?.pause();
  }

  onResponseEnd(trailers: string[]): void {
    if (this.#isOver) return;
    const rest = this.#mask?.end();
    if (rest !== undefined && rest.length > 0) this.#write(rest, undefined);
    this.#sendHead();
    this.#end();
    this.#sink.end(trailers.length === 0 ? [] : responseTrailers(trailers, this.#rawHeaders, this.#tokenMask));
  }

  onResponseError(error: Error): void {
    clearTimeout(this.#waitTimer);
    if (this.#isOver) return;
    const isUnsent = this.#controller === undefined;
    if (isInvalidRequest(error)) {
      this.#conclude(new AppError('invalid_request', 'The request has an invalid header.'));
      return;
    }
    if (isPoolFull(error)) {
      if (!this.#tryAgain(error, isUnsent)) this.#conclude(poolFull());
      return;
    }
    const failure = toBackendFailure(error, this.#gateway.settings.GATEWAY_TIMEOUT_MS);
    this.#backend?.recordFailure(failure, isUnsent);
    if (this.#hasSentHead || !this.#tryAgain(error, isUnsent)) this.#conclude(failure.error);
  }

  /** Runs after the turn in which the head came. */
  flushHead(): void {
    if (this.#isOver) return;
    try {
      this.#sendHead();
      this.#sink.flush();
    } catch (error) {
      const failure = toBackendFailure(error, this.#gateway.settings.GATEWAY_TIMEOUT_MS);
      this.#backend?.recordFailure(failure, false);
      this.fail(failure.error);
    }
  }

  #write(data: Buffer, lease: BufferLease | undefined): boolean {
    this.#sendHead();
    return this.#sink.write(data, lease);
  }

  #sendHead(): void {
    if (this.#unsentHead === undefined) return;
    const { status, message, headers } = this.#unsentHead;
    this.#unsentHead = undefined;
    this.#sink.sendHead(status, message, headers);
    this.#hasSentHead = true;
    const nowMs = performance.now();
    this.#backend?.recordSuccess(nowMs);
    this.#gateway.statistics.responseStarted(status, nowMs - this.#startedMs, false);
  }

  #attempt(): void {
    const backend = this.#gateway.chooseBackend(this.#triedBackends);
    if (backend === undefined) {
      this.#conclude(this.#gateway.isDrained ? noOpenBackend() : connectionFailed());
      return;
    }
    const { method, path, headersFor, body, trailers, client } = this.#request;
    const headers = headersFor(backend.token);
    this.#backend = backend;
    this.#tokenMask = backend.tokenMask;
    this.#mask = backend.tokenMask.body();
    this.#controller = undefined;
    backend.begin();
    const waiting = backend.pool.dispatch(
      { method, path: backend.basePath + path, headers, body, trailers, caller: client.caller },
      this,
    );
    // The connection has timeouts from the first byte on. Until then this timer ends the wait.
    if (waiting === undefined || this.#controller !== undefined) return;
    this.#waiting = waiting;
    clearTimeout(this.#waitTimer);
    this.#waitTimer = setTimeout(() => this.#waitedTooLong(), this.#gateway.settings.GATEWAY_TIMEOUT_MS);
  }

  #tryAgain(error: Error, isUnsent: boolean): boolean {
    const { method, body } = this.#request;
    const isStale = !this.#isRepeated && body === null && RETRYABLE_METHODS.has(method) && isClosedByPeer(error);
    if (!isUnsent && !isStale) return false;
    if (isUnsent && this.#backend !== undefined) {
      this.#triedBackends ??= new Set();
      this.#triedBackends.add(this.#backend);
      if (this.#gateway.chooseBackend(this.#triedBackends) === undefined) return false;
    } else this.#isRepeated = true;
    this.#releaseBackend();
    this.#attempt();
    return true;
  }

  #waitedTooLong(): void {
    if (this.#controller !== undefined || this.#isOver) return;
    this.#conclude(backendTimeout(this.#gateway.settings.GATEWAY_TIMEOUT_MS));
  }

  #conclude(error: AppError): void {
    this.#unsentHead = undefined;
    this.#end();
    if (this.#hasSentHead) {
      this.#sink.abort();
      return;
    }
    const status = HTTP_STATUS_BY_CODE[error.code];
    this.#gateway.statistics.responseStarted(status, performance.now() - this.#startedMs, status >= 500);
    this.#sink.reject(error);
  }

  #end(): void {
    this.#isOver = true;
    const { owner } = this.#request.client;
    if (owner !== undefined) openWork().remove(owner, this);
    clearTimeout(this.#waitTimer);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.abort(clientClosed());
    this.#releaseBackend();
    this.#gateway.statistics.requestEnded();
  }

  #releaseBackend(): void {
    if (this.#backend === undefined) return;
    const backend = this.#backend;
    this.#backend = undefined;
    backend.end();
  }
}

/** One function for all exchanges, so that no closure is made per response. */
function flush(exchange: Exchange): void {
  exchange.flushHead();
}

function clientClosed(): Error {
  return new Error('the client has closed');
}
