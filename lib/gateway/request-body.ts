import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/**
 * A request's body for the backend, with backpressure. What happens to it does not happen to the request: a backend that answers
 * before it has read everything, or that fails, leaves the client's connection open for the answer, and the
 * rest of the body is read and dropped.
 */
export class RequestBody extends Readable {
  readonly #incoming: IncomingMessage;
  readonly #onFirstRead: (() => void) | undefined;
  readonly #timeoutMs: number;
  #isReading = false;

  /**
   * `onFirstRead` is called when the backend is there to take the body. A client that sends nothing for `timeoutMs` while it is
   * being read fails the body with `BodyStalled`.
   */
  constructor(incoming: IncomingMessage, timeoutMs: number, onFirstRead?: () => void) {
    super();
    this.#incoming = incoming;
    this.#timeoutMs = timeoutMs;
    this.#onFirstRead = onFirstRead;
  }

  override _read(): void {
    const incoming = this.#incoming;
    if (this.#isReading) {
      incoming.resume();
      return;
    }
    this.#isReading = true;
    this.#onFirstRead?.();
    incoming.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onError);
    incoming.setTimeout(this.#timeoutMs, this.#onTimeout);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const incoming = this.#incoming;
    incoming
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('close', this.#onClose)
      .off('timeout', this.#onTimeout);
    if (this.#isReading && incoming.complete) incoming.setTimeout(0);
    // Whether it failed or was not wanted any more, the rest must be read for the next request to be seen.
    if (!incoming.readableEnded) incoming.resume();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#incoming.pause();
  };

  readonly #onEnd = (): void => {
    this.#incoming.setTimeout(0);
    this.push(null);
  };

  readonly #onClose = (): void => {
    if (!this.#incoming.complete) this.destroy(new Error('the client is gone'));
  };

  // What there is to do is done when it closes.
  readonly #onError = (): void => {};

  readonly #onTimeout = (): void => {
    if (this.destroyed) this.#incoming.socket.destroy();
    // A backend that does not read is the connection's own timeout to notice.
    else if (!this.#incoming.isPaused()) this.destroy(new BodyStalled());
  };
}

export class BodyStalled extends Error {
  constructor() {
    super('the body stopped arriving');
  }
}
