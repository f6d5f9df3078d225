import type { ServerResponse } from 'node:http';
import type { ServerRequest } from '#lib/gateway/server-request';
import { BodyBuffer, checkContentLength } from '#lib/http/body-budget';
import { type BodyStream, boundedStream, disconnected } from '#lib/http/body-stream';
import { declaredLength, type HttpRequest, type RequestHeaders } from '#lib/http/http-request';
import { streamedUploads } from '#lib/http/streamed-uploads';

/** Adapter of a node:http request. Everything is computed lazily. */
export class NodeRequest implements HttpRequest, RequestHeaders {
  readonly #incoming: ServerRequest;
  readonly #outgoing: ServerResponse;
  caller = 'unknown';
  lockOutsBefore = 0;
  session: string | undefined;
  readBytes = 0;
  #abort: AbortController | undefined;

  constructor(incoming: ServerRequest, outgoing: ServerResponse) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  get method(): string {
    return this.#incoming.method ?? 'GET';
  }

  get url(): string {
    return `http://localhost${this.#incoming.url}`;
  }

  get headers(): RequestHeaders {
    return this;
  }

  get(name: string): string | null {
    const value = this.#incoming.headers[name];
    return value === undefined ? null : typeof value === 'string' ? value : value.join(', ');
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      const outgoing = this.#outgoing;
      if (outgoing.destroyed) abort.abort();
      else
        outgoing.once('close', () => {
          if (!outgoing.writableFinished) abort.abort();
        });
      this.#abort = abort;
    }
    return this.#abort.signal;
  }

  /** Straight from the parser: the stream of a body costs more than what a cached response does. */
  bytes(limitBytes: number): Promise<Uint8Array> {
    const incoming = this.#incoming;
    return new Promise((resolve, reject) => {
      const declaredBytes = Number(incoming.headers['content-length'] ?? 0);
      checkContentLength(declaredBytes, limitBytes, this.caller);
      // A request without a body has already ended.
      if (incoming.readableEnded) return resolve(Buffer.alloc(0));
      if (incoming.destroyed) throw disconnected();
      let onlyChunk: Buffer | undefined;
      let buffer: BodyBuffer | undefined;
      incoming.receiveBody({
        onData: (chunk) => {
          this.readBytes += chunk.byteLength;
          // Nearly every body arrives in one chunk, which is used without a copy.
          if (buffer === undefined && chunk.byteLength === declaredBytes) {
            onlyChunk = chunk;
            return true;
          }
          try {
            if (buffer === undefined) {
              const started = new BodyBuffer(this.caller, limitBytes, declaredBytes);
              buffer = started;
              incoming.once('close', () => started.release());
            }
            buffer.append(chunk);
            return true;
          } catch (error) {
            incoming.leaveBody();
            reject(error);
            return false;
          }
        },
        onEnd: () => resolve(buffer?.finish() ?? onlyChunk ?? Buffer.alloc(0)),
        onClose: () => reject(disconnected()),
      });
    });
  }

  stream(limitBytes: number): BodyStream {
    const incoming = this.#incoming;
    const { socket } = incoming;
    const declaredBytes = declaredLength(this, limitBytes);
    const content = boundedStream(incoming, limitBytes, (bytes) => {
      this.readBytes += bytes;
    });
    streamedUploads().add(socket);
    // The next request of the connection has the usual time limits.
    incoming.once('end', () => streamedUploads().delete(socket));
    return { content, declaredBytes };
  }
}
