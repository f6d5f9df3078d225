import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { HttpClientError } from '#lib/http-client/errors';
import { serializeLastChunk } from '#lib/http-client/request-head';
import type { HttpClientRequest } from '#lib/http-client/response-handler';

export interface OutgoingBody {
  body: Readable;
  /** Undefined where it is sent in chunks. */
  length: number | undefined;
  /** As in `HttpClientRequest`. */
  trailers?: HttpClientRequest['trailers'];
}

interface BodyWriterEvents {
  /** Something was taken by the connection, or is taken again. */
  onProgress: () => void;
  onSent: () => void;
  onFailed: (error: Error) => void;
}

/** Sends one request's body over a connection, no faster than it takes it: as many bytes as were announced, or in chunks and what follows them. */
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

  /** Behind the head. One of `onSent` and `onFailed` is called, unless it is stopped before. */
  begin(): void {
    this.#socket.on('drain', this.#onDrain);
    const body = this.#body;
    // Whatever becomes of it when it is not listened to any more.
    body.on('error', ignore);
    body.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#fail).on('close', this.#onClose);
    // One that is over already says so to nobody.
    if (body.destroyed) this.#fail(body.errored ?? bodyCutShort());
  }

  /** The rest is not wanted: the body is destroyed, and nothing more is sent. */
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
    const takesMore = socket.write('\r\n', 'latin1');
    socket.uncork();
    return takesMore;
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

  /** After its end nobody listens to this any more. */
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
