import { Readable } from 'node:stream';
import type { RequestController, ResponseHandler } from '#lib/http-client/response-handler';
import { decodeBody } from '#lib/upstream-http/content-encoding';
import { REST_BYTES, REST_MOMENT_MS, REST_TIMEOUT_MS } from '#lib/upstream-http/response-body';
import { type HeaderRecord, toHeaderRecord } from '#lib/upstream-http/response-headers';

/** Receives one response while it arrives. An error that a method throws ends the request. */
export interface ResponseConsumer {
  /** Called once, before all bytes. */
  onHead(status: number, headers: HeaderRecord): void;
  /**
   * `chunk` is decoded, and valid during the call. Returns true when the response is complete:
   * further bytes are read only so that the connection can be reused.
   */
  onBytes(chunk: Buffer): boolean;
}

/** The body is in an encoding that `decodeBody` does not know. */
export class UnknownEncodingError extends Error {
  readonly encoding: string;

  constructor(encoding: string) {
    super(`unknown content encoding ${encoding}`);
    this.encoding = encoding;
  }
}

/**
 * One streamed response. Chunks go to the consumer in the turn in which they arrive, without a
 * stream or a promise for each of them.
 */
export class StreamedResponse implements ResponseHandler {
  readonly #consumer: ResponseConsumer;
  readonly #signal: AbortSignal;
  readonly #settled = Promise.withResolvers<void>();
  #controller: RequestController | undefined;
  /** The undecoded body, if it has an encoding. */
  #encoded: Readable | undefined;
  #hasHead = false;
  #isComplete = false;
  #isSettled = false;
  #restBytes = 0;
  #timers: NodeJS.Timeout[] | undefined;

  constructor(consumer: ResponseConsumer, signal: AbortSignal) {
    this.#consumer = consumer;
    this.#signal = signal;
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort, { once: true });
  }

  /**
   * Resolves when the body has ended, or when a complete response was left. Rejects with the reason
   * of the signal, the consumer's error, or the one of the connection or the decoder.
   */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** The request waits for a connection. */
  onWaiting(controller: RequestController): void {
    this.#controller = controller;
  }

  onRequestStart(controller: RequestController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(ABANDONED);
  }

  onResponseStart(status: number, _message: string, rawHeaders: readonly string[]): void {
    if (status < 200 || this.#isSettled) return;
    this.#hasHead = true;
    const headers = toHeaderRecord(rawHeaders);
    try {
      this.#consumer.onHead(status, headers);
      this.#decode(headers['content-encoding']);
    } catch (error) {
      this.#fail(error);
    }
  }

  onResponseData(chunk: Buffer): void {
    if (this.#encoded === undefined) this.#deliver(chunk);
    else if (!this.#encoded.push(Buffer.from(chunk))) this.#controller?.pause();
  }

  onResponseEnd(): void {
    if (this.#encoded === undefined) this.#resolve();
    else this.#encoded.push(null);
  }

  onResponseError(error: Error): void {
    if (this.#encoded !== undefined && this.#hasHead) this.#encoded.destroy(error);
    else this.#fail(error);
  }

  #decode(encoding: string | undefined): void {
    if (encoding === undefined) return;
    const encoded = new Readable({ read: () => this.#controller?.resume() });
    const decoded = decodeBody(encoded, encoding);
    if (decoded === undefined) throw new UnknownEncodingError(encoding);
    if (decoded === encoded) return;
    this.#encoded = encoded;
    decoded.on('data', (chunk: Buffer) => this.#deliver(chunk));
    decoded.once('end', () => this.#resolve());
    decoded.once('error', (error) => this.#fail(error));
  }

  #deliver(chunk: Buffer): void {
    if (this.#isSettled) return;
    if (this.#isComplete) {
      this.#restBytes += chunk.byteLength;
      if (this.#restBytes > REST_BYTES) this.#leave();
      return;
    }
    try {
      this.#isComplete = this.#consumer.onBytes(chunk);
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Most bodies end in the read that completes the response, and need no timers.
    if (this.#isComplete) queueMicrotask(this.#awaitRest);
  }

  readonly #awaitRest = (): void => {
    if (this.#isSettled) return;
    this.#timers = [
      setTimeout(() => this.#settled.resolve(), REST_MOMENT_MS),
      setTimeout(() => this.#leave(), REST_TIMEOUT_MS),
    ];
  };

  /** Closes the connection of a complete response. */
  #leave(): void {
    this.#resolve();
    this.#close();
  }

  #resolve(): void {
    this.#finish();
    this.#settled.resolve();
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#finish();
    // A complete response does not fail by what comes after it.
    if (this.#isComplete) this.#settled.resolve();
    else this.#settled.reject(error);
    this.#close();
  }

  readonly #abort = (): void => this.#fail(this.#signal.reason);

  #finish(): void {
    this.#isSettled = true;
    this.#signal.removeEventListener('abort', this.#abort);
    if (this.#timers === undefined) return;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #close(): void {
    this.#controller?.abort(ABANDONED);
    this.#encoded?.destroy();
  }
}

/** Shared instance: no reader sees it, and an error with its stack costs more than the abort. */
export const ABANDONED = new Error('the response is no longer wanted');
