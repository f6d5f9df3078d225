import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type ClientTransfer, type SlowClients, Stopwatch } from '#lib/gateway/slow-clients';

/**
 * How long a client may take for the first bytes of its body, and after a pause of the backend's.
 */
const GRACE_MS = 5_000;

/**
 * A request's body for the backend, with backpressure. What happens to it does not happen to the request: a backend that answers
 * before it has read everything, or that fails, leaves the client's connection open for the answer, and the
 * rest of the body is read and dropped.
 */
export class RequestBody extends Readable implements ClientTransfer {
  readonly graceMs = GRACE_MS;
  readonly #slowClients: SlowClients;
  readonly #waited = new Stopwatch();
  #movedBytes = 0;
  readonly #incoming: IncomingMessage;
  readonly #onFirstRead: (() => void) | undefined;
  readonly #timeoutMs: number;
  #isReading = false;

  /**
   * `onFirstRead` is called when the backend is there to take the body. A client that sends nothing
   * for `timeoutMs` while it is being read fails the body with `BodyStalled`, and so does one that
   * `slowClients` finds too slow.
   */
  constructor(incoming: IncomingMessage, timeoutMs: number, slowClients: SlowClients, onFirstRead?: () => void) {
    super();
    this.#slowClients = slowClients;
    this.#incoming = incoming;
    this.#timeoutMs = timeoutMs;
    this.#onFirstRead = onFirstRead;
  }

  get movedBytes(): number {
    return this.#movedBytes;
  }

  waitedMs(nowMs: number): number {
    return this.#waited.elapsedMs(nowMs);
  }

  onTooSlow(): void {
    this.destroy(new BodyStalled());
  }

  /** From now on the body may take its time: the backend answers it as it comes. */
  mayBeSlow(): void {
    this.#slowClients.unwatch(this);
  }

  override _read(): void {
    const incoming = this.#incoming;
    if (this.#isReading) {
      this.#waited.start();
      incoming.resume();
      return;
    }
    this.#isReading = true;
    this.#onFirstRead?.();
    incoming.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onError);
    incoming.setTimeout(this.#timeoutMs, this.#onTimeout);
    // Most bodies are here by now, whole.
    if (incoming.complete) return;
    this.#waited.start();
    this.#slowClients.watch(this);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const incoming = this.#incoming;
    this.#slowClients.unwatch(this);
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
    this.#movedBytes += chunk.length;
    if (this.push(chunk)) return;
    this.#incoming.pause();
    this.#waited.stop();
  };

  readonly #onEnd = (): void => {
    this.#incoming.setTimeout(0);
    this.#slowClients.unwatch(this);
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
