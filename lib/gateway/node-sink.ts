import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#lib/errors';
import { forward } from '#lib/gateway/exchange';
import type { Gateway } from '#lib/gateway/gateway';
import { type ClientInfo, headersByToken, requestHeaders, requestTrailers } from '#lib/gateway/headers/request-headers';
import { hasBody } from '#lib/gateway/headers/response-headers';
import { RequestBody, type RequestBodyEvents } from '#lib/gateway/request-body';
import type { ExchangeControl, ResponseSink } from '#lib/gateway/response-sink';
import type { ServerRequest } from '#lib/gateway/server-request';
import { type ClientTransfer, Stopwatch } from '#lib/gateway/slow-clients';
import type { BufferLease } from '#lib/http-client/read-buffer';

/** How one request of `node:http` is forwarded. */
export interface ForwardOptions {
  /** Path and query for the backend. */
  path: string;
  client: ClientInfo;
  /** This server's headers, added after the backend's, names and values in turn. */
  addedHeaders: string[];
  /** The client waits for `100 Continue` before it sends its body. */
  expectsContinue: boolean;
  /** Responds with an error. Called only if nothing was sent. */
  reject: (error: AppError) => void;
  /** The response starts with this status; 499 if the client closed before. */
  onResponse: (status: number) => void;
}

/**
 * Forwards a request of `node:http`, streaming both ways. Throws what `requestHeaders` throws,
 * before any side effect.
 */
export function forwardNodeRequest(
  gateway: Gateway,
  incoming: ServerRequest,
  outgoing: ServerResponse,
  options: ForwardOptions,
): void {
  const { method = 'GET', rawHeaders } = incoming;
  const { path, client, addedHeaders } = options;
  // HTTP/1.0 has neither chunks nor trailers.
  const allowsTrailers = incoming.headers['transfer-encoding'] !== undefined && isHttp11(incoming);
  const headersFor = headersByToken((token) => requestHeaders(rawHeaders, client, token, allowsTrailers), gateway);
  const sink = new NodeResponseSink(gateway, incoming, outgoing, options);
  forward(
    gateway,
    {
      method,
      path,
      headersFor,
      body: sink.body,
      trailers: allowsTrailers ? () => requestTrailers(incoming.rawTrailers, rawHeaders, client) : undefined,
      client,
      addedHeaders,
      allowsTrailers: (status) => hasBody(method, status) && isHttp11(incoming),
    },
    sink,
  );
}

const MAX_SINGLE_WRITE_BYTES = 16 * 1024;
/** Copying a smaller chunk is cheaper than retaining its buffer. */
const MIN_RETAINED_BYTES = 4 * 1024;

/** Writes a response to a `ServerResponse` in as few writes as its chunks allow. */
class NodeResponseSink implements ResponseSink, RequestBodyEvents {
  readonly body: RequestBody | null;
  readonly #gateway: Gateway;
  readonly #incoming: ServerRequest;
  readonly #outgoing: ServerResponse;
  readonly #options: ForwardOptions;
  #exchange: ExchangeControl | undefined;
  /** Set once the client has fallen behind. */
  #reader: SlowReader | undefined;
  /** The head was sent in this turn, and no chunk yet. */
  #mayJoinHead = false;
  /** The first chunk, while it waits for the end of the response to leave in one write with it. */
  #firstChunk: string | undefined;
  #isPaused = false;

  constructor(gateway: Gateway, incoming: ServerRequest, outgoing: ServerResponse, options: ForwardOptions) {
    const { GATEWAY_TIMEOUT_MS: timeoutMs } = gateway.settings;
    this.#gateway = gateway;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.body = carriesBody(incoming) ? new RequestBody(incoming, timeoutMs, gateway.slowClients, this) : null;
    this.#options = options;
  }

  start(exchange: ExchangeControl): void {
    this.#exchange = exchange;
    this.#outgoing.on('close', () => this.#closed());
  }

  onFirstRead(): void {
    if (this.#options.expectsContinue) this.#outgoing.writeContinue();
  }

  onStalled(): void {
    this.#exchange?.fail(
      new AppError('invalid_request', 'The body of the request stopped arriving, or comes too slowly. Send it again.'),
    );
  }

  sendInformational(status: number, headers: string[]): void {
    // An HTTP/1.0 client would read it as the response. This server sends 100 itself, and 101 only
    // for WebSockets.
    if (isHttp11(this.#incoming) && status > 101) this.#outgoing.writeInformation(status, headers);
  }

  sendHead(status: number, message: string | undefined, headers: string[]): void {
    if (message === undefined) this.#outgoing.writeHead(status, headers);
    else this.#outgoing.writeHead(status, message, headers);
    this.#mayJoinHead = true;
    this.body?.mayBeSlow();
    this.#options.onResponse(status);
  }

  flush(): void {
    if (this.#outgoing.destroyed) return;
    if (this.#mayJoinHead) this.#outgoing.flushHeaders();
    this.#mayJoinHead = false;
    this.#writeFirstChunk();
  }

  write(chunk: Buffer, lease: BufferLease | undefined): boolean {
    const mayJoinHead = this.#mayJoinHead;
    this.#mayJoinHead = false;
    if (mayJoinHead && chunk.length <= MAX_SINGLE_WRITE_BYTES && !this.#outgoing.chunkedEncoding) {
      // node:http joins a string with its head, but writes a buffer on its own.
      this.#firstChunk = chunk.toString('latin1');
      return true;
    }
    this.#writeFirstChunk();
    this.#writeChunk(chunk, lease);
    if (!this.#outgoing.writableNeedDrain) return true;
    this.#waitForDrain();
    return false;
  }

  end(trailers: [string, string][]): void {
    this.#mayJoinHead = false;
    if (trailers.length > 0 && this.#outgoing.chunkedEncoding) this.#outgoing.addTrailers(trailers);
    const chunk = this.#firstChunk;
    this.#firstChunk = undefined;
    // One call costs node:http half of what a write and an end do.
    if (chunk === undefined) this.#outgoing.end();
    else this.#outgoing.end(chunk, 'latin1');
  }

  abort(): void {
    this.#writeFirstChunk();
    // Sends what was written in this turn, which `destroy` would drop.
    this.#outgoing.socket?.uncork();
    this.#outgoing.destroy();
  }

  reject(error: AppError): void {
    this.#options.reject(error);
  }

  /** `chunk` is copied unless its buffer is retained, since the next read overwrites it. */
  #writeChunk(chunk: Buffer, lease: BufferLease | undefined): void {
    const release = chunk.length < MIN_RETAINED_BYTES ? undefined : lease?.retain();
    if (release === undefined) this.#outgoing.write(Buffer.from(chunk));
    else this.#outgoing.write(chunk, release);
  }

  #writeFirstChunk(): void {
    const chunk = this.#firstChunk;
    if (chunk === undefined) return;
    this.#firstChunk = undefined;
    this.#outgoing.write(chunk, 'latin1');
    // node:http corks until the next tick.
    this.#outgoing.socket?.uncork();
  }

  #waitForDrain(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    const timeoutMs = this.#gateway.settings.GATEWAY_TIMEOUT_MS;
    const waited = this.#watchReader(timeoutMs);
    const stalled = () => void this.#outgoing.destroy();
    this.#outgoing.setTimeout(timeoutMs, stalled);
    this.#outgoing.once('drain', () => {
      this.#isPaused = false;
      waited.stop();
      this.#outgoing.off('timeout', stalled).setTimeout(0);
      this.#exchange?.resume();
    });
  }

  #watchReader(timeoutMs: number): Stopwatch {
    if (this.#reader === undefined) {
      this.#reader = new SlowReader(this.#outgoing, timeoutMs);
      this.#gateway.slowClients.watch(this.#reader);
    }
    this.#reader.waited.start();
    return this.#reader.waited;
  }

  #closed(): void {
    if (this.#reader !== undefined) this.#gateway.slowClients.unwatch(this.#reader);
    if (this.#outgoing.writableFinished) return;
    if (!this.#outgoing.headersSent) this.#options.onResponse(499);
    this.#exchange?.cancel();
  }
}

/** The client as reader of its response. Bytes in the kernel's send buffer count as taken. */
class SlowReader implements ClientTransfer {
  readonly graceMs: number;
  readonly waited = new Stopwatch();
  readonly #outgoing: ServerResponse;
  readonly #startBytes: number;

  constructor(outgoing: ServerResponse, graceMs: number) {
    this.graceMs = graceMs;
    this.#outgoing = outgoing;
    this.#startBytes = this.#takenBytes;
  }

  get movedBytes(): number {
    return this.#takenBytes - this.#startBytes;
  }

  waitedMs(nowMs: number): number {
    return this.waited.elapsedMs(nowMs);
  }

  onTooSlow(): void {
    this.#outgoing.destroy();
  }

  get #takenBytes(): number {
    const { socket } = this.#outgoing;
    return socket === null ? 0 : socket.bytesWritten - socket.writableLength;
  }
}

function carriesBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}

function isHttp11(incoming: IncomingMessage): boolean {
  return incoming.httpVersionMajor === 1 && incoming.httpVersionMinor >= 1;
}
