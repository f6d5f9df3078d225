import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { type AuthorizedRequest, authorize } from '#lib/gateway/authorize';
import type { Gateway } from '#lib/gateway/gateway';
import { errorHeaders, type GatewayRequest, preflightHeaders, recordResponse } from '#lib/gateway/gateway-request';
import { forwardNodeRequest } from '#lib/gateway/node-sink';
import { GATEWAY_PREFIX } from '#lib/gateway/request-path';
import type { ServerRequest } from '#lib/gateway/server-request';
import { forwardUpgrade, isWebSocketUpgrade } from '#lib/gateway/upgrade';
import { endSocket } from '#lib/http/end-socket';
import { toErrorResponse } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { resolveRequestId } from '#lib/http/request-id';
import { log } from '#lib/telemetry/log';

const MAX_LOGGED_PATH_LENGTH = 256;
const LIVENESS_PATH = '/gateway-health';

/** Serves the gateway in `server.ts`, ahead of the routes and of Next. */
export class NodeGatewayHandler {
  readonly #gateway: Gateway;
  readonly #isAppPath: (pathname: string) => boolean;

  /** `isAppPath`: the app serves a page or a file at this path. */
  constructor(gateway: Gateway, isAppPath: (pathname: string) => boolean) {
    this.#gateway = gateway;
    this.#isAppPath = isAppPath;
  }

  /**
   * Whether the gateway serves a path at the app's host: below `/gateway/`, and where the app
   * serves nothing. With `GATEWAY_ORIGIN` it serves no path there.
   */
  servesPath(pathname: string): boolean {
    if (this.#gateway.settings.GATEWAY_ORIGIN !== undefined) return false;
    return pathname.startsWith(GATEWAY_PREFIX) || !this.#isAppPath(pathname);
  }

  /** Whether this is the gateway's own host, where it serves all but the liveness probe. */
  servesHost(host: string | undefined, pathname: string): boolean {
    return isGatewayHost(host, this.#gateway.settings) && pathname !== LIVENESS_PATH;
  }

  servesUpgrade(incoming: IncomingMessage, pathname: string): boolean {
    return (
      isWebSocketUpgrade(incoming) && (this.servesHost(incoming.headers.host, pathname) || this.servesPath(pathname))
    );
  }

  handle(incoming: ServerRequest, outgoing: ServerResponse, expectsContinue: boolean): void {
    const request = toGatewayRequest(incoming, false);
    const { settings } = this.#gateway;
    const reject = (error: unknown) => rejectRequest(incoming, outgoing, request, error, settings);
    try {
      const forward = (authorized: AuthorizedRequest | undefined) => {
        if (authorized === undefined) {
          outgoing.writeHead(204, preflightHeaders(request, settings)).end();
          return;
        }
        const onResponse = (status: number) => logResponse(request, status);
        forwardNodeRequest(this.#gateway, incoming, outgoing, { ...authorized, expectsContinue, reject, onResponse });
      };
      const authorized = authorize(request, settings);
      if (authorized instanceof Promise) authorized.then(forward).catch(reject);
      else forward(authorized);
    } catch (error) {
      reject(error);
    }
  }

  /** Handles the server's `upgrade` event. */
  handleUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const request = toGatewayRequest(incoming, true);
    const { settings } = this.#gateway;
    const reject = (error: unknown) => rejectSocket(socket, request, error, settings);
    try {
      const forward = (authorized: AuthorizedRequest | undefined) => {
        if (authorized === undefined) return;
        const onResponse = (status: number) => logResponse(request, status);
        const options = { ...authorized, expectsContinue: false, reject, onResponse };
        forwardUpgrade(this.#gateway, incoming, socket, head, options);
      };
      const authorized = authorize(request, settings);
      if (authorized instanceof Promise) {
        // Until it is forwarded, a client that leaves must not end this process.
        socket.on('error', () => socket.destroy());
        authorized.then(forward).catch(reject);
      } else forward(authorized);
    } catch (error) {
      reject(error);
    }
  }
}

function toGatewayRequest(
  { method = 'GET', url = '/', headers, socket }: IncomingMessage,
  isUpgrade: boolean,
): GatewayRequest {
  return {
    method,
    target: url,
    header: (name) => {
      const value = headers[name];
      return typeof value === 'string' ? value : undefined;
    },
    peer: socket.remoteAddress,
    protocol: 'encrypted' in socket ? 'https' : 'http',
    isUpgrade,
    startedMs: performance.now(),
    requestId: resolveRequestId(headers['x-request-id']),
  };
}

function rejectRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  request: GatewayRequest,
  error: unknown,
  settings: Config,
): void {
  logUnexpected(error);
  const { status, body, retryAfterSeconds } = toErrorResponse(error);
  logResponse(request, status);
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  const headers = errorHeaders(request, status, settings, retryAfterSeconds);
  // Closing is cheaper than receiving the rest of the body.
  if (!incoming.complete) headers.connection = 'close';
  outgoing.writeHead(status, headers);
  outgoing.end(JSON.stringify(body));
}

function rejectSocket(socket: Duplex, request: GatewayRequest, error: unknown, settings: Config): void {
  logUnexpected(error);
  const { status, body, retryAfterSeconds } = toErrorResponse(error);
  logResponse(request, status);
  const text = JSON.stringify(body);
  const headers = errorHeaders(request, status, settings, retryAfterSeconds);
  const framing = { 'content-length': String(Buffer.byteLength(text)), connection: 'close' };
  const lines = Object.entries({ ...headers, ...framing }).map(([name, value]) => `${name}: ${value}\r\n`);
  endSocket(socket, `HTTP/1.1 ${status} \r\n${lines.join('')}\r\n${text}`);
}

function logUnexpected(error: unknown): void {
  if (!AppError.is(error)) log().error({ err: error }, 'gateway failed unexpectedly');
}

function logResponse(request: GatewayRequest, status: number): void {
  const { target } = request;
  const end = target.indexOf('?');
  const path = (end === -1 ? target : target.slice(0, end)).slice(0, MAX_LOGGED_PATH_LENGTH);
  // The HTTP parser admits no other character that JSON escapes.
  recordResponse(request, /["\\]/.test(path) ? JSON.stringify(path).slice(1, -1) : path, status);
}
