import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { decodeBody } from '#lib/upstream-http/content-encoding';
import { REST_BYTES, REST_MOMENT_MS, REST_TIMEOUT_MS } from '#lib/upstream-http/response-body';

/** Receives one response while it arrives. An error that a method throws ends the request. */
export interface ResponseConsumer {
  /** Called once, before all bytes. */
  onHead(status: number, headers: IncomingHttpHeaders): void;
  /**
   * `chunk` is decoded. Returns true when the response is complete: further bytes are read only so
   * that the connection can be reused.
   */
  onBytes(chunk: Uint8Array): boolean;
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
 * One streamed response, as undici's handler. Chunks go to the consumer in the turn in which they
 * arrive, without a stream or a promise for each of them.
 */
export class StreamedResponse implements Dispatcher.DispatchHandler {
  readonly #consumer: ResponseConsumer;
  readonly #signal: AbortSignal;
  readonly #settled = Promise.withResolvers<void>();
  #controller: Dispatcher.DispatchController | undefined;
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

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(ABANDONED);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#isSettled) return;
    this.#hasHead = true;
    try {
      this.#consumer.onHead(status, headers);
      this.#decode(controller, headers['content-encoding']);
    } catch (error) {
      this.#fail(error);
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#encoded === undefined) this.#deliver(chunk);
    else if (!this.#encoded.push(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#encoded === undefined) this.#resolve();
    else this.#encoded.push(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#encoded !== undefined && this.#hasHead) this.#encoded.destroy(error);
    else this.#fail(error);
  }

  #decode(controller: Dispatcher.DispatchController, encoding: string | string[] | undefined): void {
    if (encoding === undefined) return;
    const encoded = new Readable({ read: () => controller.resume() });
    const decoded = decodeBody(encoded, encoding);
    if (decoded === undefined) throw new UnknownEncodingError(String(encoding));
    if (decoded === encoded) return;
    this.#encoded = encoded;
    decoded.on('data', (chunk: Buffer) => this.#deliver(chunk));
    decoded.once('end', () => this.#resolve());
    decoded.once('error', (error) => this.#fail(error));
  }

  #deliver(chunk: Uint8Array): void {
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
    if (this.#isComplete)
      this.#timers = [
        setTimeout(() => this.#settled.resolve(), REST_MOMENT_MS),
        setTimeout(() => this.#leave(), REST_TIMEOUT_MS),
      ];
  }

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
    for (const timer of this.#timers ?? []) clearTimeout(timer);
  }

  #close(): void {
    this.#controller?.abort(ABANDONED);
    this.#encoded?.destroy();
  }
}

/** Shared instance: no reader sees it, and an error with its stack costs more than the abort. */
const ABANDONED = new Error('the response is no longer wanted');
