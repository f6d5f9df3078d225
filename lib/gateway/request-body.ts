import type { IncomingMessage } from 'node:http';
import { type ClientTransfer, type SlowClients, Stopwatch } from '#lib/gateway/slow-clients';
import type { BodyReceiver, BodySource } from '#lib/http-client/body-source';

/** How long a client may take for the first bytes of its body, and after the backend paused it. */
const GRACE_MS = 5_000;
/** Freeing a smaller chunk early costs more than it saves. */
const MIN_RELEASED_BYTES = 16 * 1024;

export interface RequestBodyEvents {
  /** A backend starts to read. */
  onFirstRead(): void;
  /** The client sends nothing for too long, or less than `slowClients` allows. */
  onStalled(): void;
}

/**
 * A request's body for the backend, with backpressure. Stopping it does not destroy the request:
 * the client's connection stays open for the response, and the rest of the body is discarded.
 */
export class RequestBody implements BodySource, ClientTransfer {
  readonly graceMs = GRACE_MS;
  readonly #incoming: IncomingMessage;
  readonly #timeoutMs: number;
  readonly #slowClients: SlowClients;
  readonly #events: RequestBodyEvents;
  /** Undefined if the body is chunked. */
  readonly #length: number | undefined;
  readonly #waited = new Stopwatch();
  #receiver: BodyReceiver | undefined;
  #movedBytes = 0;
  #isWatched = false;
  #hasMinimumRate = true;

  constructor(incoming: IncomingMessage, timeoutMs: number, slowClients: SlowClients, events: RequestBodyEvents) {
    const length = incoming.headers['content-length'];
    this.#incoming = incoming;
    this.#timeoutMs = timeoutMs;
    this.#slowClients = slowClients;
    this.#events = events;
    this.#length = length === undefined ? undefined : Number(length);
  }

  get movedBytes(): number {
    return this.#movedBytes;
  }

  waitedMs(nowMs: number): number {
    return this.#waited.elapsedMs(nowMs);
  }

  onTooSlow(): void {
    this.#stall();
  }

  /** Lifts the minimum rate: the backend responds while the body arrives. */
  mayBeSlow(): void {
    this.#hasMinimumRate = false;
    this.#slowClients.unwatch(this);
  }

  start(receiver: BodyReceiver): void {
    const incoming = this.#incoming;
    this.#receiver = receiver;
    this.#events.onFirstRead();
    incoming.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', ignore);
    // From now on the parser's chunks are delivered in the turn in which they arrive.
    incoming.read(0);
    if (incoming.destroyed) this.#onClose();
    // Most bodies have arrived completely by then.
    else if (!incoming.complete) setImmediate(watch, this);
  }

  resume(): void {
    this.#waited.start();
    this.#incoming.resume();
  }

  stop(): void {
    const incoming = this.#incoming;
    this.#detach();
    // A client that sends no more of a body that is discarded is disconnected by its timeout.
    if (this.#isWatched && incoming.complete) incoming.setTimeout(0);
    // The next request on the connection comes after the rest of this body.
    if (!incoming.readableEnded) incoming.resume();
  }

  /** Frees large chunks at once, since garbage collection would let hundreds of MB of them pile up. */
  release({ buffer, byteLength }: Buffer): void {
    if (byteLength < MIN_RELEASED_BYTES || byteLength !== buffer.byteLength) return;
    if (buffer instanceof ArrayBuffer) buffer.transfer(0);
  }

  /** The turn in which the body was started has ended. */
  watch(): void {
    const incoming = this.#incoming;
    if (incoming.complete) return;
    this.#isWatched = true;
    incoming.setTimeout(this.#timeoutMs);
    if (this.#receiver === undefined) return;
    incoming.on('timeout', this.#onTimeout);
    if (!incoming.isPaused()) this.#waited.start();
    if (this.#hasMinimumRate) this.#slowClients.watch(this);
  }

  #stall(): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    this.stop();
    this.#events.onStalled();
    receiver.onError(new Error('the body stopped arriving'));
  }

  #detach(): BodyReceiver | undefined {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#incoming
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('close', this.#onClose)
      .off('timeout', this.#onTimeout);
    this.#slowClients.unwatch(this);
    return receiver;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#movedBytes += chunk.length;
    const isWritable = this.#receiver?.onData(chunk);
    if (this.#movedBytes === this.#length) this.#onEnd();
    else if (isWritable === false) {
      this.#incoming.pause();
      this.#waited.stop();
    }
  };

  readonly #onEnd = (): void => {
    const receiver = this.#detach();
    if (this.#isWatched) this.#incoming.setTimeout(0);
    receiver?.onEnd();
  };

  readonly #onClose = (): void => {
    if (this.#incoming.complete) return;
    this.#detach()?.onError(new Error('the client has closed'));
  };

  readonly #onTimeout = (): void => {
    // A backend that does not read is ended by the timeout of its connection.
    if (!this.#incoming.isPaused()) this.#stall();
  };
}

/** One function for all bodies, so that no closure is made for each. */
function watch(body: RequestBody): void {
  body.watch();
}

/** An unhandled error event would throw. `close` follows it. */
function ignore(): void {}
