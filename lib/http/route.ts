import { randomUUID } from 'node:crypto';
import { type Config, config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { callerLogFields } from '#lib/http/caller-log-fields';
import { clientSubnet } from '#lib/http/client-ip';
import { corsHeaders, isAllowedOrigin, originNotAllowed, SAFE_METHODS } from '#lib/http/cors';
import { retryAfterHeader, toErrorResponse } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { checkHost } from '#lib/http/host-check';
import { type HttpRequest, type RequestHeaders, WebRequest } from '#lib/http/http-request';
import { anonymousAt, authenticate, PREFLIGHT } from '#lib/http/identity';
import { lockOuts } from '#lib/http/lock-outs';
import { type Principal, type Right, requireRight } from '#lib/http/principal';
import {
  type ConfirmCount,
  consumeRateLimit,
  countCacheable,
  LIMITED_WORK,
  type RateLimitScope,
  refundRateLimit,
} from '#lib/http/rate-limit';
import { json, type Reply, toWebBody } from '#lib/http/reply';
import { parseRequestId, resolveRequestId } from '#lib/http/request-id';
import { type Allowance, countRequest } from '#lib/http/request-limits';
import { StreamBody } from '#lib/http/stream-body';
import { type Logger, log, writeAccessLog } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';
import { tracer } from '#lib/telemetry/tracing';
import { KIB, SECOND_MS } from '#lib/units';
import type { ErrorBody } from '#lib/wire/error';

type RouteParams = Record<string, string | string[] | undefined>;

/** What Next and `server.ts` pass along with a request. Only `server.ts` knows `peerAddress`. */
export interface RouteContext {
  params: RouteParams | Promise<RouteParams>;
  peerAddress?: string | undefined;
}

/** The request that a handler works on. */
export interface RequestContext {
  readonly requestId: string;
  /** Whether the client chose `requestId`, which may then be in use already. */
  readonly hasClientRequestId: boolean;
  readonly params: RouteParams;
  /** Who calls. Of an open route: a principal without any right. */
  readonly principal: Principal;
  /** The caller's name for fairness, limits and ownership: `principal.caller`. */
  readonly caller: string;
  /** The connection's remote address, which may be a proxy. Undefined if the platform hides it. */
  readonly peerAddress: string | undefined;
  /** The client's subnet, which limits count by. Undefined if the platform hides the address. */
  readonly address: string | undefined;
  readonly settings: Config;
  readonly log: Logger;
  /** No limit has counted the request yet: its handler counts it for the end user that it names. */
  readonly isUncounted?: boolean;
  /** Called before work that is not from the cache; undefined if the request is counted. */
  readonly confirmCount?: ConfirmCount | undefined;
  /** Set by a handler: `Reply.log` for the case that the request fails. */
  failureLog?: (() => string) | undefined;
  /** Set by a handler: headers of the response for the case that the request fails. */
  failureHeaders?: Readonly<Record<string, string>> | undefined;
}

export type RequestHandler = (request: HttpRequest, context: RequestContext) => Reply | Promise<Reply>;

/** A route file's export. Next calls it with web types, `server.ts` calls `reply`. */
export interface RouteHandler {
  (request: Request, context: RouteContext): Promise<Response>;
  reply(request: HttpRequest, context: RouteContext): Promise<Reply>;
  /** Replies with `error`, in the error format of the route's API, without calling the handler. */
  refuse(error: unknown, request: HttpRequest): Reply;
  /** The value of the `Allow` header. */
  readonly allow: string;
  /** Who may call it. Undefined for a method without a handler. */
  readonly right: Right | undefined;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
type HttpMethod = (typeof METHODS)[number];
type HandledMethod = Exclude<HttpMethod, 'OPTIONS'>;

/** Who may call a route: one right for all its methods, or one for each method with a handler. */
export type RouteRights<M extends HandledMethod> = Right | Readonly<Record<M, Right>>;

export interface RouteOptions {
  /** Logs requests at debug level: for frequent ones that say little, such as health checks. */
  quiet?: boolean;
  /** Counts POSTs against this limit of their caller. Invalid requests are refunded. */
  rateLimit?: RateLimitScope;
  /** Responses may be cached: its handler calls `confirmCount` for those that are not. */
  mayBeCached?: boolean;
  /** The handler counts the end users of a key that is trusted to name them: `countEndUser`. */
  countsEndUsers?: boolean;
  /** Converts error bodies, for routes that speak another API. */
  errorBody?: (body: ErrorBody, status: number, request: FailedRequest) => unknown;
  /** A second name of the header X-Request-Id, for clients of another API. */
  requestIdHeader?: string;
}

/** The request that an error body is for. */
export interface FailedRequest {
  readonly requestId: string;
  readonly headers: RequestHeaders;
}

/**
 * Makes the exports of a route file out of its handlers. All routes share what is done here:
 * `X-Request-Id`, CORS and security headers, authentication, rate limits, error bodies
 * (docs/contract.md#errors), one access log line and one latency observation per request, and 405
 * with `Allow` for methods without a handler.
 *
 * `name` is the route's pattern, a metrics label of bounded cardinality.
 */
export function route<M extends HandledMethod>(
  name: string,
  handlers: Readonly<Record<M, RequestHandler>>,
  options: RouteOptions & { readonly right: RouteRights<NoInfer<M>> },
): Record<HttpMethod, RouteHandler> {
  const all: Partial<Record<HttpMethod, RequestHandler>> = handlers;
  const handlerOf = (method: HttpMethod) => all[method] ?? (method === 'HEAD' ? all.GET : undefined);
  const served = new Set<string>(METHODS.filter((method) => method === 'OPTIONS' || handlerOf(method) !== undefined));
  const allow = [...served].join(', ');
  const entries = METHODS.map((method): [HttpMethod, RouteHandler] => {
    const handler = method === 'OPTIONS' ? () => preflight(allow) : handlerOf(method);
    const right = rightOf(options.right, method, handler !== undefined);
    const entry: RouteEntry = {
      name,
      method,
      served,
      handler: handler ?? refuseMethod(allow, options),
      right,
      options,
    };
    const reply = (request: HttpRequest, context: RouteContext) => serve(entry, request, context);
    const refuse = (error: unknown, request: HttpRequest) => replyWithError(error, entry, request);
    const respond = async (webRequest: Request, context: RouteContext) => {
      const request = new WebRequest(webRequest);
      const settings = config();
      // `server.ts` checks the host before it looks for a route.
      const hostError = checkHost(request.headers.get('host') ?? new URL(request.url).host, settings);
      if (hostError !== undefined) return toResponse(refuse(hostError, request));
      if (name !== '/gateway-health' && isGatewayHost(request.headers.get('host'), settings))
        return new Response(null, { status: 404 });
      return toResponse(await reply(request, context));
    };
    return [method, Object.assign(respond, { reply, refuse, allow, right: handler === undefined ? undefined : right })];
  });
  return Object.fromEntries(entries) as Record<HttpMethod, RouteHandler>;
}

interface RouteEntry {
  name: string;
  method: HttpMethod;
  /** The methods of the route. */
  served: ReadonlySet<string>;
  handler: RequestHandler;
  right: Right;
  options: RouteOptions;
}

/**
 * The right that a method needs; HEAD has that of GET. A method without a handler is refused to
 * authenticated callers only, unless the whole route is open.
 */
function rightOf(
  rights: Right | Readonly<Partial<Record<HandledMethod, Right>>>,
  method: HttpMethod,
  isHandled: boolean,
): Right {
  if (method === 'OPTIONS') return 'open';
  if (typeof rights === 'string') return isHandled || rights === 'open' ? rights : 'signed-in';
  const own = rights[method] ?? (method === 'HEAD' ? rights.GET : undefined);
  return own ?? 'signed-in';
}

const RATE_LIMIT_SETTINGS = {
  chat: 'RATE_LIMIT_CHAT',
  embeddings: 'RATE_LIMIT_EMBEDDINGS',
  code: 'RATE_LIMIT_CODE',
  checks: 'RATE_LIMIT_CHECKS',
} as const;

/**
 * Methods that a route does not have share one series: anyone can send them, and each would add its
 * buckets to `/api/metrics`. The name is that of
 * https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/.
 */
function methodLabel({ served }: RouteEntry, method: string): string {
  return served.has(method) ? method : '_OTHER';
}

/** Statuses of malformed requests, which are refunded if little of their body was read. */
const REFUNDED_STATUSES: ReadonlySet<number> = new Set([400, 413, 415]);
/** Parsing a larger body costs time that an invalid request must not get for free. */
const MAX_REFUNDED_BYTES = 64 * KIB;

async function serve(entry: RouteEntry, request: HttpRequest, routeContext: RouteContext): Promise<Reply> {
  const { name, method, handler, right, options } = entry;
  const startedMs = performance.now();
  const settings = config();
  const clientRequestId = parseRequestId(request.headers.get('x-request-id'));
  const requestId = clientRequestId ?? randomUUID();
  const traces = tracer();
  traces?.continueTrace(requestId, request.headers.get('traceparent'));
  const origin = request.headers.get('origin');
  const isOriginAllowed = origin !== null && isAllowed(origin, request, settings);
  const scope = method === 'POST' ? options.rateLimit : undefined;
  const perMinute = scope === undefined ? 0 : settings[RATE_LIMIT_SETTINGS[scope]];
  let reply: Reply;
  let failure: unknown;
  let countedCaller: string | undefined;
  let allowance: Allowance | undefined;
  const work = scope === undefined ? undefined : LIMITED_WORK[scope];
  let context: RequestContext | undefined;
  let confirmCount: ConfirmCount | undefined;
  try {
    if (origin !== null && !isOriginAllowed && !SAFE_METHODS.has(method)) throw originNotAllowed();
    const address = clientAddressOf(request, routeContext, settings);
    let principal = PREFLIGHT;
    request.lockOutsBefore = lockOuts().count;
    if (method !== 'OPTIONS') {
      const found = identify(right, request, routeContext, address, settings);
      principal = found instanceof Promise ? await found : found;
      if (right !== 'open') requireRight(principal, right);
    }
    const { caller } = principal;
    request.caller = caller;
    request.session = principal.session;
    const isUncounted = options.countsEndUsers === true && principal.trustsEndUser === true;
    if (scope !== undefined && perMinute > 0 && !isUncounted) {
      const counted = (options.mayBeCached === true ? countCacheable : consumeRateLimit)(scope, caller, perMinute);
      if (counted instanceof Promise) await counted;
      else confirmCount = counted;
      countedCaller = caller;
    }
    const counted = work === undefined || isUncounted ? undefined : countRequest(work, principal);
    allowance = counted instanceof Promise ? await counted : counted;
    const params = routeContext.params instanceof Promise ? await routeContext.params : routeContext.params;
    const { peerAddress } = routeContext;
    const hasClientRequestId = clientRequestId !== undefined;
    const called = { requestId, hasClientRequestId, params, principal, caller, peerAddress, address, settings };
    context = { ...called, log: log(), isUncounted, confirmCount };
    reply = await handler(request, context);
  } catch (error) {
    failure = hasLeft(request, error) ? new AppError('cancelled', 'The client closed the connection.') : error;
    const isForOperator = context?.principal.role === 'admin';
    reply = toErrorReply(failure, options, { requestId, headers: request.headers }, isForOperator);
    Object.assign(reply.headers, context?.failureHeaders);
    const members = context?.failureLog?.();
    if (members !== undefined) reply.log = members;
  }
  if (right !== 'open' && context !== undefined) reply.log ??= callerLogFields(context.caller, context.principal);
  const { status } = reply;
  const isRefunded = REFUNDED_STATUSES.has(status) && request.readBytes <= MAX_REFUNDED_BYTES;
  if (countedCaller !== undefined && scope !== undefined && isRefunded)
    await refundRateLimit(scope, countedCaller, perMinute);
  if (work !== undefined && isRefunded) allowance?.uncount(work);
  const elapsedMs = performance.now() - startedMs;
  metrics().httpDuration.observe(name, methodLabel(entry, method), status, elapsedMs / SECOND_MS);
  traces?.recordHttpRequest(requestId, method, name, status, elapsedMs);
  if (failure !== undefined && !AppError.is(failure))
    log().error(
      { request_id: requestId, method, path: name, status, ms: elapsedMs, err: failure },
      'request failed unexpectedly',
    );
  else logReply(options.quiet === true ? 'debug' : 'info', requestId, method, name, elapsedMs, reply);
  return complete(reply, requestId, isOriginAllowed ? origin : null, method, options.requestIdHeader);
}

/** Not async: a known caller needs no promise. */
function identify(
  right: Right,
  { headers }: HttpRequest,
  { peerAddress }: RouteContext,
  address: string | undefined,
  settings: Config,
): Principal | Promise<Principal> {
  if (right === 'open') return anonymousAt(address);
  return authenticate({ headers, peerAddress, address }, settings, Date.now());
}

/** Writes the access log line, under the request id that the response carries. */
function logReply(
  level: 'debug' | 'info',
  requestId: string,
  method: HttpMethod,
  name: string,
  ms: number,
  { status, headers, log: members }: Reply,
): void {
  const id = headers['x-request-id'] ?? requestId;
  if (members === undefined || typeof members === 'string')
    writeAccessLog(level, id, method, name, status, ms, members);
  else void members.then((resolved) => writeAccessLog(level, id, method, name, status, ms, resolved));
}

/**
 * Adds the headers that all responses have. The handler may have set a request id already.
 * `allowedOrigin` gets CORS headers.
 */
function complete(
  reply: Reply,
  requestId: string,
  allowedOrigin: string | null,
  method: string,
  requestIdHeader: string | undefined,
): Reply {
  const { headers, body } = reply;
  headers['x-request-id'] ??= requestId;
  if (requestIdHeader !== undefined) headers[requestIdHeader] = headers['x-request-id'];
  headers['x-content-type-options'] = 'nosniff';
  if (allowedOrigin !== null) Object.assign(headers, corsHeaders(allowedOrigin, method === 'OPTIONS'));
  if (method !== 'HEAD') return reply;
  // A response to HEAD has no reader for a stream, so the stream is cancelled.
  if (body instanceof ReadableStream || body instanceof StreamBody) void body.cancel();
  return { ...reply, body: null };
}

function toResponse({ status, headers, cookies = [], body }: Reply): Response {
  const response = new Response(toWebBody(body), { status, headers });
  for (const cookie of cookies) response.headers.append('set-cookie', cookie);
  return response;
}

function clientAddressOf(
  { headers }: HttpRequest,
  { peerAddress }: RouteContext,
  settings: Config,
): string | undefined {
  const { TRUST_PROXY: trust } = settings;
  return clientSubnet(peerAddress, trust === undefined ? null : headers.get('x-forwarded-for'), trust);
}

function isAllowed(origin: string, { headers }: HttpRequest, settings: Config): boolean {
  return isAllowedOrigin(origin, headers.get('host'), headers.get('x-forwarded-proto'), settings);
}

/** A client that closes its connection ends the work for it. That is no fault of the server. */
function hasLeft({ signal }: HttpRequest, error: unknown): boolean {
  return signal.aborted && error === signal.reason;
}

function toErrorReply(
  error: unknown,
  { errorBody }: RouteOptions,
  request: FailedRequest,
  isForOperator = false,
): Reply {
  const { status, body, retryAfterSeconds } = toErrorResponse(error, isForOperator);
  const headers = { ...retryAfterHeader(retryAfterSeconds), ...(status === 409 ? NO_RETRY : {}) };
  return json(errorBody === undefined ? body : errorBody(body, status, request), status, headers);
}

/** The official SDKs send a request again after 409, also after its cancellation. */
const NO_RETRY = { 'x-should-retry': 'false' };

/** A reply without the handler, logged and completed like any other. */
function replyWithError(error: unknown, entry: RouteEntry, request: HttpRequest): Reply {
  const { name, options } = entry;
  const { method } = request;
  const requestId = resolveRequestId(request.headers.get('x-request-id'));
  const reply = toErrorReply(error, options, { requestId, headers: request.headers });
  metrics().httpDuration.observe(name, methodLabel(entry, method), reply.status, 0);
  writeAccessLog('info', requestId, method, name, reply.status, 0);
  return complete(reply, requestId, null, method, options.requestIdHeader);
}

function refuseMethod(allow: string, options: RouteOptions): RequestHandler {
  return ({ headers }, { requestId }) => {
    const error = new AppError('method_not_allowed', `This method is not allowed here. Allowed: ${allow}.`);
    const reply = toErrorReply(error, options, { requestId, headers });
    reply.headers.allow = allow;
    return reply;
  };
}

function preflight(allow: string): Reply {
  return { status: 204, headers: { allow }, body: null };
}
