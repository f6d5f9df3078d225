import { randomUUID } from 'node:crypto';
import { type Config, config } from '#lib/config/index';
import { Fault } from '#lib/fault';
import { identify } from '#lib/http/auth';
import { countedClient } from '#lib/http/client-address';
import { corsHeaders, isAllowedOrigin } from '#lib/http/cors';
import { describeError } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { refusedHost } from '#lib/http/host';
import { countRequest, type LimitedWork, uncountRequest } from '#lib/http/rate-limit';
import { json, type Reply } from '#lib/http/reply';
import { type HttpRequest, requestIdOf, saneRequestId, WebRequest } from '#lib/http/request';
import { KIB } from '#lib/http/size';
import { type Log, log, logRequest } from '#lib/observe/log';
import { metrics } from '#lib/observe/metrics';
import { tracer } from '#lib/observe/tracing';
import type { ErrorBody } from '#lib/wire/error';

type Params = Record<string, string | string[] | undefined>;

/** What Next and `server.ts` give a handler beside the request. `peerAddress` is known only where `server.ts` serves. */
export interface RouteContext {
  params: Params | Promise<Params>;
  peerAddress?: string | undefined;
}

/** One request on its way through a handler. */
export interface Call {
  readonly requestId: string;
  /** Whether the client chose `requestId`, which may then be in use already. */
  readonly isIdGiven: boolean;
  readonly params: Params;
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
  readonly log: Log;
  /** Set by a handler: what `Reply.log` would be, for the line of a request that fails. */
  failureLog?: (() => string) | undefined;
}

export type Handler = (request: HttpRequest, call: Call) => Reply | Promise<Reply>;

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
type Method = (typeof METHODS)[number];

export interface RouteOptions {
  /** Requests are logged at debug only: for health checks and other things that come often and say nothing. */
  quiet?: boolean;
  /** Answers without a key where keys are set: for the health routes, and for signing in. */
  open?: boolean;
  /** POSTs count against this limit of their caller, unless they are not valid. */
  limited?: LimitedWork;
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
  handlers: Partial<Record<'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', Handler>>,
  options: RouteOptions = {},
): Record<Method, RouteHandler> {
  const allowed = METHODS.filter(
    (method) => method === 'OPTIONS' || (method === 'HEAD' ? handlers.GET : handlers[method]),
  );
  const allow = allowed.join(', ');
  const entries = METHODS.map((method): [Method, RouteHandler] => {
    const handler = method === 'OPTIONS' ? () => preflight(allow) : handlers[method === 'HEAD' ? 'GET' : method];
    const entry: Entry = { name, method, handler: handler ?? (() => notAllowed(allow, options)), options };
    const reply = (request: HttpRequest, context: RouteContext) => serve(entry, request, context);
    const refuse = (error: unknown, request: HttpRequest) => refusal(error, entry, request);
    const respond = async (request: Request, context: RouteContext) => {
      const asked = new WebRequest(request);
      const settings = config();
      // `server.ts` checks both before it looks for a route.
      const fault = refusedHost(asked.headers.get('host') ?? new URL(asked.url).host, settings);
      if (fault !== undefined) return toResponse(refuse(fault, asked));
      if (name !== '/gateway-health' && isGatewayHost(asked.headers.get('host'), settings))
        return new Response(null, { status: 404 });
      return toResponse(await reply(asked, context));
    };
    return [method, Object.assign(respond, { reply, refuse, allow })];
  });
  return Object.fromEntries(entries) as Record<Method, RouteHandler>;
}

interface Entry {
  name: string;
  method: Method;
  handler: Handler;
  options: RouteOptions;
}

const LIMIT_OF = { chat: 'RATE_LIMIT_CHAT', code: 'RATE_LIMIT_CODE', checks: 'RATE_LIMIT_CHECKS' } as const;

/**
 * Statuses of malformed requests, which do not count against a limit if little of them was read.
 */
const NOT_COUNTED: ReadonlySet<number> = new Set([400, 413, 415]);
/** Parsing a larger body takes time that an invalid request must not get for free. */
const MOST_UNCOUNTED_BYTES = 64 * KIB;

async function serve(entry: Entry, request: HttpRequest, context: RouteContext): Promise<Reply> {
  const { name, method, handler, options } = entry;
  const started = performance.now();
  const settings = config();
  const givenId = saneRequestId(request.headers.get('x-request-id'));
  const requestId = givenId ?? randomUUID();
  const traces = tracer();
  traces?.adopt(requestId, request.headers.get('traceparent'));
  const origin = request.headers.get('origin');
  const isOriginAllowed = origin !== null && isAllowed(origin, request, settings);
  let reply: Reply;
  let failure: unknown;
  let counted: string | undefined;
  let call: Call | undefined;
  try {
    if (origin !== null && !isOriginAllowed && !READS.has(method)) throw originNotAllowed();
    const keys = options.open === true ? [] : settings.API_KEYS;
    const address = addressOf(request, context, settings);
    const caller = method === 'OPTIONS' ? 'preflight' : identify(request.headers, keys, address, Date.now());
    request.caller = caller;
    if (options.limited !== undefined && method === 'POST' && settings[LIMIT_OF[options.limited]] > 0) {
      await countRequest(options.limited, caller, settings[LIMIT_OF[options.limited]]);
      counted = caller;
    }
    const params = context.params instanceof Promise ? await context.params : context.params;
    const { peerAddress } = context;
    const isIdGiven = givenId !== undefined;
    call = { requestId, isIdGiven, params, caller, peerAddress, address, settings, log: log() };
    reply = await handler(request, call);
  } catch (error) {
    failure = error;
    reply = failed(error, options);
    const more = call?.failureLog?.();
    if (more !== undefined) reply.log = more;
  }
  const { status } = reply;
  const isFree = NOT_COUNTED.has(status) && request.readBytes <= MOST_UNCOUNTED_BYTES;
  if (counted !== undefined && options.limited !== undefined && isFree)
    await uncountRequest(options.limited, counted, settings[LIMIT_OF[options.limited]]);
  const elapsedMs = performance.now() - started;
  metrics().requests.add(name, method, status, elapsedMs / 1000);
  traces?.answered(requestId, method, name, status, elapsedMs);
  if (failure !== undefined && !Fault.is(failure))
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
  method: Method,
  name: string,
  ms: number,
  { status, headers, log: more }: Reply,
): void {
  const id = headers['x-request-id'] ?? requestId;
  if (more === undefined || typeof more === 'string') logRequest(level, id, method, name, status, ms, more);
  else void more.then((members) => logRequest(level, id, method, name, status, ms, members));
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
  return countedClient(peerAddress, trust === undefined ? null : headers.get('x-forwarded-for'), trust);
}

function isAllowed(origin: string, { headers }: HttpRequest, settings: Config): boolean {
  return isAllowedOrigin(origin, headers.get('host'), headers.get('x-forwarded-proto'), settings);
}

/** Pages elsewhere may send these, but cannot read the answer without CORS headers. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

function originNotAllowed(): Fault {
  return new Fault(
    'origin_not_allowed',
    'Pages from this origin may not call this server. Add the origin to CORS_ALLOWED_ORIGINS.',
  );
}

function failed(error: unknown, { errorBody }: RouteOptions): Reply {
  const { status, body, retryAfterSeconds } = describeError(error);
  return json(
    errorBody === undefined ? body : errorBody(body, status),
    status,
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
  );
}

/** An answer without the handler, logged and completed like every other. */
function refusal(error: unknown, { name, options }: Entry, request: HttpRequest): Reply {
  const { method } = request;
  const requestId = requestIdOf(request.headers.get('x-request-id'));
  const reply = failed(error, options);
  metrics().requests.add(name, method, reply.status, 0);
  logRequest('info', requestId, method, name, reply.status, 0);
  return complete(reply, requestId, null, method);
}

function notAllowed(allow: string, options: RouteOptions): Reply {
  const reply = failed(new Fault('method_not_allowed', `This method is not allowed here. Allowed: ${allow}.`), options);
  reply.headers.allow = allow;
  return reply;
}

function preflight(allow: string): Reply {
  return { status: 204, headers: { allow }, body: null };
}
