import { tooLarge } from '#lib/http/size';

/**
 * What a handler sees of a request: the part of the web's own `Request` that can be had of node:http without making one,
 * which alone would cost more than a cached answer. `server.ts` gives a `NodeRequest`, Next a `WebRequest`.
 */
export interface HttpRequest {
  readonly method: string;
  /** Absolute. Its path and query are what the client sent, its host need not be. */
  readonly url: string;
  readonly headers: RequestHeaders;
  /** Aborts when the client goes before its answer is complete. */
  readonly signal: AbortSignal;
  /** The whole body; to be called once. Throws `body_too_large` as soon as it is known to be above `limitBytes`. */
  bytes(limitBytes: number): Promise<Uint8Array>;
}

export interface RequestHeaders {
  /** By its lower-case name. */
  get(name: string): string | null;
}

/** A web `Request` as Next, Vercel and tests give it. */
export class WebRequest implements HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly signal: AbortSignal;
  readonly #request: Request;

  constructor(request: Request) {
    this.method = request.method;
    this.url = request.url;
    this.headers = request.headers;
    // Some adapters only watch the connection for a signal that was asked for before the first await.
    this.signal = request.signal;
    this.#request = request;
  }

  async bytes(limitBytes: number): Promise<Uint8Array> {
    const { headers, body } = this.#request;
    // The HTTP parser holds a body to its declared length; a body without one is counted while it arrives.
    if (Number(headers.get('content-length') ?? 0) > limitBytes) throw tooLarge(limitBytes);
    if (body === null) return new Uint8Array();
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > limitBytes) throw tooLarge(limitBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}
