import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { authorize, errorHeaders, type GatewayRequest, preflightHeaders, recordResponse } from '#lib/gateway/authorize';
import type { Gateway } from '#lib/gateway/gateway';
import { forwardNodeRequest } from '#lib/gateway/node-sink';
import { GATEWAY_PREFIX } from '#lib/gateway/request-path';
import { forwardUpgrade, isWebSocketUpgrade } from '#lib/gateway/upgrade';
import { toErrorResponse } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { resolveRequestId } from '#lib/http/http-request';
import { endSocket } from '#lib/server/end-socket';
import { log } from '#lib/telemetry/log';

const MAX_LOGGED_PATH_LENGTH = 256;
const LIVENESS_PATH = '/gateway-health';

/** The gateway as `server.ts` serves it, before the routes' own adapter and before Next. */
export class NodeGatewayHandler {
  readonly #gateway: Gateway;
  readonly #isOwn: (pathname: string) => boolean;

  /** `isOwn` tells which paths the app serves itself; they are the gateway's only by name. */
  constructor(gateway: Gateway, isOwn: (pathname: string) => boolean) {
    this.#gateway = gateway;
    this.#isOwn = isOwn;
  }

  /**
   * Whether the gateway serves a path at the app's host: by name, or since the app has nothing
   * there. If the gateway has a separate origin, it serves nothing at the app's, not even
   * `/gateway/*`, which is an unknown path there.
   */
  servesPath(pathname: string): boolean {
    if (this.#gateway.settings.GATEWAY_ORIGIN !== undefined) return false;
    return pathname.startsWith(GATEWAY_PREFIX) || !this.#isOwn(pathname);
  }

  /** Whether everything at this host is the gateway's, but for its own liveness. */
  servesHost(host: string | undefined, pathname: string): boolean {
    return isGatewayHost(host, this.#gateway.settings) && pathname !== LIVENESS_PATH;
  }

  servesUpgrade(incoming: IncomingMessage, pathname: string): boolean {
    return (
      isWebSocketUpgrade(incoming) && (this.servesHost(incoming.headers.host, pathname) || this.servesPath(pathname))
    );
  }

  handle(incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): void {
    const asking = toGatewayRequest(incoming, false);
    const { settings } = this.#gateway;
    const refuse = (fault: AppError) => rejectRequest(incoming, outgoing, asking, fault, settings);
    try {
      const admission = authorize(asking, settings);
      if (admission === undefined) outgoing.writeHead(204, preflightHeaders(asking, settings)).end();
      else {
        const onAnswer = (status: number) => logResponse(asking, status);
        forwardNodeRequest(this.#gateway, incoming, outgoing, {
          ...admission,
          expectsContinue,
          refuse,
          onResponse: onAnswer,
        });
      }
    } catch (error) {
      refuse(asAppError(error));
    }
  }

  /** For the server's `upgrade` event. */
  handleUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const asking = toGatewayRequest(incoming, true);
    const refuse = (fault: AppError) => rejectSocket(socket, asking, fault, this.#gateway.settings);
    try {
      const admission = authorize(asking, this.#gateway.settings);
      if (admission === undefined) return;
      const onAnswer = (status: number) => logResponse(asking, status);
      forwardUpgrade(this.#gateway, incoming, socket, head, {
        ...admission,
        expectsContinue: false,
        refuse,
        onResponse: onAnswer,
      });
    } catch (error) {
      refuse(asAppError(error));
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
  asking: GatewayRequest,
  fault: AppError,
  settings: Config,
): void {
  const { status, body, retryAfterSeconds } = toErrorResponse(fault);
  logResponse(asking, status);
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  const headers = errorHeaders(asking, status, settings, retryAfterSeconds);
  // What is left of the body is not worth waiting for.
  if (!incoming.complete) headers.connection = 'close';
  outgoing.writeHead(status, headers);
  outgoing.end(JSON.stringify(body));
}

function rejectSocket(socket: Duplex, asking: GatewayRequest, fault: AppError, settings: Config): void {
  const { status, body, retryAfterSeconds } = toErrorResponse(fault);
  logResponse(asking, status);
  const text = JSON.stringify(body);
  const headers = errorHeaders(asking, status, settings, retryAfterSeconds);
  const framing = { 'content-length': String(Buffer.byteLength(text)), connection: 'close' };
  const lines = Object.entries({ ...headers, ...framing }).map(([name, value]) => `${name}: ${value}\r\n`);
  endSocket(socket, `HTTP/1.1 ${status} \r\n${lines.join('')}\r\n${text}`);
}

function asAppError(error: unknown): AppError {
  if (AppError.is(error)) return error;
  log().error({ err: error }, 'gateway failed unexpectedly');
  return new AppError(
    'internal_error',
    'Something went wrong inside the server. The log has the details under this X-Request-Id.',
  );
}

function logResponse(asking: GatewayRequest, status: number): void {
  const { target } = asking;
  const end = target.indexOf('?');
  const path = (end === -1 ? target : target.slice(0, end)).slice(0, MAX_LOGGED_PATH_LENGTH);
  // The parser lets nothing else through that JSON would have to escape.
  recordResponse(asking, /["\\]/.test(path) ? JSON.stringify(path).slice(1, -1) : path, status);
}
