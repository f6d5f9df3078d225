import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { HttpClientError } from '#lib/http-client/errors';
import { serializeLastChunk } from '#lib/http-client/request-head';
import type { HttpClientRequest } from '#lib/http-client/response-handler';

export interface OutgoingBody {
  body: Readable;
  /** Undefined if the body is chunked. */
  length: number | undefined;
  /** As in `HttpClientRequest`. */
  trailers?: HttpClientRequest['trailers'];
}

interface BodyWriterEvents {
  /** The socket accepted bytes, or has drained. */
  onProgress: () => void;
  onSent: () => void;
  onFailed: (error: Error) => void;
}

/**
 * Writes a request body to a socket with backpressure, with its announced length or chunked with
 * trailers.
 */
export class BodyWriter {
  readonly #socket: Socket;
  readonly #body: Readable;
  readonly #events: BodyWriterEvents;
  readonly #length: number | undefined;
  readonly #trailers: HttpClientRequest['trailers'];
  #sentBytes = 0;
  #isOver = false;

  constructor(socket: Socket, { body, length, trailers }: OutgoingBody, events: BodyWriterEvents) {
    this.#socket = socket;
    this.#body = body;
    this.#length = length;
    this.#trailers = trailers;
    this.#events = events;
  }

  /** Starts after the head. Calls one of `onSent` and `onFailed`, unless stopped before. */
  begin(): void {
    this.#socket.on('drain', this.#onDrain);
    const body = this.#body;
    // Stays after `#detach`, since an unhandled error event would throw.
    body.on('error', ignore);
    body.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#fail).on('close', this.#onClose);
    // A destroyed stream emits no further events.
    if (body.destroyed) this.#fail(body.errored ?? bodyCutShort());
  }

  /** Destroys the body and sends nothing more. */
  stop(): void {
    if (this.#isOver) return;
    this.#detach();
    this.#body.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#sentBytes += chunk.length;
    if (this.#length !== undefined && this.#sentBytes > this.#length) {
      this.#fail(new HttpClientError('REQUEST_BODY_LENGTH', 'the body is longer than was announced'));
      return;
    }
    // An empty chunk would end a chunked body.
    if (chunk.length === 0) return;
    if (!this.#write(chunk)) this.#body.pause();
    this.#events.onProgress();
  };

  #write(chunk: Buffer): boolean {
    const socket = this.#socket;
    if (this.#length !== undefined) return socket.write(chunk);
    socket.cork();
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    socket.write(chunk);
    const isWritable = socket.write('\r\n', 'latin1');
    socket.uncork();
    return isWritable;
  }

  readonly #onDrain = (): void => {
    this.#events.onProgress();
    this.#body.resume();
  };

  readonly #onEnd = (): void => {
    if (this.#length !== undefined && this.#sentBytes < this.#length) {
      this.#fail(bodyCutShort());
      return;
    }
    if (this.#length === undefined) {
      try {
        this.#socket.write(serializeLastChunk(this.#trailers?.() ?? []), 'latin1');
      } catch (error) {
        this.#fail(error instanceof Error ? error : bodyCutShort());
        return;
      }
    }
    this.#detach();
    this.#events.onSent();
  };

  readonly #onClose = (): void => this.#fail(bodyCutShort());

  readonly #fail = (error: Error): void => {
    if (this.#isOver) return;
    this.stop();
    this.#events.onFailed(error);
  };

  #detach(): void {
    this.#isOver = true;
    this.#socket.off('drain', this.#onDrain);
    this.#body.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#fail).off('close', this.#onClose);
  }
}

function bodyCutShort(): HttpClientError {
  return new HttpClientError('REQUEST_BODY_LENGTH', 'the body ended before its end');
}

function ignore(): void {}
