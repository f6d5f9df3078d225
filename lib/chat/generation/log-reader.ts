import type { Clock } from '#lib/chat/clock';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { GenerationEvent, QueueStatusEvent } from '#lib/chat/generation/generation-log';
import type { ReadableRequest } from '#lib/chat/generation/request-view';

/** A silent stream gets a heartbeat after this time, so that proxies keep the connection. */
export const HEARTBEAT_MS = 15_000;
/** Approximate bound on what is encoded ahead for a reader: the cost of one that stalls. */
const CHUNK_CHARS = 64 * 1024;

/** Registers readers: the engine. */
export interface ReaderRegistry {
  readonly clock: Clock;
  read(request: ReadableRequest, onChange: () => void): () => void;
}

/** A cursor into the log of one response: the number of the last event, and the last status. */
export class LogReader {
  /** Undefined once the result was dropped, so that references to the reader do not retain it. */
  #request: ReadableRequest | undefined;
  /** Called when the result was dropped before all of it was read. */
  onDropped: (() => void) | undefined;
  /** Called when there may be more to take, and when the reader was closed. */
  onNews: (() => void) | undefined;
  /** Called after each HEARTBEAT_MS of silence. */
  onSilence: (() => void) | undefined;
  readonly #clock: Clock;
  #unregister: (() => void) | undefined;
  #after: number;
  /** The status that the reader has. */
  #status: QueueStatusEvent | undefined;
  #ended = false;
  #closed = false;
  #silentSince: number;
  #cancelHeartbeat: () => void;
  readonly #onClosed: (() => void) | undefined;

  /** Reads the events after number `after`. */
  constructor(registry: ReaderRegistry, request: ReadableRequest, after: number, onClosed?: () => void) {
    this.#onClosed = onClosed;
    this.#request = request;
    this.#clock = registry.clock;
    this.#after = after;
    this.#silentSince = this.#clock.now();
    this.#cancelHeartbeat = this.#heartbeatIn(HEARTBEAT_MS);
    this.#unregister = registry.read(request, () => (request.isDropped ? this.#drop() : this.onNews?.()));
  }

  /** Whether the last event has been read. */
  get ended(): boolean {
    return this.#ended;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the result was evicted before all of it was read. */
  get dropped(): boolean {
    return this.#request === undefined;
  }

  /**
   * Passes the next events to `take` until it returns false, a new status before them. A status has
   * the number of the event before it. A cancelled request ends with an error that only it sees.
   */
  read(take: (event: GenerationEvent, number: number) => boolean): void {
    for (let event = this.#next(); event !== undefined; event = this.#next()) if (!take(event, this.#after)) return;
  }

  /** The next event, whose number is then `#after`, or a new status; undefined without one. */
  #next(): GenerationEvent | undefined {
    const request = this.#request;
    if (this.#ended || request === undefined) return undefined;
    const { log, cancellation } = request;
    const last = log.lastNumber;
    if (cancellation !== undefined) {
      this.#ended = true;
      this.#after = last;
      return { type: 'error', error: cancellation };
    }
    const { status } = log;
    if (status !== undefined && status !== this.#status) {
      this.#status = status;
      return status;
    }
    // The server that had written as much is lost: what it wrote last is void, and the end is left.
    if (log.ended && this.#after >= last) this.#after = last - 1;
    if (this.#after < last) {
      this.#after += 1;
      if (this.#after === last && log.ended) this.#ended = true;
      const event = log.eventAt(this.#after);
      return event?.type === 'error' ? { type: 'error', error: request.ownError(event.error) } : event;
    }
    if (log.ended) this.#ended = true;
    return undefined;
  }

  /** Encodes the next events, up to about CHUNK_CHARS. */
  encodeNext(encoder: StreamEncoder): string {
    let text = '';
    for (let event = this.#next(); event !== undefined; event = this.#next()) {
      text += encoder.encode(event, this.#after);
      if (text.length >= CHUNK_CHARS) break;
    }
    if (text !== '') this.#silentSince = this.#clock.now();
    return text;
  }

  /** Whether nothing more will be appended. */
  get isAtEnd(): boolean {
    return this.#closed || this.#request === undefined || this.#request.finishedAt !== undefined;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelHeartbeat();
    this.#unregister?.();
    this.#unregister = undefined;
    this.onNews?.();
    this.#onClosed?.();
  }

  #drop(): void {
    const { onDropped } = this;
    this.#request = undefined;
    this.onDropped = undefined;
    this.close();
    onDropped?.();
  }

  /** One timer for the reader's whole life: it is postponed when it fires early, not per token. */
  #heartbeatIn(ms: number): () => void {
    return this.#clock.after(ms, () => {
      const now = this.#clock.now();
      const left = this.#silentSince + HEARTBEAT_MS - now;
      if (left <= 0) {
        this.#silentSince = now;
        this.onSilence?.();
      }
      this.#cancelHeartbeat = this.#heartbeatIn(left > 0 ? left : HEARTBEAT_MS);
    });
  }
}
