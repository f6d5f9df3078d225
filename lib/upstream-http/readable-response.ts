import { Readable } from 'node:stream';
import type { RequestController, ResponseHandler } from '#lib/http-client/response-handler';
import { type HeaderRecord, toHeaderRecord } from '#lib/upstream-http/response-headers';
import { ABANDONED } from '#lib/upstream-http/streamed-response';

export interface UpstreamResponse {
  statusCode: number;
  headers: HeaderRecord;
  /** Destroying it before its end closes the connection. */
  body: Readable;
}

/** One response as a head and a stream with backpressure. */
export class ReadableResponse implements ResponseHandler {
  readonly #signal: AbortSignal;
  readonly #response = Promise.withResolvers<UpstreamResponse>();
  #controller: RequestController | undefined;
  #body: Readable | undefined;
  #isOver = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Resolves at the head. Rejects with the reason of the signal, or the connection's error. */
  get response(): Promise<UpstreamResponse> {
    return this.#response.promise;
  }

  /** The request waits for a connection. */
  onWaiting(controller: RequestController): void {
    this.#controller = controller;
  }

  onRequestStart(controller: RequestController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(ABANDONED);
  }

  onResponseStart(statusCode: number, _message: string, rawHeaders: readonly string[]): void {
    if (statusCode < 200 || this.#isOver) return;
    const body = new Readable({
      read: () => this.#controller?.resume(),
      destroy: (error, done) => {
        this.#leave();
        done(error);
      },
    });
    // The reader may not have begun when the connection breaks.
    body.on('error', () => {});
    this.#body = body;
    this.#response.resolve({ statusCode, headers: toHeaderRecord(rawHeaders), body });
  }

  onResponseData(chunk: Buffer): void {
    if (this.#body?.push(Buffer.from(chunk)) === false) this.#controller?.pause();
  }

  onResponseEnd(): void {
    this.#finish();
    this.#body?.push(null);
  }

  onResponseError(error: Error): void {
    // The connection that was left reports it too.
    if (this.#isOver) return;
    this.#finish();
    this.#fail(error);
  }

  readonly #abort = (): void => {
    this.#leave();
    this.#fail(this.#signal.reason);
  };

  /** Closes the connection of a response that is not read to its end. */
  #leave(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#controller?.abort(ABANDONED);
  }

  #fail(error: Error): void {
    if (this.#body === undefined) this.#response.reject(error);
    else this.#body.destroy(error);
  }

  #finish(): void {
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#abort);
  }
}
