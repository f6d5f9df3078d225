import type { Readable } from 'node:stream';
import { Fault } from '#lib/fault';
import type { AnswerHandler, Controller } from '#lib/gateway/answer-handler';
import type { Backend } from '#lib/gateway/backend';
import {
  backendFailure,
  connectionFailed,
  isClosedByPeer,
  isPoolFull,
  isRefusedHere,
  poolFull,
  tooSlow,
} from '#lib/gateway/faults';
import type { Gateway } from '#lib/gateway/gateway';
import type { Lease } from '#lib/gateway/read-buffer';
import type { Origin } from '#lib/gateway/request-headers';
import { responseHeaders, responseTrailers, statusMessage } from '#lib/gateway/response-headers';
import type { BodyMask } from '#lib/gateway/token-mask';
import type { FaultCode } from '#lib/wire/error';

/** A request on its way to a backend, in the form that every backend gets it in. */
export interface Outbound {
  method: string;
  /** Path and query, without a backend's base path. */
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body: Readable | null;
  /** As in `ClientRequest`. */
  trailers: (() => readonly string[]) | undefined;
  origin: Origin;
  /** Whether an answer of this status may have trailers at its end. */
  allowsTrailers: (status: number) => boolean;
}

/** What an answer that the backend did not give is counted as; anything else was the caller's fault. */
const STATUS_OF: Partial<Record<FaultCode, number>> = { upstream_failed: 502, upstream_timeout: 504, queue_full: 503 };

/** Methods that may be sent again where a kept connection was closed at the moment it was used (RFC 9110 §9.2.2). */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * One request and its answer, over as many attempts as it takes: another backend where one takes no
 * connection, once more where a kept connection turned out to be closed, and otherwise one. What
 * the answer is written to is the subclass's.
 *
 * `respond` is called at most once, and then the subclass calls `commit` when the head leaves. What
 * fails before that is refused as if there had been no head. So exactly one of `finish`, `cut` and
 * `refuse` is called, unless `leave` was called first; `cut` only after `commit`.
 */
export abstract class Exchange implements AnswerHandler {
  protected readonly gateway: Gateway;
  readonly #outbound: Outbound;
  readonly #startedMs = performance.now();
  readonly #mask: BodyMask | undefined;
  #backend: Backend | undefined;
  #tried: Set<Backend> | undefined;
  #controller: Controller | undefined;
  /** Ends the request while it waits for a connection. */
  #waiting: Controller | undefined;
  #wait: NodeJS.Timeout | undefined;
  /** The headers of an answer that may have trailers. */
  #rawHeaders: readonly string[] = [];
  #isRepeated = false;
  /** The status of an answer whose head has not left yet. */
  #heldStatus: number | undefined;
  #hasResponded = false;
  #isOver = false;

  constructor(gateway: Gateway, outbound: Outbound) {
    this.gateway = gateway;
    this.#outbound = outbound;
    this.#mask = gateway.mask.body();
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
  protected abstract write(chunk: Buffer, lease?: Lease): boolean;
  protected abstract finish(trailers: [string, string][]): void;
  /** The answer broke off after its beginning: whoever reads it must notice. */
  protected abstract cut(): void;
  /** The backend did not answer. */
  protected abstract refuse(fault: Fault): void;

  protected get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  protected start(): void {
    this.gateway.statistics.began();
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
  protected fail(fault: Fault): void {
    if (this.#isOver) return;
    this.#conclude(fault);
    this.#controller?.abort(fault);
  }

  // What the pool calls.

  onRequestStart(controller: Controller): void {
    clearTimeout(this.#wait);
    this.#waiting = undefined;
    this.#controller = controller;
    if (this.#isOver) controller.abort(clientLeft());
  }

  onResponseStart(status: number, message: string, raw: string[]): void {
    if (this.#isOver) return;
    const { origin } = this.#outbound;
    if (status < 200) {
      this.inform(status, responseHeaders(raw, this.gateway.mask, origin, false));
      return;
    }
    const allowsTrailers = this.#outbound.allowsTrailers(status);
    const headers = responseHeaders(raw, this.gateway.mask, origin, allowsTrailers);
    if (allowsTrailers) this.#rawHeaders = raw;
    this.#heldStatus = status;
    // A header that cannot be sent throws here or before `commit`, and comes back as an error of
    // this attempt.
    this.respond(status, statusMessage(message, this.gateway.mask), headers);
  }

  /** The head leaves: from now on the answer can only be finished or cut. */
  protected commit(): void {
    const status = this.#heldStatus;
    if (status === undefined) return;
    this.#heldStatus = undefined;
    this.#hasResponded = true;
    const now = performance.now();
    this.#backend?.succeeded(now);
    this.gateway.statistics.answered(status, now - this.#startedMs, false);
  }

  /** For what `respond` was given and could not be sent. */
  protected failHead(error: unknown): void {
    if (this.#isOver) return;
    const failure = backendFailure(error, this.gateway.settings.GATEWAY_TIMEOUT_MS);
    this.#backend?.failed(failure, false);
    this.fail(failure.fault);
  }

  onResponseData(chunk: Buffer, lease: Lease): void {
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
    this.finish(trailers.length === 0 ? [] : responseTrailers(trailers, this.#rawHeaders, this.gateway.mask));
  }

  onResponseError(error: Error): void {
    clearTimeout(this.#wait);
    if (this.#isOver) return;
    const unsent = this.#controller === undefined;
    if (isRefusedHere(error)) {
      this.#conclude(new Fault('invalid_request', 'The request has an invalid header.'));
      return;
    }
    if (isPoolFull(error)) {
      if (!this.#triesAgain(error, unsent)) this.#conclude(poolFull());
      return;
    }
    const failure = backendFailure(error, this.gateway.settings.GATEWAY_TIMEOUT_MS);
    this.#backend?.failed(failure, unsent);
    if (this.#hasResponded || !this.#triesAgain(error, unsent)) this.#conclude(failure.fault);
  }

  #attempt(): void {
    const backend = this.gateway.choose(this.#tried);
    if (backend === undefined) {
      this.#conclude(connectionFailed());
      return;
    }
    const { method, path, headers, body, trailers, origin } = this.#outbound;
    this.#backend = backend;
    this.#controller = undefined;
    backend.pending += 1;
    const { client } = origin;
    const waiting = backend.pool.dispatch(
      { method, path: backend.basePath + path, headers, body, trailers, client },
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
    const isStale = !this.#isRepeated && body === null && REPEATABLE.has(method) && isClosedByPeer(error);
    if (!unsent && !isStale) return false;
    if (unsent && this.#backend !== undefined) {
      this.#tried ??= new Set();
      this.#tried.add(this.#backend);
      if (this.gateway.choose(this.#tried) === undefined) return false;
    } else this.#isRepeated = true;
    this.#release();
    this.#attempt();
    return true;
  }

  #waitedTooLong(): void {
    if (this.#controller !== undefined || this.#isOver) return;
    this.#conclude(tooSlow(this.gateway.settings.GATEWAY_TIMEOUT_MS));
  }

  #conclude(fault: Fault): void {
    this.#heldStatus = undefined;
    this.#end();
    if (this.#hasResponded) {
      this.cut();
      return;
    }
    const status = STATUS_OF[fault.code];
    this.gateway.statistics.answered(status ?? 400, this.elapsedMs, status !== undefined);
    this.refuse(fault);
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#wait);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.abort(clientLeft());
    this.#release();
    this.gateway.statistics.ended();
  }

  #release(): void {
    if (this.#backend === undefined) return;
    this.#backend.pending -= 1;
    this.#backend = undefined;
  }
}

function clientLeft(): Error {
  return new Error('the client has left');
}
