import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#lib/errors';
import { BodyBuffer, checkContentLength } from '#lib/http/body-budget';
import type { HttpRequest, RequestHeaders } from '#lib/http/http-request';

/** A request as node:http gives it. Nothing is made before it is asked for. */
export class NodeRequest implements HttpRequest, RequestHeaders {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  caller = 'unknown';
  readBytes = 0;
  #abort: AbortController | undefined;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
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

  bytes(limitBytes: number): Promise<Uint8Array> {
    const incoming = this.#incoming;
    return new Promise((resolve, reject) => {
      const declaredBytes = Number(incoming.headers['content-length'] ?? 0);
      checkContentLength(declaredBytes, limitBytes, this.caller);
      // One without a body is over before it is read.
      if (incoming.readableEnded) return resolve(Buffer.alloc(0));
      if (incoming.destroyed) throw gone();
      let whole: Buffer | undefined;
      let growing: BodyBuffer | undefined;
      const take = (chunk: Buffer) => {
        this.readBytes += chunk.byteLength;
        // Nearly every body comes in one piece, and is used as it is.
        if (growing === undefined && chunk.byteLength === declaredBytes) {
          whole = chunk;
          return;
        }
        try {
          if (growing === undefined) {
            const begun = new BodyBuffer(this.caller, limitBytes, declaredBytes);
            growing = begun;
            incoming.once('close', () => begun.release());
          }
          growing.append(chunk);
        } catch (error) {
          incoming.off('data', take).pause();
          reject(error);
        }
      };
      incoming.on('data', take);
      incoming.on('end', () => resolve(growing?.finish() ?? whole ?? Buffer.alloc(0)));
      // The client went: nobody will read what becomes of this.
      incoming.on('error', () => reject(gone()));
    });
  }
}

function gone(): AppError {
  return new AppError('invalid_request', 'The connection ended before the whole body had arrived.');
}
