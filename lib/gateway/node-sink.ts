import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#lib/errors';
import { Exchange } from '#lib/gateway/exchange';
import type { Gateway } from '#lib/gateway/gateway';
import { type ClientInfo, requestHeaders, requestTrailers } from '#lib/gateway/headers/request-headers';
import { hasBody } from '#lib/gateway/headers/response-headers';
import { BodyStalled, RequestBody } from '#lib/gateway/request-body';
import { type ClientTransfer, Stopwatch } from '#lib/gateway/slow-clients';
import type { BufferLease } from '#lib/http-client/read-buffer';

/** One request to be passed on, and how what is not the backend's business is done. */
export interface ForwardOptions {
  /** Path and query for the backend. */
  path: string;
  client: ClientInfo;
  /** Headers that the answer has beside the backend's, names and values in turn. */
  responseHeaders: string[];
  /** The client waits for `100 Continue` before it sends its body. */
  expectsContinue: boolean;
  /** Answers with an error of ours; nothing was sent before. */
  refuse: (fault: AppError) => void;
  /** The answer has begun, with this status; 499 where the client was gone before. */
  onResponse: (status: number) => void;
}

/** Passes a request of `node:http` on, streaming both ways. Throws what `requestHeaders` throws, before anything is done. */
export function forwardNodeRequest(
  gateway: Gateway,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  passage: ForwardOptions,
): void {
  new NodeResponseSink(gateway, incoming, outgoing, passage).begin();
}

const MAX_SINGLE_WRITE_BYTES = 16 * 1024;
/** Smaller pieces cost more to keep account of than to copy. */
const MIN_RETAINED_BYTES = 4 * 1024;

class NodeResponseSink extends Exchange {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #passage: ForwardOptions;
  readonly #body: RequestBody | null;
  /** From the first time that the client takes less than there is for it. */
  #reader: SlowReader | undefined;
  /** The answer's head, until it is sent. */
  #head: { status: number; message: string | undefined; headers: string[] } | undefined;
  #hasWritten = false;
  /** The first piece of the body, as long as the head waits for what goes out with it. */
  #first: string | undefined;
  #isHeadDue = false;
  #isPaused = false;

  constructor(gateway: Gateway, incoming: IncomingMessage, outgoing: ServerResponse, passage: ForwardOptions) {
    const method = incoming.method ?? 'GET';
    const { GATEWAY_TIMEOUT_MS: timeoutMs, HF_TOKEN: token } = gateway.settings;
    const goOn = passage.expectsContinue ? () => outgoing.writeContinue() : undefined;
    const body = carriesBody(incoming) ? new RequestBody(incoming, timeoutMs, gateway.slowClients, goOn) : null;
    const { rawHeaders } = incoming;
    // Older ones have neither chunks nor trailers, whatever they say.
    const allowsTrailers = incoming.headers['transfer-encoding'] !== undefined && isModern(incoming);
    super(gateway, {
      method,
      path: passage.path,
      headers: requestHeaders(rawHeaders, passage.client, token, allowsTrailers),
      body,
      trailers: allowsTrailers ? () => requestTrailers(incoming.rawTrailers, rawHeaders) : undefined,
      client: passage.client,
      allowsTrailers: (status) => hasBody(method, status) && isModern(incoming),
    });
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#passage = passage;
    this.#body = body;
    body?.on('error', (error) => this.#bodyFailed(error));
  }

  begin(): void {
    this.#outgoing.on('close', () => this.#closed());
    this.start();
  }

  protected override inform(status: number, headers: string[]): void {
    // Older clients would take it for the answer. 100 is ours to say, 101 is another way's.
    if (isModern(this.#incoming) && status > 101) this.#outgoing.writeInformation(status, headers);
  }

  protected override respond(status: number, message: string | undefined, headers: string[]): void {
    headers.push(...this.#passage.responseHeaders);
    this.#head = { status, message, headers };
    // Most answers come with their body at once, and then head, body and end leave together.
    this.#isHeadDue = true;
    process.nextTick(flush, this);
  }

  protected override sendHead(): void {
    if (this.#head === undefined) return;
    const { status, message, headers } = this.#head;
    this.#head = undefined;
    if (message === undefined) this.#outgoing.writeHead(status, headers);
    else this.#outgoing.writeHead(status, message, headers);
    this.commit();
    this.#body?.mayBeSlow();
    this.#passage.onResponse(status);
  }

  protected override write(chunk: Buffer, lease?: BufferLease): boolean {
    const isFirst = !this.#hasWritten;
    this.#hasWritten = true;
    this.sendHead();
    if (isFirst && this.#isHeadDue && chunk.length <= MAX_SINGLE_WRITE_BYTES && !this.#outgoing.chunkedEncoding) {
      // As a string it goes out in one plain write with the head: a list of a string and a buffer costs an eighth more of all
      // the time that an answer takes here.
      this.#first = chunk.toString('latin1');
      return true;
    }
    this.#writeFirst();
    this.#writeOn(chunk, lease);
    if (!this.#outgoing.writableNeedDrain) return true;
    if (!this.#isPaused) {
      this.#isPaused = true;
      this.#watchReader();
      // A client that never reads is not waited for longer than a backend that never answers.
      const stalled = () => void this.#outgoing.destroy();
      this.#outgoing.setTimeout(this.gateway.settings.GATEWAY_TIMEOUT_MS, stalled);
      this.#outgoing.once('drain', () => {
        this.#isPaused = false;
        this.#reader?.waited.stop();
        this.#outgoing.off('timeout', stalled).setTimeout(0);
        this.resume();
      });
    }
    return false;
  }

  #watchReader(): void {
    if (this.#reader === undefined) {
      this.#reader = new SlowReader(this.#outgoing, this.gateway.settings.GATEWAY_TIMEOUT_MS);
      this.gateway.slowClients.watch(this.#reader);
    }
    this.#reader.waited.start();
  }

  /** Its memory would be read over when the next piece comes, which may be before this one has left. */
  #writeOn(chunk: Buffer, lease: BufferLease | undefined): void {
    const release = chunk.length < MIN_RETAINED_BYTES ? undefined : lease?.retain();
    if (release === undefined) this.#outgoing.write(Buffer.from(chunk));
    else this.#outgoing.write(chunk, release);
  }

  #writeFirst(): void {
    const first = this.#first;
    if (first === undefined) return;
    this.#first = undefined;
    this.#outgoing.write(first, 'latin1');
    // node:http corks until the next tick.
    this.#outgoing.socket?.uncork();
  }

  protected override finish(trailers: [string, string][]): void {
    this.#hasWritten = true;
    if (trailers.length > 0 && this.#outgoing.chunkedEncoding) this.#outgoing.addTrailers(trailers);
    const first = this.#first;
    this.#first = undefined;
    // Together they are half the work for node:http of a write and an end.
    if (first === undefined) this.#outgoing.end();
    else this.#outgoing.end(first, 'latin1');
  }

  protected override cut(): void {
    this.#writeFirst();
    // What was written in this turn still waits for its end.
    this.#outgoing.socket?.uncork();
    this.#outgoing.destroy();
  }

  protected override refuse(fault: AppError): void {
    this.#head = undefined;
    this.#hasWritten = true;
    this.#passage.refuse(fault);
  }

  /** For the next tick after the head. */
  flushHead(): void {
    this.#isHeadDue = false;
    if (this.#outgoing.destroyed) return;
    if (this.#hasWritten) {
      this.#writeFirst();
      return;
    }
    try {
      this.sendHead();
      this.#outgoing.flushHeaders();
    } catch (error) {
      this.failHead(error);
    }
  }

  #closed(): void {
    if (this.#reader !== undefined) this.gateway.slowClients.unwatch(this.#reader);
    if (this.#outgoing.writableFinished) return;
    if (!this.#outgoing.headersSent) this.#passage.onResponse(499);
    this.leave();
  }

  #bodyFailed(error: Error): void {
    if (!(error instanceof BodyStalled)) return;
    this.fail(
      new AppError('invalid_request', 'The body of the request stopped arriving, or comes too slowly. Send it again.'),
    );
  }
}

/** A client that takes its answer. What the system itself keeps for it counts as taken. */
class SlowReader implements ClientTransfer {
  readonly graceMs: number;
  readonly waited = new Stopwatch();
  readonly #outgoing: ServerResponse;
  readonly #atFirstBytes: number;

  constructor(outgoing: ServerResponse, graceMs: number) {
    this.graceMs = graceMs;
    this.#outgoing = outgoing;
    this.#atFirstBytes = this.#takenBytes;
  }

  get movedBytes(): number {
    return this.#takenBytes - this.#atFirstBytes;
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

function flush(exchange: NodeResponseSink): void {
  exchange.flushHead();
}

function carriesBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}

function isModern(incoming: IncomingMessage): boolean {
  return incoming.httpVersionMajor === 1 && incoming.httpVersionMinor >= 1;
}
