import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { authorize } from '#lib/gateway/authorize';
import { forwardFetchRequest } from '#lib/gateway/fetch-sink';
import { errorHeaders, type GatewayRequest, preflightHeaders, recordResponse } from '#lib/gateway/gateway-request';
import { gateway } from '#lib/gateway/index';
import { toErrorResponse } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { gatewayPresence } from '#lib/http/gateway-presence';
import { checkHost } from '#lib/http/host-check';
import { resolveRequestId } from '#lib/http/request-id';
import type { RouteHandler } from '#lib/http/route';
import { log } from '#lib/telemetry/log';

type Handler = (request: Request) => Promise<Response>;
/** Handlers of the app for a path, by method, with `ANY` as default. */
type AppHandlers = (pathname: string) => Readonly<Record<string, RouteHandler>> | undefined;

const ROUTE_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * The exports of a route file that forwards every request, for deployments without `server.ts`.
 * `name` is the path in the log, which holds no path of a backend. `appHandlers` has precedence
 * where there is no backend.
 */
export function gatewayRoute(name: string, appHandlers: AppHandlers): Record<(typeof ROUTE_METHODS)[number], Handler> {
  const handle: Handler = (request) => serve(name, request, appHandlers);
  return { GET: handle, HEAD: handle, POST: handle, PUT: handle, PATCH: handle, DELETE: handle, OPTIONS: handle };
}

async function serve(name: string, incoming: Request, appHandlers: AppHandlers): Promise<Response> {
  const settings = config();
  const hasBackends = gatewayPresence().isPresent;
  const isAppHost = settings.GATEWAY_ORIGIN !== undefined && !isGatewayHost(incoming.headers.get('host'), settings);
  if (!hasBackends || isAppHost) {
    const handlers = appHandlers(new URL(incoming.url).pathname);
    const handler = handlers?.[incoming.method] ?? handlers?.ANY;
    if (handler !== undefined) return handler(incoming, { params: {} });
  }
  const request = toGatewayRequest(incoming);
  let response: Response;
  try {
    const wrongHost = checkHost(request.header('host') ?? new URL(incoming.url).host, settings);
    if (wrongHost !== undefined) throw wrongHost;
    const authorized = await authorize(request, settings);
    // `/_next/` is reserved for Next's own files, also for those that do not exist.
    if (!hasBackends || request.target.startsWith('/_next/'))
      throw new AppError('not_found', 'Not found: no page or endpoint has this address.');
    response =
      authorized === undefined
        ? new Response(null, { status: 204, headers: preflightHeaders(request, settings) })
        : await forwardFetchRequest(gateway(), incoming, authorized.path, authorized.client, authorized.addedHeaders);
  } catch (error) {
    if (!AppError.is(error)) log().error({ err: error, request_id: request.requestId }, 'gateway failed unexpectedly');
    const { status, body, retryAfterSeconds } = toErrorResponse(error);
    const text = incoming.method === 'HEAD' ? null : JSON.stringify(body);
    response = new Response(text, { status, headers: errorHeaders(request, status, settings, retryAfterSeconds) });
  }
  recordResponse(request, name, response.status);
  return response;
}

function toGatewayRequest({ method, url, headers }: Request): GatewayRequest {
  const hostStart = url.indexOf('//') + 2;
  return {
    method,
    target: url.slice(url.indexOf('/', hostStart)),
    header: (name) => headers.get(name) ?? undefined,
    peer: undefined,
    protocol: url.startsWith('https:') ? 'https' : 'http',
    isUpgrade: false,
    startedMs: performance.now(),
    requestId: resolveRequestId(headers.get('x-request-id')),
  };
}
