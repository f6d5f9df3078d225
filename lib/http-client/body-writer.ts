import type { Writable } from 'node:stream';
import { type BodyReceiver, type BodySource, bodyCutShort } from '#lib/http-client/body-source';
import { atEndOfTurn, type TurnTask } from '#lib/http-client/end-of-turn';
import { HttpClientError } from '#lib/http-client/errors';
import { type RequestHead, serializeLastChunk } from '#lib/http-client/request-head';
import type { HttpClientRequest } from '#lib/http-client/response-handler';

export interface OutgoingBody {
  head: RequestHead;
  source: BodySource;
  /** As in `HttpClientRequest`. */
  trailers?: HttpClientRequest['trailers'];
}

export interface BodyWriterEvents {
  /** The socket accepted bytes, or has drained. */
  onBodyProgress(): void;
  onBodySent(): void;
  onBodyFailed(error: Error): void;
}

/** node:net copies a longer string to the heap before it writes it. */
const MAX_JOINED_BYTES = 16 * 1024;

/**
 * Writes the head and the body of a request to a socket with backpressure, with the announced
 * length or chunked with trailers. What arrives in the turn of the head leaves in one write with
 * it, up to `MAX_JOINED_BYTES`.
 */
export class BodyWriter implements BodyReceiver, TurnTask {
  readonly #socket: Writable;
  readonly #source: BodySource;
  readonly #events: BodyWriterEvents;
  readonly #length: number | undefined;
  readonly #trailers: HttpClientRequest['trailers'];
  /** The head and what follows it, until they are written. */
  #unsent: string;
  #isFirstTurn = true;
  #sentBytes = 0;
  #isPaused = false;
  #isOver = false;
  /** Chunks that the socket reads from, the oldest first. */
  readonly #unreleased: Buffer[] = [];

  constructor(socket: Writable, { head, source, trailers }: OutgoingBody, events: BodyWriterEvents) {
    this.#socket = socket;
    this.#unsent = head.text;
    this.#length = head.bodyLength;
    this.#source = source;
    this.#trailers = trailers;
    this.#events = events;
  }

  /** Calls one of `onBodySent` and `onBodyFailed`, unless stopped before. */
  begin(): void {
    this.#source.start(this);
    if (!this.#isOver) atEndOfTurn(this);
  }

  /** Stops the source and sends nothing more. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#source.stop();
  }

  endTurn(): void {
    this.#isFirstTurn = false;
    if (!this.#isOver) this.#flush();
  }

  onData(chunk: Buffer): boolean {
    // An empty chunk would end a chunked body.
    if (this.#isOver || chunk.length === 0) return true;
    this.#sentBytes += chunk.length;
    if (this.#length !== undefined && this.#sentBytes > this.#length) {
      this.onError(new HttpClientError('REQUEST_BODY_LENGTH', 'the body is longer than was announced'));
      return true;
    }
    if (this.#isFirstTurn && this.#unsent.length + chunk.length <= MAX_JOINED_BYTES) this.#join(chunk);
    else this.#write(chunk);
    this.#events.onBodyProgress();
    const { writableLength, writableHighWaterMark } = this.#socket;
    this.#isPaused = writableLength >= writableHighWaterMark;
    return !this.#isPaused;
  }

  onEnd(): void {
    if (this.#isOver) return;
    if (this.#length !== undefined && this.#sentBytes < this.#length) {
      this.onError(bodyCutShort());
      return;
    }
    if (this.#length === undefined) {
      try {
        this.#unsent += serializeLastChunk(this.#trailers?.() ?? []);
      } catch (error) {
        this.onError(error instanceof Error ? error : bodyCutShort());
        return;
      }
    }
    this.#isOver = true;
    this.#flush();
    this.#events.onBodySent();
  }

  onError(error: Error): void {
    if (this.#isOver) return;
    this.stop();
    this.#events.onBodyFailed(error);
  }

  /** The socket has drained. */
  onDrain(): void {
    this.#events.onBodyProgress();
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#source.resume();
  }

  #join(chunk: Buffer): void {
    const text = chunk.toString('latin1');
    this.#unsent += this.#length === undefined ? `${text.length.toString(16)}\r\n${text}\r\n` : text;
    this.#source.release(chunk);
    if (this.#sentBytes === this.#length) this.#flush();
  }

  #write(chunk: Buffer): void {
    const socket = this.#socket;
    if (this.#length === undefined) this.#unsent += `${chunk.length.toString(16)}\r\n`;
    const mustJoin = this.#unsent !== '';
    if (mustJoin) socket.cork();
    this.#flush();
    this.#unreleased.push(chunk);
    socket.write(chunk, this.#onWritten);
    if (this.#length === undefined) socket.write('\r\n', 'latin1');
    if (mustJoin) socket.uncork();
  }

  #flush(): void {
    if (this.#unsent === '') return;
    const text = this.#unsent;
    this.#unsent = '';
    this.#socket.write(text, 'latin1');
  }

  /** The memory of a chunk whose write failed may still be read. */
  readonly #onWritten = (error?: Error | null): void => {
    const chunk = this.#unreleased.shift();
    if (chunk !== undefined && !error) this.#source.release(chunk);
  };
}
