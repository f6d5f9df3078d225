import type { OnReadOpts, Socket } from 'node:net';
import { toBodySource } from '#lib/http-client/body-source';
import { BodyWriter, type BodyWriterEvents } from '#lib/http-client/body-writer';
import type { Connector } from '#lib/http-client/connector';
import { Deadline } from '#lib/http-client/deadline';
import { HttpClientError } from '#lib/http-client/errors';
import type { Connection, PooledRequest } from '#lib/http-client/pooled-request';
import { type ReadBuffer, readBufferPool, sharedReadBuffer } from '#lib/http-client/read-buffer';
import type { RequestHead } from '#lib/http-client/request-head';
import { ResponseParser, type ResponseParserCallbacks } from '#lib/http-client/response-parser';

export interface ConnectionTimeouts {
  connectMs: number;
  /** For the head, between chunks of the body, and for a server that stops reading. */
  responseMs: number;
  /** For an idle connection, unless the server announces less. */
  keepAliveMs: number;
  /**
   * All connections read into one buffer, for handlers that never retain a chunk: the buffer stays
   * in the processor's cache.
   */
  sharesReadBuffer?: boolean;
}

export interface ConnectionOwner {
  /** The connection is ready for a request. */
  onIdle(connection: HttpConnection): void;
  /** Called once, when the connection closes. `error` is set if it was never ready. */
  onClosed(connection: HttpConnection, error: Error | undefined): void;
}

const KEEP_ALIVE_PROBE_MS = 60_000;

/** A connection that serves one request after another. */
export class HttpConnection implements Connection, ResponseParserCallbacks, BodyWriterEvents {
  readonly #owner: ConnectionOwner;
  readonly #timeouts: ConnectionTimeouts;
  readonly #socket: Socket;
  readonly #parser = new ResponseParser(this);
  readonly #deadline = new Deadline(() => this.#timedOut());
  #buffer: ReadBuffer;
  #request: PooledRequest | undefined;
  /** Set until the body is sent completely. */
  #bodyWriter: BodyWriter | undefined;
  #hasHead = false;
  #isPaused = false;
  #isReady = false;
  #isClosed = false;

  constructor(connector: Connector, timeouts: ConnectionTimeouts, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#timeouts = timeouts;
    const { sharesReadBuffer: isShared = false } = timeouts;
    this.#buffer = isShared ? sharedReadBuffer : readBufferPool.acquire();
    // Reads into a buffer of the pool, without a stream. `buffer` is called before every read.
    const onread: OnReadOpts = {
      buffer: isShared
        ? sharedReadBuffer.bytes
        : () => {
            this.#buffer = readBufferPool.next(this.#buffer, this.#request !== undefined);
            return this.#buffer.bytes;
          },
      callback: (length) => this.#onBytes(length),
    };
    this.#socket = connector
      .connect(() => this.#onReady(), onread)
      .setNoDelay(true)
      .setKeepAlive(true, KEEP_ALIVE_PROBE_MS)
      .once('end', () => this.#onEnd())
      .once('close', () => this.#onEnd())
      .on('drain', () => this.#bodyWriter?.onDrain())
      .on('error', (error) => this.destroy(error));
    this.#deadline.set(timeouts.connectMs);
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** May be called only while the connection is idle. */
  send(request: PooledRequest): void {
    this.#request = request;
    this.#hasHead = false;
    this.#parser.begin(request.method === 'HEAD');
    this.#deadline.set(this.#timeouts.responseMs);
    const { head, body, trailers } = request;
    if (body === null) {
      this.#writeHead(head);
      return;
    }
    this.#bodyWriter = new BodyWriter(this.#socket, { head, trailers, source: toBodySource(body) }, this);
    this.#bodyWriter.begin();
  }

  /** Sends the head, and a body that is a text, in one write. */
  #writeHead({ text, body, bodyLength }: RequestHead): void {
    const socket = this.#socket;
    if (body === undefined) socket.write(text, 'latin1');
    else if (body.length === bodyLength) socket.write(text + body, 'latin1');
    else {
      socket.cork();
      socket.write(text, 'latin1');
      socket.write(body, 'utf8');
      socket.uncork();
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#deadline.clear();
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#extendDeadline();
    this.#socket.resume();
  }

  destroy(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deadline.close();
    this.#socket.destroy();
    this.#bodyWriter?.stop();
    this.#bodyWriter = undefined;
    const request = this.#request;
    this.#request = undefined;
    // The pool chooses the next request in `onClosed`, so this one must not count any more.
    request?.release();
    this.#owner.onClosed(this, this.#isReady ? undefined : error);
    if (request === undefined) return;
    // Once the response has begun, a reset is not the one of a stale connection, which is retried.
    const isCutShort = this.#parser.hasBegun && !(error instanceof HttpClientError) && 'syscall' in error;
    request.fail(isCutShort ? new HttpClientError('RESPONSE_CUT_SHORT', 'the connection broke', error) : error);
  }

  onBodyProgress(): void {
    this.#extendDeadline();
  }

  onBodySent(): void {
    this.#bodyWriter = undefined;
    this.#extendDeadline();
  }

  onBodyFailed(error: Error): void {
    this.destroy(error);
  }

  onHead(status: number, message: string, headers: string[]): void {
    if (status >= 200) this.#hasHead = true;
    this.#request?.handler.onResponseStart(status, message, headers);
  }

  onBody(chunk: Buffer): void {
    this.#request?.handler.onResponseData(chunk, this.#buffer);
  }

  onEnd(trailers: string[]): void {
    const request = this.#request;
    // The handler aborted within the same read.
    if (request === undefined) return;
    this.#request = undefined;
    request.end(trailers);
    const keepAliveMs = Math.min(this.#parser.keepAliveMs, this.#timeouts.keepAliveMs);
    if (this.#bodyWriter !== undefined || keepAliveMs <= 0) {
      this.destroy(connectionClosed());
      return;
    }
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    this.#deadline.set(keepAliveMs);
    this.#owner.onIdle(this);
  }

  #onReady(): void {
    if (this.#isClosed) return;
    this.#isReady = true;
    this.#deadline.set(this.#timeouts.keepAliveMs);
    this.#owner.onIdle(this);
  }

  /** Returns true, since false would stop the reading. */
  #onBytes(length: number): boolean {
    if (this.#isClosed) return true;
    this.#buffer.setReadBytes(length);
    try {
      this.#parser.push(this.#buffer.bytes, length);
      // The deadline of a head is for all of it, so bytes of a head do not extend it.
      if (this.#hasHead) this.#extendDeadline();
    } catch (error) {
      this.destroy(asError(error));
    }
    return true;
  }

  #onEnd(): void {
    if (this.#isClosed) return;
    try {
      this.#parser.close();
      this.destroy(connectionClosed());
    } catch (error) {
      this.destroy(asError(error));
    }
  }

  #extendDeadline(): void {
    if (this.#request !== undefined && !this.#isPaused) this.#deadline.set(this.#timeouts.responseMs);
  }

  #timedOut(): void {
    if (!this.#isReady) this.destroy(new HttpClientError('CONNECT_TIMEOUT', 'no connection in time'));
    else if (this.#request === undefined) this.destroy(connectionClosed());
    // The reader of a body has its own timeout for a client that stops sending.
    else if (this.#bodyWriter !== undefined && !this.#socket.writableNeedDrain) this.#extendDeadline();
    else if (this.#hasHead) this.destroy(new HttpClientError('BODY_TIMEOUT', 'the response stalled'));
    else this.destroy(new HttpClientError('RESPONSE_TIMEOUT', 'no response in time'));
  }
}

function connectionClosed(): HttpClientError {
  return new HttpClientError('CLOSED_BY_PEER', 'the connection was closed');
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the response could not be forwarded', { cause: error });
}
