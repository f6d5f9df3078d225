import { Readable } from 'node:stream';
import type { AppError } from '#lib/errors';
import { Exchange } from '#lib/gateway/exchange';
import type { Gateway } from '#lib/gateway/gateway';
import { type ClientInfo, requestHeaders } from '#lib/gateway/headers/request-headers';
import { hasBody } from '#lib/gateway/headers/response-headers';

/**
 * Passes a `Request` on, for servers that speak web types (Next's own, and those that it is deployed to). They allow less than
 * `node:http`: paths come as the URL standard writes them, and informational answers, the trailers of requests and answers, and upgrades stay behind.
 *
 * Rejects with the `Fault` of a backend that does not answer. Whoever reads the body sees an error where it breaks off.
 */
export function forwardFetchRequest(
  gateway: Gateway,
  request: Request,
  path: string,
  origin: ClientInfo,
  answerHeaders: readonly string[],
): Promise<Response> {
  // Some adapters only watch the connection for a signal that was asked for before the first await.
  const { signal } = request;
  return new Promise((resolve, reject) => {
    new FetchResponseSink(gateway, request, path, origin, answerHeaders, resolve, reject).begin(signal);
  });
}

class FetchResponseSink extends Exchange {
  readonly #method: string;
  readonly #answerHeaders: readonly string[];
  readonly #resolve: (response: Response) => void;
  readonly #reject: (fault: AppError) => void;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(
    gateway: Gateway,
    request: Request,
    path: string,
    origin: ClientInfo,
    answerHeaders: readonly string[],
    resolve: (response: Response) => void,
    reject: (fault: AppError) => void,
  ) {
    super(gateway, {
      method: request.method,
      path,
      headers: requestHeaders([...request.headers].flat(), origin, gateway.settings.HF_TOKEN, false),
      body: request.body === null ? null : Readable.from(request.body, { objectMode: false }),
      trailers: undefined,
      client: origin,
      allowsTrailers: () => false,
    });
    this.#method = request.method;
    this.#answerHeaders = answerHeaders;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(signal: AbortSignal): void {
    signal.addEventListener('abort', () => this.leave(), { once: true });
    this.start();
  }

  protected override inform(): void {}

  protected override respond(status: number, message: string | undefined, raw: string[]): void {
    const headers = new Headers();
    const all = [...raw, ...this.#answerHeaders];
    for (let index = 0; index + 1 < all.length; index += 2) headers.append(all[index] ?? '', all[index + 1] ?? '');
    disableTransforms(headers);
    const body = hasBody(this.#method, status) ? this.#stream() : null;
    this.#resolve(new Response(body, { status, headers, ...(message === undefined ? {} : { statusText: message }) }));
    this.commit();
  }

  protected override sendHead(): void {}

  protected override write(chunk: Buffer): boolean {
    if (this.#body === undefined) return true;
    this.#body.enqueue(new Uint8Array(chunk));
    return (this.#body.desiredSize ?? 0) > 0;
  }

  protected override finish(): void {
    this.#body?.close();
  }

  protected override cut(): void {
    this.#body?.error(new Error('the answer of the backend broke off'));
  }

  protected override refuse(fault: AppError): void {
    this.#reject(fault);
  }

  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        pull: () => this.resume(),
        cancel: () => this.leave(),
      },
      { highWaterMark: 64 * 1024, size: (chunk) => chunk.byteLength },
    );
  }
}

/** Next packs what it may, and then holds events back until a block is full. */
function disableTransforms(headers: Headers): void {
  const control = headers.get('cache-control');
  if (headers.get('content-type')?.startsWith('text/event-stream') !== true) return;
  if (control?.includes('no-transform') !== true)
    headers.set('cache-control', control === null ? 'no-transform' : `${control}, no-transform`);
}
