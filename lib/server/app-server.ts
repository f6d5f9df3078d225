import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { fileDescriptorLimit, maxClientConnections } from '#lib/file-descriptor-limit';
import { gateway } from '#lib/gateway/index';
import { NodeGatewayHandler } from '#lib/gateway/node-handler';
import { endSocket } from '#lib/http/end-socket';
import { toErrorResponse } from '#lib/http/errors';
import { checkHost } from '#lib/http/host-check';
import { pathnameOf } from '#lib/http/page-access';
import { json, type Reply } from '#lib/http/reply';
import { resolveRequestId } from '#lib/http/request-id';
import type { RouteContext, RouteHandler } from '#lib/http/route';
import { findAppPaths } from '#lib/server/app-paths';
import { isSharedAddress, limitConnections } from '#lib/server/connection-limit';
import { NodeRequest } from '#lib/server/node-request';
import { PageGuard } from '#lib/server/page-guard';
import { createRouteTable, findRouteFiles, type RouteFile, type RouteMatch } from '#lib/server/route-table';
import { StaticFiles } from '#lib/server/static-files';
import { unsupportedApi } from '#lib/server/unsupported-api';
import { writeReply } from '#lib/server/write-reply';
import { log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';
import type { ErrorBody } from '#lib/wire/error';

/** Longer than the usual 60 s of a proxy in front, so that it is the proxy that closes an idle connection. */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_TIMEOUT_MS = 20_000;
/** How often connections are looked at for those whose time has run out. */
const CHECK_INTERVAL_MS = 5_000;
const IDLE_SWEEP_MS = 50;
/** How long open answers have, once they are told that the server stops, to get their last words to their clients. */
const LAST_WORDS_MS = 1_000;
const BODY_TIMEOUT_MS = 120_000;

/** What answers for pages and static files. */
export type PageHandler = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;
type RouteModule = Partial<Record<string, RouteHandler>>;

export interface AppServerOptions {
  /** The project's folder, which has `app/`. */
  root: string;
  /** Loads what serves pages and static files; called when the first of them is asked for, so that the API need not wait for it. */
  loadPages: () => Promise<PageHandler>;
  /** The language whose executor this server is, and nothing else: its executor API is then at the root too. */
  executor?: string | undefined;
}

/**
 * The production server, not yet listening: API route files are mounted directly, everything else goes to the pages.
 * A handler's `request.signal` aborts when its client goes away.
 */
export async function createAppServer({ root, loadPages, executor }: AppServerOptions): Promise<Server> {
  const routes = await findRouteFiles(
    join(root, 'app'),
    async (file) => (await import(pathToFileURL(file).href)) as RouteModule,
  );
  const settings = config();
  const match = executor === undefined ? appTable(routes) : executorTable(routes, executor);
  const front = executor === undefined ? gatewayFront(root) : undefined;
  const pageFront =
    executor === undefined ? new PageGuard(root, settings, (path) => match(path) !== undefined) : undefined;
  const pages = once(loadPages);
  const statics = new StaticFiles(root);

  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      requestTimeout: BODY_TIMEOUT_MS,
      noDelay: true,
      // A request without a body has no stream to be read to its end, which is a tenth of what a short answer costs.
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: (incoming) => front?.servesUpgrade(incoming, pathnameOf(incoming.url ?? '/')) ?? false,
    },
    (incoming, outgoing) => serve(incoming, outgoing, false),
  );
  function serve(incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): void {
    const pathname = pathnameOf(incoming.url ?? '/');
    const isGateways = front?.servesHost(incoming.headers.host, pathname) === true;
    const found = isGateways ? undefined : match(pathname);
    const foreign = checkHost(incoming.headers.host, settings);
    if (foreign !== undefined) {
      const request = new NodeRequest(incoming, outgoing);
      const reply = found?.route.value.OPTIONS?.refuse(foreign, request) ?? plainly(foreign, request);
      void writeReply(reply, incoming, outgoing);
      return;
    }
    if (found === undefined && front !== undefined && (isGateways || front.servesPath(pathname))) {
      front.handle(incoming, outgoing, expectsContinue);
      return;
    }
    if (expectsContinue) outgoing.writeContinue();
    if (front !== undefined) boundBody(incoming);
    const unknown = found === undefined && executor === undefined ? unsupportedApi(pathname) : undefined;
    if (found !== undefined || unknown !== undefined) {
      void answer(found?.route.value ?? unknown ?? {}, found?.params ?? {}, incoming, outgoing);
      return;
    }
    const showPage = () =>
      void pages()
        .then((serve) => serve(incoming, outgoing))
        .catch((error: unknown) => {
          log().error({ err: error, path: pathnameOf(incoming.url ?? '/') }, 'page failed');
          if (outgoing.headersSent) outgoing.destroy();
          else answerPlainly(outgoing, 500, 'The page could not be shown. The log of the server says why.');
        });
    if (statics.serve(pathname, incoming, outgoing, showPage)) return;
    if (pageFront?.intercept(pathname, incoming, outgoing) !== true) showPage();
  }
  server.on('checkContinue', (incoming, outgoing) => serve(incoming, outgoing, true));
  server.on('upgrade', (incoming, socket, head) => {
    const foreign = checkHost(incoming.headers.host, settings);
    if (foreign === undefined) front?.handleUpgrade(incoming, socket, head);
    else refuseUpgrade(foreign, socket);
  });
  server.on('connection', countConnection);
  const most = maxClientConnections(fileDescriptorLimit(), settings);
  limitConnections(server, most, (peer) => isSharedAddress(peer, settings.TRUST_PROXY));
  server.on('connect', refuseTunnel);
  // What goes through the gateway may be as large as it likes, as long as it keeps coming.
  if (front !== undefined) server.requestTimeout = 0;
  server.on('clientError', refuseBytes);
  keepListeners(server);
  return server;
}

/**
 * `close` of a server that also ends every connection as soon as it is idle. What is still open after `deadlineMs` is
 * ended by `tell`, which is to end every answer with a word of its own; connections that are open a moment later, since
 * nobody reads there, are cut. Without `tell` they are cut at the deadline.
 */
export async function drain(server: Server, deadlineMs: number, tell?: () => unknown): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection whose answer ends meanwhile would be kept alive for its next request.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const cut = () => server.closeAllConnections();
  let deadline = setTimeout(() => {
    if (tell === undefined) return cut();
    deadline = setTimeout(cut, LAST_WORDS_MS);
    tell();
  }, deadlineMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}

/**
 * Keeps others from listening to requests and upgrades of the server: a library that is handed
 * requests can reach the server through their sockets, and a second listener would take from the
 * first what it does not know. Throws where one is added.
 */
function keepListeners(server: Server): void {
  server.on('newListener', (event: string | symbol) => {
    if (OWN_EVENTS.has(event)) throw new Error(`the server's own ${String(event)} listener must stay the only one`);
  });
}

const OWN_EVENTS: ReadonlySet<string | symbol> = new Set([
  'request',
  'checkContinue',
  'checkExpectation',
  'upgrade',
  'connect',
  'clientError',
]);

function refuseUpgrade(fault: AppError, socket: Duplex): void {
  const { status, body } = toErrorResponse(fault);
  endSocket(socket, plainRefusal(`${status} ${STATUS_CODES[status]}`, body));
}

async function answer(
  module: RouteModule,
  params: RouteMatch<RouteModule>['params'],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    const request = new NodeRequest(incoming, outgoing);
    const context: RouteContext = { params, peerAddress: incoming.socket.remoteAddress };
    const handler = module[request.method] ?? module.ANY;
    const reply = handler === undefined ? refuseMethod(module, request) : await handler.reply(request, context);
    await writeReply(reply, incoming, outgoing, undefined, request.caller);
  } catch (error) {
    log().error({ err: error, path: pathnameOf(incoming.url ?? '/') }, 'request failed outside of its route');
    if (outgoing.headersSent) outgoing.destroy();
    else await writeReply(json(toErrorResponse(error).body, 500), incoming, outgoing);
  }
}

/** The gateway's own route files are for servers that are not this one. */
function appTable(routes: readonly RouteFile<RouteModule>[]) {
  return createRouteTable(routes.filter(({ pattern }) => !GATEWAY_PATTERNS.has(pattern)));
}

const GATEWAY_PATTERNS: ReadonlySet<string> = new Set(['/[...path]', '/gateway/[...path]']);

function gatewayFront(root: string): NodeGatewayHandler | undefined {
  return config().PRIVATE_BACKEND_URL.length === 0 ? undefined : new NodeGatewayHandler(gateway(), findAppPaths(root));
}

/** Holds a body to the time that all others have, where the server itself does not. */
function boundBody(incoming: IncomingMessage): void {
  if (incoming.complete || (incoming.headers['content-length'] ?? '0') === '0') {
    if (incoming.headers['transfer-encoding'] === undefined) return;
  }
  const timer = setTimeout(() => incoming.socket.destroy(), BODY_TIMEOUT_MS);
  const stop = () => clearTimeout(timer);
  incoming.once('end', stop).once('close', stop);
}

function countConnection(socket: Duplex): void {
  const { openConnections } = metrics();
  openConnections.inc();
  socket.once('close', () => openConnections.dec());
}

/** This is no forward proxy: nothing is dialled because a client says so. */
function refuseTunnel(_incoming: IncomingMessage, socket: Duplex): void {
  endSocket(
    socket,
    plainRefusal('405 Method Not Allowed', {
      error: 'This server opens no tunnels: CONNECT is not allowed.',
      code: 'method_not_allowed',
    }),
  );
}

/** The routes of an executor: what runs code, and its own API at the root. Nothing here touches a model. */
function executorTable(routes: readonly RouteFile<RouteModule>[], language: string) {
  const offered = /^\/api\/(?:executors|microservices|v1|metrics)(?:\/|$)/;
  const match = createRouteTable(routes.filter(({ pattern }) => offered.test(pattern)));
  return (pathname: string) => match(EXECUTOR_PATHS.has(pathname) ? `/api/executors/${language}${pathname}` : pathname);
}

const EXECUTOR_PATHS: ReadonlySet<string> = new Set(['/health', '/info', '/execute', '/validate']);

/** What the HTTP parser itself refuses never becomes a request: it gets its answer here, and loses its connection. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, sentence] = PARSER_REFUSALS[error.code ?? ''] ?? [
    '400 Bad Request',
    'This is not a valid HTTP request.',
  ];
  endSocket(socket, plainRefusal(status, { error: sentence, code: 'invalid_request' }));
}

function plainRefusal(status: string, error: ErrorBody): string {
  const body = JSON.stringify(error);
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

const PARSER_REFUSALS: Record<string, [string, string]> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'The headers are too large: at most 16 KiB are accepted.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to arrive. Send it again.'],
};

/** For methods that no route file can export (PROPFIND, TRACE). */
function refuseMethod({ OPTIONS: route }: RouteModule, request: NodeRequest): Reply {
  const allow = route?.allow ?? 'OPTIONS';
  const fault = new AppError('method_not_allowed', `This method is not allowed here. Allowed: ${allow}.`);
  const reply = route?.refuse(fault, request) ?? plainly(fault, request);
  reply.headers.allow = allow;
  return reply;
}

/** A fault as an answer where there is no route that could give it. */
function plainly(fault: AppError, request: NodeRequest): Reply {
  const { status, body } = toErrorResponse(fault);
  return json(body, status, {
    'x-request-id': resolveRequestId(request.get('x-request-id')),
    'x-content-type-options': 'nosniff',
  });
}

function answerPlainly(outgoing: ServerResponse, status: number, sentence: string): void {
  outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  outgoing.end(`${sentence}\n`);
}

/** One call, shared by everyone who asks meanwhile; one that failed is tried again. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= load().catch((error: unknown) => {
      running = undefined;
      throw error;
    });
    return running;
  };
}
