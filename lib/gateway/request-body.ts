import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type ClientTransfer, type SlowClients, Stopwatch } from '#lib/gateway/slow-clients';

/** How long a client may take for the first bytes of its body, and after the backend paused it. */
const GRACE_MS = 5_000;

/**
 * A request's body for the backend, with backpressure. Destroying it does not destroy the request:
 * the client's connection stays open for the response, and the rest of the body is discarded.
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
   * `onFirstRead` is called when a backend starts to read. A client that sends nothing for
   * `timeoutMs` while it is read, or that `slowClients` ends, fails the body with `BodyStalled`.
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

  /** Lifts the minimum rate: the backend responds while the body arrives. */
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
    // Most bodies have arrived completely by now.
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
    // The next request on the connection comes after the rest of this body.
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
    if (!this.#incoming.complete) this.destroy(new Error('the client has closed'));
  };

  /** An unhandled error event would throw. `close` follows it. */
  readonly #onError = (): void => {};

  readonly #onTimeout = (): void => {
    if (this.destroyed) this.#incoming.socket.destroy();
    // A backend that does not read is ended by the timeout of its connection.
    else if (!this.#incoming.isPaused()) this.destroy(new BodyStalled());
  };
}

export class BodyStalled extends Error {
  constructor() {
    super('the body stopped arriving');
  }
}
