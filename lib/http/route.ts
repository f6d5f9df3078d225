import { randomUUID } from 'node:crypto';
import { type Config, config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { identify } from '#lib/http/auth';
import { clientSubnet } from '#lib/http/client-ip';
import { corsHeaders, isAllowedOrigin } from '#lib/http/cors';
import { toErrorResponse } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { checkHost } from '#lib/http/host-check';
import { type HttpRequest, parseRequestId, resolveRequestId, WebRequest } from '#lib/http/http-request';
import { consumeRateLimit, type RateLimitScope, refundRateLimit } from '#lib/http/rate-limit';
import { json, type Reply } from '#lib/http/reply';
import { type Logger, log, writeAccessLog } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';
import { tracer } from '#lib/telemetry/tracing';
import { KIB } from '#lib/units';
import type { ErrorBody } from '#lib/wire/error';

type RouteParams = Record<string, string | string[] | undefined>;

/** What Next and `server.ts` give a handler beside the request. `peerAddress` is known only where `server.ts` serves. */
export interface RouteContext {
  params: RouteParams | Promise<RouteParams>;
  peerAddress?: string | undefined;
}

/** One request on its way through a handler. */
export interface RequestContext {
  readonly requestId: string;
  /** Whether the client chose `requestId`, which may then be in use already. */
  readonly hasClientRequestId: boolean;
  readonly params: RouteParams;
  /** Who asks, for fairness, limits and ownership: the name of its key where there are keys, else its address. */
  readonly caller: string;
  /**
   * The other end of the connection, which may be a proxy; undefined where the platform does not
   * say.
   */
  readonly peerAddress: string | undefined;
  /** The client's address as it is counted; undefined where the platform does not say. */
  readonly address: string | undefined;
  readonly settings: Config;
  readonly log: Logger;
  /** Set by a handler: what `Reply.log` would be, for the line of a request that fails. */
  failureLog?: (() => string) | undefined;
}

export type RequestHandler = (request: HttpRequest, call: RequestContext) => Reply | Promise<Reply>;

/** A route file's export. Next calls it with web types; `server.ts`, which has no use for a `Response`, asks for the `reply`. */
export interface RouteHandler {
  (request: Request, context: RouteContext): Promise<Response>;
  reply(request: HttpRequest, context: RouteContext): Promise<Reply>;
  /**
   * What the route answers if `error` keeps the request from its handler: errors have the shape of
   * the route's API.
   */
  refuse(error: unknown, request: HttpRequest): Reply;
  /** The methods of the route, as `Allow` has them. */
  readonly allow: string;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
type HttpMethod = (typeof METHODS)[number];

export interface RouteOptions {
  /** Requests are logged at debug only: for health checks and other things that come often and say nothing. */
  quiet?: boolean;
  /** Answers without a key where keys are set: for the health routes, and for signing in. */
  open?: boolean;
  /** POSTs count against this limit of their caller, unless they are not valid. */
  rateLimit?: RateLimitScope;
  /** Gives errors the shape of another API, for routes that speak one. */
  errorBody?: (body: ErrorBody, status: number) => unknown;
}

/**
 * Makes a route file's exports out of its handlers: every answer carries `X-Request-Id`, CORS and the security headers,
 * every thrown error becomes the body of SPEC §1, every request is one line of the log and one observation of the
 * latency histogram, and methods without a handler answer 405 with `Allow`.
 *
 * `name` is the route's pattern, a label of bounded cardinality for metrics.
 */
export function route(
  name: string,
  handlers: Partial<Record<'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', RequestHandler>>,
  options: RouteOptions = {},
): Record<HttpMethod, RouteHandler> {
  const allowed = METHODS.filter(
    (method) => method === 'OPTIONS' || (method === 'HEAD' ? handlers.GET : handlers[method]),
  );
  const allow = allowed.join(', ');
  const entries = METHODS.map((method): [HttpMethod, RouteHandler] => {
    const handler = method === 'OPTIONS' ? () => preflight(allow) : handlers[method === 'HEAD' ? 'GET' : method];
    const entry: RouteEntry = { name, method, handler: handler ?? (() => notAllowed(allow, options)), options };
    const reply = (request: HttpRequest, context: RouteContext) => serve(entry, request, context);
    const refuse = (error: unknown, request: HttpRequest) => refusal(error, entry, request);
    const respond = async (request: Request, context: RouteContext) => {
      const asked = new WebRequest(request);
      const settings = config();
      // `server.ts` checks both before it looks for a route.
      const fault = checkHost(asked.headers.get('host') ?? new URL(asked.url).host, settings);
      if (fault !== undefined) return toResponse(refuse(fault, asked));
      if (name !== '/gateway-health' && isGatewayHost(asked.headers.get('host'), settings))
        return new Response(null, { status: 404 });
      return toResponse(await reply(asked, context));
    };
    return [method, Object.assign(respond, { reply, refuse, allow })];
  });
  return Object.fromEntries(entries) as Record<HttpMethod, RouteHandler>;
}

interface RouteEntry {
  name: string;
  method: HttpMethod;
  handler: RequestHandler;
  options: RouteOptions;
}

const LIMIT_OF = { chat: 'RATE_LIMIT_CHAT', code: 'RATE_LIMIT_CODE', checks: 'RATE_LIMIT_CHECKS' } as const;

/**
 * Statuses of malformed requests, which do not count against a limit if little of them was read.
 */
const NOT_COUNTED: ReadonlySet<number> = new Set([400, 413, 415]);
/** Parsing a larger body takes time that an invalid request must not get for free. */
const MOST_UNCOUNTED_BYTES = 64 * KIB;

async function serve(entry: RouteEntry, request: HttpRequest, context: RouteContext): Promise<Reply> {
  const { name, method, handler, options } = entry;
  const started = performance.now();
  const settings = config();
  const givenId = parseRequestId(request.headers.get('x-request-id'));
  const requestId = givenId ?? randomUUID();
  const traces = tracer();
  traces?.continueTrace(requestId, request.headers.get('traceparent'));
  const origin = request.headers.get('origin');
  const isOriginAllowed = origin !== null && isAllowed(origin, request, settings);
  let reply: Reply;
  let failure: unknown;
  let counted: string | undefined;
  let call: RequestContext | undefined;
  try {
    if (origin !== null && !isOriginAllowed && !READS.has(method)) throw originNotAllowed();
    const keys = options.open === true ? [] : settings.API_KEYS;
    const address = addressOf(request, context, settings);
    const caller = method === 'OPTIONS' ? 'preflight' : identify(request.headers, keys, address, Date.now());
    request.caller = caller;
    if (options.rateLimit !== undefined && method === 'POST' && settings[LIMIT_OF[options.rateLimit]] > 0) {
      await consumeRateLimit(options.rateLimit, caller, settings[LIMIT_OF[options.rateLimit]]);
      counted = caller;
    }
    const params = context.params instanceof Promise ? await context.params : context.params;
    const { peerAddress } = context;
    const isIdGiven = givenId !== undefined;
    call = { requestId, hasClientRequestId: isIdGiven, params, caller, peerAddress, address, settings, log: log() };
    reply = await handler(request, call);
  } catch (error) {
    failure = error;
    reply = failed(error, options);
    const more = call?.failureLog?.();
    if (more !== undefined) reply.log = more;
  }
  const { status } = reply;
  const isFree = NOT_COUNTED.has(status) && request.readBytes <= MOST_UNCOUNTED_BYTES;
  if (counted !== undefined && options.rateLimit !== undefined && isFree)
    await refundRateLimit(options.rateLimit, counted, settings[LIMIT_OF[options.rateLimit]]);
  const elapsedMs = performance.now() - started;
  metrics().httpDuration.observe(name, method, status, elapsedMs / 1000);
  traces?.recordHttpRequest(requestId, method, name, status, elapsedMs);
  if (failure !== undefined && !AppError.is(failure))
    log().error(
      { request_id: requestId, method, path: name, status, ms: elapsedMs, err: failure },
      'request failed unexpectedly',
    );
  else writeLine(options.quiet === true ? 'debug' : 'info', requestId, method, name, elapsedMs, reply);
  return complete(reply, requestId, isOriginAllowed ? origin : null, method);
}

/** The request's line in the log, under the id that its answer carries. */
function writeLine(
  level: 'debug' | 'info',
  requestId: string,
  method: HttpMethod,
  name: string,
  ms: number,
  { status, headers, log: more }: Reply,
): void {
  const id = headers['x-request-id'] ?? requestId;
  if (more === undefined || typeof more === 'string') writeAccessLog(level, id, method, name, status, ms, more);
  else void more.then((members) => writeAccessLog(level, id, method, name, status, ms, members));
}

/**
 * Adds what every answer carries. The handler may have set an id. `allowedOrigin` may read the
 * answer.
 */
function complete(reply: Reply, requestId: string, allowedOrigin: string | null, method: string): Reply {
  const { headers, body } = reply;
  headers['x-request-id'] ??= requestId;
  headers['x-content-type-options'] = 'nosniff';
  if (allowedOrigin !== null) Object.assign(headers, corsHeaders(allowedOrigin, method === 'OPTIONS'));
  if (method !== 'HEAD') return reply;
  // A HEAD answer has the headers of the GET and no body; a stream that nobody will read is ended.
  if (body instanceof ReadableStream) void body.cancel();
  return { ...reply, body: null };
}

function toResponse({ status, headers, body }: Reply): Response {
  return new Response(body, { status, headers });
}

function addressOf({ headers }: HttpRequest, { peerAddress }: RouteContext, settings: Config): string | undefined {
  const { TRUST_PROXY: trust } = settings;
  return clientSubnet(peerAddress, trust === undefined ? null : headers.get('x-forwarded-for'), trust);
}

function isAllowed(origin: string, { headers }: HttpRequest, settings: Config): boolean {
  return isAllowedOrigin(origin, headers.get('host'), headers.get('x-forwarded-proto'), settings);
}

/** Pages elsewhere may send these, but cannot read the answer without CORS headers. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

function originNotAllowed(): AppError {
  return new AppError(
    'origin_not_allowed',
    'Pages from this origin may not call this server. Add the origin to CORS_ALLOWED_ORIGINS.',
  );
}

function failed(error: unknown, { errorBody }: RouteOptions): Reply {
  const { status, body, retryAfterSeconds } = toErrorResponse(error);
  return json(
    errorBody === undefined ? body : errorBody(body, status),
    status,
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
  );
}

/** An answer without the handler, logged and completed like every other. */
function refusal(error: unknown, { name, options }: RouteEntry, request: HttpRequest): Reply {
  const { method } = request;
  const requestId = resolveRequestId(request.headers.get('x-request-id'));
  const reply = failed(error, options);
  metrics().httpDuration.observe(name, method, reply.status, 0);
  writeAccessLog('info', requestId, method, name, reply.status, 0);
  return complete(reply, requestId, null, method);
}

function notAllowed(allow: string, options: RouteOptions): Reply {
  const reply = failed(
    new AppError('method_not_allowed', `This method is not allowed here. Allowed: ${allow}.`),
    options,
  );
  reply.headers.allow = allow;
  return reply;
}

function preflight(allow: string): Reply {
  return { status: 204, headers: { allow }, body: null };
}
