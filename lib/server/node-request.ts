import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault } from '#lib/fault';
import type { HttpRequest, RequestHeaders } from '#lib/http/request';
import { tooLarge } from '#lib/http/size';

/** A request as node:http gives it. Nothing is made before it is asked for. */
export class NodeRequest implements HttpRequest, RequestHeaders {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
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
      if (Number(incoming.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
      // One without a body is over before it is read.
      if (incoming.readableEnded) return resolve(Buffer.alloc(0));
      if (incoming.destroyed) throw gone();
      let first: Buffer | undefined;
      let rest: Buffer[] | undefined;
      let size = 0;
      const take = (chunk: Buffer) => {
        size += chunk.byteLength;
        if (size > limitBytes) {
          incoming.off('data', take).pause();
          reject(tooLarge(limitBytes));
        } else if (first === undefined) first = chunk;
        else if (rest === undefined) rest = [first, chunk];
        else rest.push(chunk);
      };
      incoming.on('data', take);
      incoming.on('end', () => resolve(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)));
      // The client went: nobody will read what becomes of this.
      incoming.on('error', () => reject(gone()));
    });
  }
}

function gone(): Fault {
  return new Fault('invalid_request', 'The connection ended before the whole body had arrived.');
}
