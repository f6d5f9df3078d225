import type { OnReadOpts, Socket } from 'node:net';
import { BodyWriter } from '#lib/http-client/body-writer';
import type { Connector } from '#lib/http-client/connector';
import { Deadline } from '#lib/http-client/deadline';
import { HttpClientError } from '#lib/http-client/errors';
import type { Connection, PooledRequest } from '#lib/http-client/pooled-request';
import { readBufferPool } from '#lib/http-client/read-buffer';
import { ResponseParser, type ResponseParserCallbacks } from '#lib/http-client/response-parser';

export interface ConnectionTimeouts {
  connectMs: number;
  /** For the head of an answer, and then between the pieces of its body; as long for a backend that does not take a request's body. */
  responseMs: number;
  /** For a connection that nobody uses, unless the backend wants it shorter. */
  keepAliveMs: number;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** It can take a request: it was made, or an answer is complete. */
  onIdle(connection: HttpConnection): void;
  /** It is gone, whatever it was doing, and takes no more. Called once. `error` only where it never was ready. */
  onClosed(connection: HttpConnection, error: Error | undefined): void;
}

const KEEP_ALIVE_PROBE_MS = 60_000;

/** One connection to a backend, which does one request after another. */
export class HttpConnection implements Connection, ResponseParserCallbacks {
  readonly #owner: ConnectionOwner;
  readonly #timeouts: ConnectionTimeouts;
  readonly #socket: Socket;
  readonly #parser = new ResponseParser(this);
  readonly #deadline = new Deadline(() => this.#tooLate());
  #buffer = readBufferPool.acquire();
  #request: PooledRequest | undefined;
  /** As long as the request's body is not sent completely. */
  #body: BodyWriter | undefined;
  #hasAnswer = false;
  #isPaused = false;
  #isReady = false;
  #isGone = false;

  /** Connects at once. */
  constructor(dialler: Connector, timeouts: ConnectionTimeouts, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#timeouts = timeouts;
    // In place of a new buffer and a stream's bookkeeping for every read. Asked for at first, and after every read.
    const onread: OnReadOpts = {
      buffer: () => {
        this.#buffer = readBufferPool.next(this.#buffer, this.#request !== undefined);
        return this.#buffer.bytes;
      },
      callback: (length) => this.#onBytes(length),
    };
    this.#socket = dialler
      .connect(() => this.#onReady(), onread)
      .setNoDelay(true)
      .setKeepAlive(true, KEEP_ALIVE_PROBE_MS)
      .once('end', () => this.#onClosed())
      .once('close', () => this.#onClosed())
      .on('error', (error) => this.destroy(error));
    this.#deadline.set(timeouts.connectMs);
  }

  /** Whether it was made, so that it can be written to. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Only where it is idle. */
  send(request: PooledRequest): void {
    this.#request = request;
    this.#hasAnswer = false;
    this.#parser.begin(request.method === 'HEAD');
    this.#deadline.set(this.#timeouts.responseMs);
    this.#socket.write(request.head.text, 'latin1');
    if (request.body === null) return;
    const { body, trailers } = request;
    this.#body = new BodyWriter(
      this.#socket,
      { body, trailers, length: request.head.bodyLength },
      {
        onProgress: () => this.#moved(),
        onSent: () => {
          this.#body = undefined;
          this.#moved();
        },
        onFailed: (error) => this.destroy(error),
      },
    );
    this.#body.begin();
  }

  pause(): void {
    this.#isPaused = true;
    this.#deadline.clear();
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#moved();
    this.#socket.resume();
  }

  destroy(error: Error): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#deadline.close();
    this.#socket.destroy();
    this.#body?.stop();
    this.#body = undefined;
    const request = this.#request;
    this.#request = undefined;
    // The pool looks for whom it may serve next.
    request?.release();
    this.#owner.onClosed(this, this.#isReady ? undefined : error);
    if (request === undefined) return;
    // What breaks within an answer is no connection that was closed before it was used: the request was understood.
    const isWithin = this.#parser.hasBegun && !(error instanceof HttpClientError) && 'syscall' in error;
    request.fail(isWithin ? new HttpClientError('RESPONSE_CUT_SHORT', 'the connection broke', error) : error);
  }

  onHead(status: number, message: string, headers: string[]): void {
    if (status >= 200) this.#hasAnswer = true;
    this.#request?.handler.onResponseStart(status, message, headers);
  }

  onBody(chunk: Buffer): void {
    this.#request?.handler.onResponseData(chunk, this.#buffer);
  }

  onEnd(trailers: string[]): void {
    const request = this.#request;
    // It was given up in the middle of these bytes.
    if (request === undefined) return;
    this.#request = undefined;
    request.end(trailers);
    const keepMs = Math.min(this.#parser.keepAliveMs, this.#timeouts.keepAliveMs);
    if (this.#body !== undefined || keepMs <= 0) {
      this.destroy(connectionClosed());
      return;
    }
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    this.#deadline.set(keepMs);
    this.#owner.onIdle(this);
  }

  #onReady(): void {
    if (this.#isGone) return;
    this.#isReady = true;
    this.#deadline.set(this.#timeouts.keepAliveMs);
    this.#owner.onIdle(this);
  }

  /** False would stop the reading. */
  #onBytes(length: number): boolean {
    if (this.#isGone) return true;
    this.#buffer.setReadBytes(length);
    try {
      this.#parser.push(this.#buffer.bytes, length);
      // A head has its time as a whole, however many bytes of it come.
      if (this.#hasAnswer) this.#moved();
    } catch (error) {
      this.destroy(asError(error));
    }
    return true;
  }

  #onClosed(): void {
    if (this.#isGone) return;
    try {
      this.#parser.close();
      this.destroy(connectionClosed());
    } catch (error) {
      this.destroy(asError(error));
    }
  }

  #moved(): void {
    if (this.#request !== undefined && !this.#isPaused) this.#deadline.set(this.#timeouts.responseMs);
  }

  #tooLate(): void {
    if (!this.#isReady) this.destroy(new HttpClientError('CONNECT_TIMEOUT', 'no connection in time'));
    else if (this.#request === undefined) this.destroy(connectionClosed());
    // A body that does not come is for who reads it to notice; one that is not taken is the backend's fault.
    else if (this.#body !== undefined && !this.#socket.writableNeedDrain) this.#moved();
    else if (this.#hasAnswer) this.destroy(new HttpClientError('BODY_TIMEOUT', 'the answer stopped'));
    else this.destroy(new HttpClientError('RESPONSE_TIMEOUT', 'no answer in time'));
  }
}

function connectionClosed(): HttpClientError {
  return new HttpClientError('CLOSED_BY_PEER', 'the connection was closed');
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the answer could not be passed on', { cause: error });
}
