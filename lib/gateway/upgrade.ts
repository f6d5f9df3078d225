import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type Duplex, Transform } from 'node:stream';
import { AppError } from '#lib/errors';
import type { Backend } from '#lib/gateway/backend';
import {
  backendTimeout,
  connectionFailed,
  noOpenBackend,
  toBackendFailure,
  tooManyWebSockets,
} from '#lib/gateway/backend-errors';
import type { Gateway } from '#lib/gateway/gateway';
import { headersByToken, requestHeaders } from '#lib/gateway/headers/request-headers';
import { responseHeaders, statusMessage } from '#lib/gateway/headers/response-headers';
import type { ForwardOptions } from '#lib/gateway/node-sink';
import type { BodyMask } from '#lib/gateway/token-mask';
import { HTTP_STATUS_BY_CODE } from '#lib/http/errors';
import { type OpenPiece, openWork } from '#lib/http/open-work';
import { request as requestHttp } from '#lib/node-http';

const KEEP_ALIVE_PROBE_MS = 30_000;
/** How long a peer has to take the last bytes. */
const CLOSE_TIMEOUT_MS = 5_000;

/** WebSocket is the only upgrade that is forwarded. Others are handled as plain requests. */
export function isWebSocketUpgrade({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/**
 * Forwards the opening handshake of a WebSocket, then bytes in both directions with backpressure.
 * A response other than 101 is forwarded and closes the connection. Rejects a client that holds
 * its share of the WebSockets (`ConnectionShares`). Throws what `requestHeaders` throws, before
 * any side effect.
 */
export function forwardUpgrade(
  gateway: Gateway,
  incoming: IncomingMessage,
  client: Duplex,
  head: Buffer,
  options: ForwardOptions,
): void {
  const { rawHeaders } = incoming;
  const headersFor = headersByToken((token) => requestHeaders(rawHeaders, options.client, token, false), gateway);
  new WebSocketUpgrade(gateway, client, head, options, headersFor).start();
}

class WebSocketUpgrade {
  readonly #gateway: Gateway;
  readonly #client: Duplex;
  readonly #head: Buffer;
  readonly #options: ForwardOptions;
  readonly #headersFor: (token: string | undefined) => string[];
  readonly #startedMs = performance.now();
  readonly #triedBackends = new Set<Backend>();
  #hasResponded = false;
  /** Sockets that are not closed, the client's and the backends'. */
  #openSockets = 1;
  #releaseShare: () => void = () => {};

  constructor(
    gateway: Gateway,
    client: Duplex,
    head: Buffer,
    options: ForwardOptions,
    headersFor: (token: string | undefined) => string[],
  ) {
    this.#gateway = gateway;
    this.#client = client;
    this.#head = head;
    this.#options = options;
    this.#headersFor = headersFor;
  }

  start(): void {
    this.#client.on('error', () => this.#client.destroy());
    const { webSockets } = this.#gateway;
    const share = webSockets.tryStart(this.#options.client.caller);
    if (share === undefined) {
      this.#reject(tooManyWebSockets());
      return;
    }
    this.#releaseShare = () => webSockets.ended(share);
    this.#client.once('close', () => this.#socketClosed());
    this.#endWithCaller();
    this.#client.on('readable', this.#detectEnd).once('end', this.#onEnd);
    this.#attempt();
  }

  /** Closes the connection if its caller is locked out or its session ends; the backend follows. */
  #endWithCaller(): void {
    const { owner, session } = this.#options.client;
    if (owner === undefined) return;
    const piece: OpenPiece = { session, endNow: () => void this.#client.destroy() };
    openWork().add(owner, piece);
    this.#client.once('close', () => openWork().remove(owner, piece));
  }

  /**
   * Reads an empty stream, which otherwise does not report its end before the backend responds.
   */
  readonly #detectEnd = (): void => {
    if (this.#client.readableLength === 0) this.#client.read();
  };

  readonly #onEnd = (): void => {
    this.#client.destroy();
  };

  #stopDetectingEnd(): void {
    this.#client.off('readable', this.#detectEnd).off('end', this.#onEnd);
  }

  #socketClosed(): void {
    this.#openSockets -= 1;
    if (this.#openSockets === 0) this.#releaseShare();
  }

  #attempt(): void {
    const backend = this.#gateway.chooseBackend(this.#triedBackends);
    if (backend === undefined) {
      this.#reject(this.#gateway.isDrained ? noOpenBackend() : connectionFailed());
      return;
    }
    this.#triedBackends.add(backend);
    const { url, basePath, token } = backend;
    const timeoutMs = this.#gateway.settings.GATEWAY_TIMEOUT_MS;
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: basePath + this.#options.path,
      headers: ['Host', url.host, 'Connection', 'Upgrade', 'Upgrade', 'websocket', ...this.#headersFor(token)],
      agent: false,
    });
    let isConnected = false;
    backend.begin();
    this.#openSockets += 1;
    const onClientClose = () => request.destroy();
    this.#client.once('close', onClientClose);
    request.once('socket', (socket) =>
      socket.once('connect', () => {
        isConnected = true;
      }),
    );
    request.setTimeout(timeoutMs, () => request.destroy(backendTimeout(timeoutMs)));
    request.once('upgrade', (response, socket, first) => {
      backend.recordSuccess();
      this.#responded(response.statusCode ?? 101);
      this.#join(backend, response, socket, first);
    });
    request.once('response', (response) => {
      backend.recordSuccess();
      this.#responded(response.statusCode ?? 502);
      this.#forwardResponse(backend, response);
    });
    request.on('error', (error) => {
      if (this.#hasResponded || this.#client.destroyed) return;
      const failure = AppError.is(error)
        ? { error, reason: 'no answer in time', isLocal: false }
        : toBackendFailure(error, timeoutMs);
      backend.recordFailure(failure, !isConnected);
      if (!isConnected && this.#gateway.chooseBackend(this.#triedBackends) !== undefined) this.#attempt();
      else this.#reject(failure.error);
    });
    request.once('close', () => {
      backend.end();
      this.#client.off('close', onClientClose);
      this.#socketClosed();
    });
    request.end();
  }

  #join(from: Backend, response: IncomingMessage, backend: Duplex, first: Buffer): void {
    const client = this.#client;
    this.#openSockets += 1;
    backend.once('close', () => this.#socketClosed());
    if (client.destroyed) return void backend.destroy();
    this.#writeHead(from, response, ['Connection', 'Upgrade', 'Upgrade', 'websocket']);
    const { statistics } = this.#gateway;
    statistics.webSocketOpened();
    for (const socket of [client, backend]) disableIdleTimeout(socket);
    const destroyBoth = () => {
      client.destroy();
      backend.destroy();
    };
    const cancelOnClose = this.#gateway.onClose(destroyBoth);
    // A WebSocket is never half open: when one side ends, the other receives the rest and ends
    // too.
    const endBoth = () => {
      client.end();
      backend.end();
      setTimeout(destroyBoth, CLOSE_TIMEOUT_MS).unref();
    };
    const removeFromBackend = from.addWebSocket(endBoth);
    let open = 2;
    const closed = () => {
      endBoth();
      open -= 1;
      if (open > 0) return;
      cancelOnClose();
      removeFromBackend();
      statistics.webSocketClosed();
    };
    for (const socket of [client, backend]) socket.once('end', endBoth).once('close', closed);
    backend.on('error', () => backend.destroy());
    if (first.length > 0) backend.unshift(first);
    if (this.#head.length > 0) client.unshift(this.#head);
    const mask = from.tokenMask.body();
    client.pipe(backend);
    if (mask === undefined) backend.pipe(client);
    else backend.pipe(maskStream(mask)).pipe(client);
  }

  /** The response ends with its connection and so needs no framing. */
  #forwardResponse({ tokenMask }: Backend, response: IncomingMessage): void {
    const client = this.#client;
    this.#writeHead({ tokenMask }, response, ['Connection', 'close']);
    response.once('error', () => client.destroy());
    client.once('finish', () => setTimeout(() => client.destroy(), CLOSE_TIMEOUT_MS).unref());
    const mask = tokenMask.body();
    if (mask === undefined) response.pipe(client);
    else response.pipe(maskStream(mask)).pipe(client);
  }

  #writeHead(
    { tokenMask }: Pick<Backend, 'tokenMask'>,
    response: IncomingMessage,
    connectionHeaders: readonly string[],
  ): void {
    const headers = responseHeaders(response.rawHeaders, tokenMask, this.#options.client, false);
    const all = [...connectionHeaders, ...headers, ...this.#options.addedHeaders];
    const message = statusMessage(response.statusMessage, tokenMask) ?? '';
    let text = `HTTP/1.1 ${response.statusCode ?? 502} ${message}\r\n`;
    for (let index = 0; index + 1 < all.length; index += 2) text += `${all[index]}: ${all[index + 1]}\r\n`;
    this.#client.write(`${text}\r\n`, 'latin1');
  }

  #responded(status: number): void {
    this.#hasResponded = true;
    this.#stopDetectingEnd();
    this.#gateway.statistics.responseStarted(status, performance.now() - this.#startedMs, false);
    this.#options.onResponse(status);
  }

  #reject(error: AppError): void {
    this.#stopDetectingEnd();
    const status = HTTP_STATUS_BY_CODE[error.code];
    this.#gateway.statistics.responseStarted(status, performance.now() - this.#startedMs, true);
    this.#options.reject(error);
  }
}

function maskStream(mask: BodyMask): Transform {
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, mask.push(chunk)),
    flush: (done) => done(null, mask.end()),
  });
}

/** A WebSocket may be idle for any time. TCP keep-alive detects a lost peer. */
function disableIdleTimeout(socket: Duplex): void {
  if (!('setKeepAlive' in socket) || typeof socket.setKeepAlive !== 'function') return;
  socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
  if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0);
  if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true);
}
