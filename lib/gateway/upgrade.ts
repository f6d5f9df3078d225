import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type Duplex, Transform } from 'node:stream';
import { AppError } from '#lib/errors';
import type { Backend } from '#lib/gateway/backend';
import { backendTimeout, connectionFailed, toBackendFailure, tooManyWebSockets } from '#lib/gateway/backend-errors';
import type { Gateway } from '#lib/gateway/gateway';
import { requestHeaders } from '#lib/gateway/headers/request-headers';
import { responseHeaders, statusMessage } from '#lib/gateway/headers/response-headers';
import type { ForwardOptions } from '#lib/gateway/node-sink';
import type { BodyMask } from '#lib/gateway/token-mask';
import type { ErrorCode } from '#lib/wire/error';

const KEEP_ALIVE_PROBE_MS = 30_000;
/** How long the bytes that were sent last may take to be delivered. */
const CLOSE_TIMEOUT_MS = 5_000;
/** What a refusal is counted as, unless it is 502. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = { upstream_timeout: 504, queue_full: 503 };

/** Whether a request asks for a WebSocket, the one upgrade that is passed on. Any other request to upgrade is served as if it had not asked. */
export function isWebSocketUpgrade({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/**
 * Passes a WebSocket's opening on, and then bytes both ways with backpressure. A backend that
 * answers otherwise than by 101 has its answer passed on, and the connection is closed after it. A
 * client that holds its share of the WebSockets, open and opening, is refused. Throws what
 * `requestHeaders` throws, before anything is done.
 */
export function forwardUpgrade(
  gateway: Gateway,
  incoming: IncomingMessage,
  client: Duplex,
  head: Buffer,
  passage: ForwardOptions,
): void {
  const headers = requestHeaders(incoming.rawHeaders, passage.client, gateway.settings.HF_TOKEN, false);
  new WebSocketUpgrade(gateway, client, head, passage, headers).begin();
}

class WebSocketUpgrade {
  readonly #gateway: Gateway;
  readonly #client: Duplex;
  readonly #head: Buffer;
  readonly #passage: ForwardOptions;
  readonly #headers: string[];
  readonly #startedMs = performance.now();
  readonly #tried = new Set<Backend>();
  #isSettled = false;
  /** Sockets, to the client and to backends, that are not closed. */
  #open = 1;
  #release: () => void = () => {};

  constructor(gateway: Gateway, client: Duplex, head: Buffer, passage: ForwardOptions, headers: string[]) {
    this.#gateway = gateway;
    this.#client = client;
    this.#head = head;
    this.#passage = passage;
    this.#headers = headers;
  }

  begin(): void {
    this.#client.on('error', () => this.#client.destroy());
    const { webSockets } = this.#gateway;
    const share = webSockets.tryStart(this.#passage.client.caller);
    if (share === undefined) {
      this.#refuse(tooManyWebSockets());
      return;
    }
    this.#release = () => webSockets.ended(share);
    this.#client.once('close', () => this.#closed());
    this.#client.on('readable', this.#noticeEnd).once('end', this.#onEnd);
    this.#attempt();
  }

  /**
   * Reads a client that has sent nothing: a stream reports its end only where it is read, and no
   * other reader is there before the backend has answered.
   */
  readonly #noticeEnd = (): void => {
    if (this.#client.readableLength === 0) this.#client.read();
  };

  readonly #onEnd = (): void => {
    this.#client.destroy();
  };

  #opened(): void {
    this.#client.off('readable', this.#noticeEnd).off('end', this.#onEnd);
  }

  /** The place is held until neither side has a socket. */
  #closed(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#release();
  }

  #attempt(): void {
    const backend = this.#gateway.chooseBackend(this.#tried);
    if (backend === undefined) {
      this.#refuse(connectionFailed());
      return;
    }
    this.#tried.add(backend);
    const { url, basePath } = backend;
    const timeoutMs = this.#gateway.settings.GATEWAY_TIMEOUT_MS;
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: basePath + this.#passage.path,
      headers: ['Host', url.host, 'Connection', 'Upgrade', 'Upgrade', 'websocket', ...this.#headers],
      agent: false,
    });
    let isConnected = false;
    backend.pending += 1;
    this.#open += 1;
    const gone = () => request.destroy();
    this.#client.once('close', gone);
    request.once('socket', (socket) =>
      socket.once('connect', () => {
        isConnected = true;
      }),
    );
    request.setTimeout(timeoutMs, () => request.destroy(backendTimeout(timeoutMs)));
    request.once('upgrade', (answer, socket, first) => {
      backend.recordSuccess();
      this.#settle(answer.statusCode ?? 101);
      this.#join(answer, socket, first);
    });
    request.once('response', (answer) => {
      backend.recordSuccess();
      this.#settle(answer.statusCode ?? 502);
      this.#passOn(answer);
    });
    request.on('error', (error) => {
      if (this.#isSettled || this.#client.destroyed) return;
      const failure = AppError.is(error)
        ? { fault: error, reason: 'no answer in time', isLocal: false }
        : toBackendFailure(error, timeoutMs);
      backend.recordFailure(failure, !isConnected);
      if (!isConnected && this.#gateway.chooseBackend(this.#tried) !== undefined) this.#attempt();
      else this.#refuse(failure.fault);
    });
    request.once('close', () => {
      backend.pending -= 1;
      this.#client.off('close', gone);
      this.#closed();
    });
    request.end();
  }

  #join(answer: IncomingMessage, backend: Duplex, first: Buffer): void {
    const client = this.#client;
    this.#open += 1;
    backend.once('close', () => this.#closed());
    if (client.destroyed) return void backend.destroy();
    this.#writeHead(answer, ['Connection', 'Upgrade', 'Upgrade', 'websocket']);
    const { statistics } = this.#gateway;
    statistics.webSocketOpened();
    for (const socket of [client, backend]) disableIdleTimeout(socket);
    const destroyBoth = () => {
      client.destroy();
      backend.destroy();
    };
    const forget = this.#gateway.onClose(destroyBoth);
    // A WebSocket has no half: where one side has ended, the other gets what was sent before, and ends too.
    const ends = (one: Duplex, other: Duplex) => {
      one.end();
      other.end();
      setTimeout(destroyBoth, CLOSE_TIMEOUT_MS).unref();
    };
    let open = 2;
    const closed = (one: Duplex, other: Duplex) => {
      ends(one, other);
      open -= 1;
      if (open > 0) return;
      forget();
      statistics.webSocketClosed();
    };
    client.once('end', () => ends(client, backend)).once('close', () => closed(client, backend));
    backend.once('end', () => ends(backend, client)).once('close', () => closed(backend, client));
    backend.on('error', () => backend.destroy());
    if (first.length > 0) backend.unshift(first);
    if (this.#head.length > 0) client.unshift(this.#head);
    const mask = this.#gateway.tokenMask.body();
    client.pipe(backend);
    if (mask === undefined) backend.pipe(client);
    else backend.pipe(maskStream(mask)).pipe(client);
  }

  /** An answer that is no 101 ends with its connection, so that it needs no framing of ours. */
  #passOn(answer: IncomingMessage): void {
    const client = this.#client;
    this.#writeHead(answer, ['Connection', 'close']);
    answer.once('error', () => client.destroy());
    client.once('finish', () => setTimeout(() => client.destroy(), CLOSE_TIMEOUT_MS).unref());
    const mask = this.#gateway.tokenMask.body();
    if (mask === undefined) answer.pipe(client);
    else answer.pipe(maskStream(mask)).pipe(client);
  }

  #writeHead(answer: IncomingMessage, own: string[]): void {
    const { tokenMask: mask } = this.#gateway;
    const headers = responseHeaders(answer.rawHeaders, mask, this.#passage.client, false);
    const all = [...own, ...headers, ...this.#passage.responseHeaders];
    let text = `HTTP/1.1 ${answer.statusCode ?? 502} ${statusMessage(answer.statusMessage, mask) ?? ''}\r\n`;
    for (let index = 0; index + 1 < all.length; index += 2) text += `${all[index]}: ${all[index + 1]}\r\n`;
    this.#client.write(`${text}\r\n`, 'latin1');
  }

  #settle(status: number): void {
    this.#isSettled = true;
    this.#opened();
    this.#gateway.statistics.responseStarted(status, performance.now() - this.#startedMs, false);
    this.#passage.onResponse(status);
  }

  #refuse(fault: AppError): void {
    this.#opened();
    const status = STATUS_OF[fault.code] ?? 502;
    this.#gateway.statistics.responseStarted(status, performance.now() - this.#startedMs, true);
    this.#passage.refuse(fault);
  }
}

function maskStream(mask: BodyMask): Transform {
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, mask.push(chunk)),
    flush: (done) => done(null, mask.end()),
  });
}

/** A WebSocket may be silent for as long as its two ends like; that they are still there is asked of TCP. */
function disableIdleTimeout(socket: Duplex): void {
  if (!('setKeepAlive' in socket) || typeof socket.setKeepAlive !== 'function') return;
  socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
  if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0);
  if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true);
}
