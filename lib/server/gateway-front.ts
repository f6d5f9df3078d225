import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Config } from '#lib/config/index';
import { Fault } from '#lib/fault';
import type { Gateway } from '#lib/gateway/gateway';
import { passOn } from '#lib/gateway/node-exchange';
import { EXPLICIT_PREFIX } from '#lib/gateway/target';
import { asksForWebSocket, passUpgrade } from '#lib/gateway/upgrade';
import { describeError } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { requestIdOf } from '#lib/http/request';
import { log } from '#lib/observe/log';
import { endSocket } from '#lib/server/end-socket';
import { type Asking, admit, answered, errorHeaders, preflightHeaders } from '#lib/server/gateway-admission';

const LONGEST_LOGGED_PATH = 256;
const LIVENESS_PATH = '/gateway-health';

/** The gateway as `server.ts` serves it, before the routes' own adapter and before Next. */
export class GatewayFront {
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
  takes(pathname: string): boolean {
    if (this.#gateway.settings.GATEWAY_ORIGIN !== undefined) return false;
    return pathname.startsWith(EXPLICIT_PREFIX) || !this.#isOwn(pathname);
  }

  /** Whether everything at this host is the gateway's, but for its own liveness. */
  takesAll(host: string | undefined, pathname: string): boolean {
    return isGatewayHost(host, this.#gateway.settings) && pathname !== LIVENESS_PATH;
  }

  takesUpgrade(incoming: IncomingMessage, pathname: string): boolean {
    return asksForWebSocket(incoming) && (this.takesAll(incoming.headers.host, pathname) || this.takes(pathname));
  }

  serve(incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): void {
    const asking = toAsking(incoming, false);
    const { settings } = this.#gateway;
    const refuse = (fault: Fault) => refuseRequest(incoming, outgoing, asking, fault, settings);
    try {
      const admission = admit(asking, settings);
      if (admission === undefined) outgoing.writeHead(204, preflightHeaders(asking, settings)).end();
      else {
        const onAnswer = (status: number) => logAnswer(asking, status);
        passOn(this.#gateway, incoming, outgoing, { ...admission, expectsContinue, refuse, onAnswer });
      }
    } catch (error) {
      refuse(asFault(error));
    }
  }

  /** For the server's `upgrade` event. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const asking = toAsking(incoming, true);
    const refuse = (fault: Fault) => refuseSocket(socket, asking, fault, this.#gateway.settings);
    try {
      const admission = admit(asking, this.#gateway.settings);
      if (admission === undefined) return;
      const onAnswer = (status: number) => logAnswer(asking, status);
      passUpgrade(this.#gateway, incoming, socket, head, { ...admission, expectsContinue: false, refuse, onAnswer });
    } catch (error) {
      refuse(asFault(error));
    }
  }
}

function toAsking({ method = 'GET', url = '/', headers, socket }: IncomingMessage, isUpgrade: boolean): Asking {
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
    requestId: requestIdOf(headers['x-request-id']),
  };
}

function refuseRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  asking: Asking,
  fault: Fault,
  settings: Config,
): void {
  const { status, body, retryAfterSeconds } = describeError(fault);
  logAnswer(asking, status);
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

function refuseSocket(socket: Duplex, asking: Asking, fault: Fault, settings: Config): void {
  const { status, body, retryAfterSeconds } = describeError(fault);
  logAnswer(asking, status);
  const text = JSON.stringify(body);
  const headers = errorHeaders(asking, status, settings, retryAfterSeconds);
  const framing = { 'content-length': String(Buffer.byteLength(text)), connection: 'close' };
  const lines = Object.entries({ ...headers, ...framing }).map(([name, value]) => `${name}: ${value}\r\n`);
  endSocket(socket, `HTTP/1.1 ${status} \r\n${lines.join('')}\r\n${text}`);
}

function asFault(error: unknown): Fault {
  if (Fault.is(error)) return error;
  log().error({ err: error }, 'gateway failed unexpectedly');
  return new Fault(
    'internal_error',
    'Something went wrong inside the server. The log has the details under this X-Request-Id.',
  );
}

function logAnswer(asking: Asking, status: number): void {
  const { target } = asking;
  const end = target.indexOf('?');
  const path = (end === -1 ? target : target.slice(0, end)).slice(0, LONGEST_LOGGED_PATH);
  // The parser lets nothing else through that JSON would have to escape.
  answered(asking, /["\\]/.test(path) ? JSON.stringify(path).slice(1, -1) : path, status);
}
