import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { fileDescriptorLimit, maxClientConnections } from '#lib/file-descriptor-limit';
import { ServerRequest } from '#lib/gateway/server-request';
import { toErrorResponse } from '#lib/http/errors';
import { checkHost } from '#lib/http/host-check';
import { pathnameOf } from '#lib/http/page-access';
import { json, type Reply } from '#lib/http/reply';
import { resolveRequestId } from '#lib/http/request-id';
import type { RouteContext } from '#lib/http/route';
import { streamedUploads } from '#lib/http/streamed-uploads';
import { createServer } from '#lib/node-http';
import { peopleLimits } from '#lib/people/limits/index';
import { isSharedAddress, limitConnections } from '#lib/server/connection-limit';
import { GatewayMount } from '#lib/server/gateway-mount';
import { lastResponses } from '#lib/server/last-responses';
import { LazyHandlers, type MethodHandlers } from '#lib/server/lazy-handlers';
import { NodeRequest } from '#lib/server/node-request';
import { PageGuard } from '#lib/server/page-guard';
import { refuseInvalidHttp, refuseTunnel, refuseUpgrade } from '#lib/server/raw-responses';
import { createRouteTable, findRouteFiles, type RouteFile, type RouteMatch } from '#lib/server/route-table';
import { StaticFiles } from '#lib/server/static-files';
import { isUnsupportedApi } from '#lib/server/unsupported-paths';
import { writeReply } from '#lib/server/write-reply';
import { onStopping } from '#lib/shutdown';
import { log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';
import { SECOND_MS } from '#lib/units';

/** Longer than the usual 60 s of a proxy in front, so the proxy closes idle connections first. */
const KEEP_ALIVE_MS = 65 * SECOND_MS;
const HEADERS_TIMEOUT_MS = 20 * SECOND_MS;
const BODY_TIMEOUT_MS = 120 * SECOND_MS;
/** Interval at which node:http looks for connections whose timeout has passed. */
const TIMEOUT_CHECK_MS = 5 * SECOND_MS;

/** Serves pages and those static files that `StaticFiles` does not. */
export type PageHandler = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

export interface AppServerOptions {
  /** The project's folder, which contains `app/`. */
  root: string;
  /** Loads the page handler, at the first request that needs it. The API does not wait for it. */
  loadPages: () => Promise<PageHandler>;
  /** Makes the server an executor of this language, which serves the executor API only. */
  executor?: string | undefined;
}

/**
 * Creates the production server, which does not listen yet. A request goes to the gateway, an API
 * route, a static file or a page, in this order. `request.signal` of a route aborts when the
 * client disconnects.
 */
export async function createAppServer({ root, loadPages, executor }: AppServerOptions): Promise<Server> {
  const routes = await findRouteFiles(join(root, 'app'), async (file) => new LazyHandlers(() => importRoute(file)));
  const settings = config();
  const isApp = executor === undefined;
  // The server that calls an executor has counted its caller.
  if (isApp) peopleLimits();
  const match = isApp ? appRoutes(routes) : executorRoutes(routes, executor);
  const gatewayMount = isApp ? new GatewayMount(root) : undefined;
  await gatewayMount?.load();
  const pageGuard = isApp ? new PageGuard(root, settings, (path) => match(path) !== undefined) : undefined;
  const pages = once(loadPages);
  const staticFiles = new StaticFiles(root);

  const { Response, endConnections } = lastResponses();
  // Clients, and proxies in front, make new connections for their next requests: to other servers.
  onStopping(endConnections);

  const server = createServer<typeof ServerRequest, typeof Response>(
    {
      IncomingMessage: ServerRequest,
      ServerResponse: Response,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requestTimeout: BODY_TIMEOUT_MS,
      noDelay: true,
      // Skips the body stream of requests without a body.
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: (incoming) =>
        gatewayMount?.handler?.servesUpgrade(incoming, pathnameOf(incoming.url ?? '/')) ?? false,
    },
    (incoming, outgoing) => serve(incoming, outgoing, false),
  );

  function serve(incoming: ServerRequest, outgoing: ServerResponse, expectsContinue: boolean): void {
    const loading = gatewayMount?.loading;
    if (loading !== undefined) {
      void loading.then(() => serve(incoming, outgoing, expectsContinue));
      return;
    }
    const gatewayHandler = gatewayMount?.handler;
    const pathname = pathnameOf(incoming.url ?? '/');
    const isGatewayHost = gatewayHandler?.servesHost(incoming.headers.host, pathname) === true;
    const found = isGatewayHost ? undefined : match(pathname);
    const hostError = checkHost(incoming.headers.host, settings);
    if (hostError !== undefined) {
      void refuse(found?.route.value ?? NO_HANDLERS, hostError, incoming, outgoing);
      return;
    }
    if (found === undefined && gatewayHandler !== undefined && (isGatewayHost || gatewayHandler.servesPath(pathname))) {
      gatewayHandler.handle(incoming, outgoing, expectsContinue);
      return;
    }
    if (expectsContinue) outgoing.writeContinue();
    if (gatewayHandler !== undefined) limitBodyTime(incoming);
    if (found !== undefined) {
      void serveRoute(found.route.value, found.params, incoming, outgoing);
      return;
    }
    if (isApp && isUnsupportedApi(pathname)) {
      void serveRoute(new LazyHandlers(() => importUnsupported(pathname)), {}, incoming, outgoing);
      return;
    }
    const servePage = () =>
      void pages()
        .then((handle) => handle(incoming, outgoing))
        .catch((error: unknown) => {
          log().error({ err: error, path: pathnameOf(incoming.url ?? '/') }, 'page failed');
          if (outgoing.headersSent) outgoing.destroy();
          else writePlainText(outgoing, 500, 'The page could not be shown. The log of the server says why.');
        });
    if (staticFiles.serve(pathname, incoming, outgoing, servePage)) return;
    if (pageGuard === undefined) servePage();
    else pageGuard.intercept(pathname, incoming, outgoing, servePage);
  }

  server.on('checkContinue', (incoming, outgoing) => serve(incoming, outgoing, true));
  server.on('upgrade', (incoming, socket, head) => {
    const hostError = checkHost(incoming.headers.host, settings);
    if (hostError === undefined) gatewayMount?.handler?.handleUpgrade(incoming, socket, head);
    else refuseUpgrade(hostError, socket);
  });
  server.on('connection', countConnection);
  const maxConnections = maxClientConnections(fileDescriptorLimit(), settings);
  limitConnections(server, maxConnections, (peer) => isSharedAddress(peer, settings.TRUST_PROXY));
  server.on('connect', refuseTunnel);
  // Bodies for the gateway may take any time as long as bytes arrive; others have `limitBodyTime`.
  if (gatewayMount !== undefined) {
    const limitTime = () => {
      server.requestTimeout = gatewayMount.handler === undefined ? BODY_TIMEOUT_MS : 0;
    };
    limitTime();
    server.once('close', gatewayMount.follow(limitTime));
  }
  server.on('clientError', refuseInvalidHttp);
  forbidOtherListeners(server);
  return server;
}

/**
 * Throws when another listener for requests or upgrades is added. Next, which gets requests, can
 * reach the server through their sockets, and its upgrade listener would destroy unknown sockets.
 */
function forbidOtherListeners(server: Server): void {
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

async function importRoute(file: string): Promise<MethodHandlers> {
  return (await import(pathToFileURL(file).href)) as MethodHandlers;
}

async function importUnsupported(pathname: string): Promise<MethodHandlers> {
  return (await import('#lib/server/unsupported-api')).unsupportedApi(pathname) ?? {};
}

async function serveRoute(
  lazy: LazyHandlers,
  params: RouteMatch<LazyHandlers>['params'],
  incoming: ServerRequest,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    const request = new NodeRequest(incoming, outgoing);
    const context: RouteContext = { params, peerAddress: incoming.socket.remoteAddress };
    const handlers = lazy.loaded ?? (await lazy.load());
    const handler = handlers[request.method] ?? handlers.ANY;
    const reply = handler === undefined ? refuseMethod(handlers, request) : await handler.reply(request, context);
    await writeReply(reply, incoming, outgoing, undefined, request);
  } catch (error) {
    log().error({ err: error, path: pathnameOf(incoming.url ?? '/') }, 'request failed outside its route');
    if (outgoing.headersSent) outgoing.destroy();
    else await writeReply(json(toErrorResponse(error).body, 500), incoming, outgoing);
  }
}

/** Refuses a request in the error format of its route's API. */
async function refuse(
  lazy: LazyHandlers,
  error: AppError,
  incoming: ServerRequest,
  outgoing: ServerResponse,
): Promise<void> {
  const request = new NodeRequest(incoming, outgoing);
  // A refusal needs no handler. The next request that is served reports why it could not be loaded.
  const { OPTIONS: route } = lazy.loaded ?? (await lazy.load().catch(() => NO_METHODS));
  await writeReply(route?.refuse(error, request) ?? toErrorReply(error, request), incoming, outgoing);
}

const NO_METHODS: MethodHandlers = {};
const NO_HANDLERS = new LazyHandlers(async () => NO_METHODS);

/** The gateway's route files are for other servers: here `NodeGatewayHandler` does their work. */
function appRoutes(routes: readonly RouteFile<LazyHandlers>[]) {
  return createRouteTable(routes.filter(({ pattern }) => !GATEWAY_PATTERNS.has(pattern)));
}

const GATEWAY_PATTERNS: ReadonlySet<string> = new Set(['/[...path]', '/gateway/[...path]']);

/** Applies `BODY_TIMEOUT_MS` to one request, where the server's own timeout is off. */
function limitBodyTime(incoming: IncomingMessage): void {
  if (incoming.complete || (incoming.headers['content-length'] ?? '0') === '0') {
    if (incoming.headers['transfer-encoding'] === undefined) return;
  }
  const timer = setTimeout(() => {
    if (!streamedUploads().has(incoming.socket)) incoming.socket.destroy();
  }, BODY_TIMEOUT_MS);
  const stop = () => clearTimeout(timer);
  incoming.once('end', stop).once('close', stop);
}

function countConnection(socket: Duplex): void {
  const { openConnections } = metrics();
  openConnections.inc();
  socket.once('close', () => openConnections.dec());
}

/**
 * The routes of an executor: what runs code, and its own API at the root. No model is involved.
 */
function executorRoutes(routes: readonly RouteFile<LazyHandlers>[], language: string) {
  const served = /^\/api\/(?:executors|microservices|v1|metrics)(?:\/|$)/;
  const match = createRouteTable(routes.filter(({ pattern }) => served.test(pattern)));
  return (pathname: string) => match(EXECUTOR_PATHS.has(pathname) ? `/api/executors/${language}${pathname}` : pathname);
}

const EXECUTOR_PATHS: ReadonlySet<string> = new Set(['/health', '/info', '/execute', '/validate']);

/** For methods that a route file cannot export (PROPFIND, TRACE). */
function refuseMethod({ OPTIONS: route }: MethodHandlers, request: NodeRequest): Reply {
  const allow = route?.allow ?? 'OPTIONS';
  const error = new AppError('method_not_allowed', `This method is not allowed here. Allowed: ${allow}.`);
  const reply = route?.refuse(error, request) ?? toErrorReply(error, request);
  reply.headers.allow = allow;
  return reply;
}

/** An error reply for requests without a route. */
function toErrorReply(error: AppError, request: NodeRequest): Reply {
  const { status, body } = toErrorResponse(error);
  return json(body, status, {
    'x-request-id': resolveRequestId(request.get('x-request-id')),
    'x-content-type-options': 'nosniff',
  });
}

function writePlainText(outgoing: ServerResponse, status: number, sentence: string): void {
  outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  outgoing.end(`${sentence}\n`);
}

/** Single-flight: concurrent callers share one load. A failed load is tried again by the next. */
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
