import type { ParsedBodyReceiver, ServerRequest } from '#lib/gateway/server-request';
import { type ClientTransfer, type SlowClients, Stopwatch } from '#lib/gateway/slow-clients';
import type { BodyReceiver, BodySource } from '#lib/http-client/body-source';
import { atEndOfTurn, type TurnTask } from '#lib/http-client/end-of-turn';

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
export class RequestBody implements BodySource, ParsedBodyReceiver, ClientTransfer, TurnTask {
  readonly graceMs = GRACE_MS;
  readonly #incoming: ServerRequest;
  readonly #timeoutMs: number;
  readonly #slowClients: SlowClients;
  readonly #events: RequestBodyEvents;
  /** Undefined if the body is chunked. */
  readonly #length: number | undefined;
  readonly #waited = new Stopwatch();
  #receiver: BodyReceiver | undefined;
  #movedBytes = 0;
  #isPaused = false;
  #isWatched = false;
  #hasMinimumRate = true;

  constructor(incoming: ServerRequest, timeoutMs: number, slowClients: SlowClients, events: RequestBodyEvents) {
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
    this.#receiver = receiver;
    this.#events.onFirstRead();
    this.#incoming.receiveBody(this);
    // Most bodies have arrived completely by the end of this turn.
    if (this.#receiver !== undefined) atEndOfTurn(this);
  }

  resume(): void {
    this.#isPaused = false;
    this.#waited.start();
    this.#incoming.resumeBody();
  }

  stop(): void {
    this.#finish();
    const incoming = this.#incoming;
    // A client that sends no more of a body that is discarded is disconnected by its timeout.
    if (this.#isWatched && incoming.complete) incoming.setTimeout(0);
    // The next request on the connection comes after the rest of this body.
    incoming.discardBody();
  }

  /** Frees large chunks at once: garbage collection would let hundreds of MB of them pile up. */
  release({ buffer, byteLength }: Buffer): void {
    if (byteLength < MIN_RELEASED_BYTES || byteLength !== buffer.byteLength) return;
    if (buffer instanceof ArrayBuffer) buffer.transfer(0);
  }

  endTurn(): void {
    const incoming = this.#incoming;
    if (incoming.complete) return;
    this.#isWatched = true;
    incoming.setTimeout(this.#timeoutMs);
    if (this.#receiver === undefined) return;
    incoming.on('timeout', this.#onTimeout);
    if (!this.#isPaused) this.#waited.start();
    if (this.#hasMinimumRate) this.#slowClients.watch(this);
  }

  onData(chunk: Buffer): boolean {
    const receiver = this.#receiver;
    if (receiver === undefined) return true;
    this.#movedBytes += chunk.length;
    const isWritable = receiver.onData(chunk);
    if (this.#movedBytes === this.#length) {
      this.onEnd();
      return true;
    }
    if (!isWritable) {
      this.#isPaused = true;
      this.#waited.stop();
    }
    return isWritable;
  }

  onEnd(): void {
    const receiver = this.#finish();
    if (receiver === undefined) return;
    if (this.#isWatched) this.#incoming.setTimeout(0);
    receiver.onEnd();
  }

  onClose(): void {
    this.#finish()?.onError(new Error('the client has closed'));
  }

  #stall(): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    this.stop();
    this.#events.onStalled();
    receiver.onError(new Error('the body stopped arriving'));
  }

  #finish(): BodyReceiver | undefined {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    if (this.#isWatched) {
      this.#incoming.off('timeout', this.#onTimeout);
      this.#slowClients.unwatch(this);
    }
    return receiver;
  }

  readonly #onTimeout = (): void => {
    // A backend that does not read is ended by the timeout of its connection.
    if (!this.#isPaused) this.#stall();
  };
}
