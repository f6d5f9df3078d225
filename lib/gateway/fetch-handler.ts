import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { authorize, errorHeaders, type GatewayRequest, preflightHeaders, recordResponse } from '#lib/gateway/authorize';
import { forwardFetchRequest } from '#lib/gateway/fetch-sink';
import { gateway } from '#lib/gateway/index';
import { toErrorResponse } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { checkHost } from '#lib/http/host-check';
import { resolveRequestId } from '#lib/http/http-request';
import { unsupportedApi } from '#lib/server/unsupported-api';
import { log } from '#lib/telemetry/log';

type Handler = (request: Request) => Promise<Response>;

/**
 * The exports of a route file that passes on whatever comes to it, for deployments where `server.ts` does not do so itself. `name`
 * stands for the path in the log, which holds no path of a backend's.
 */
export function gatewayRoute(name: string): Record<(typeof ROUTE_METHODS)[number], Handler> {
  const handle: Handler = (request) => serve(name, request);
  return { GET: handle, HEAD: handle, POST: handle, PUT: handle, PATCH: handle, DELETE: handle, OPTIONS: handle };
}

const ROUTE_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

async function serve(name: string, request: Request): Promise<Response> {
  const settings = config();
  const isAppHost = settings.GATEWAY_ORIGIN !== undefined && !isGatewayHost(request.headers.get('host'), settings);
  if (settings.PRIVATE_BACKEND_URL.length === 0 || isAppHost) {
    const unknown = unsupportedApi(new URL(request.url).pathname);
    const handler = unknown?.[request.method] ?? unknown?.ANY;
    if (handler !== undefined) return handler(request, { params: {} });
  }
  const asking = toGatewayRequest(request);
  let response: Response;
  try {
    const foreign = checkHost(asking.header('host') ?? new URL(request.url).host, settings);
    if (foreign !== undefined) throw foreign;
    const admission = authorize(asking, settings);
    // What Next does not find among its own files is no backend's either.
    if (settings.PRIVATE_BACKEND_URL.length === 0 || asking.target.startsWith('/_next/'))
      throw new AppError('not_found', 'There is nothing at this address.');
    response =
      admission === undefined
        ? new Response(null, { status: 204, headers: preflightHeaders(asking, settings) })
        : await forwardFetchRequest(gateway(), request, admission.path, admission.client, admission.responseHeaders);
  } catch (error) {
    if (!AppError.is(error)) log().error({ err: error, request_id: asking.requestId }, 'gateway failed unexpectedly');
    const { status, body, retryAfterSeconds } = toErrorResponse(error);
    const text = request.method === 'HEAD' ? null : JSON.stringify(body);
    response = new Response(text, { status, headers: errorHeaders(asking, status, settings, retryAfterSeconds) });
  }
  recordResponse(asking, name, response.status);
  return response;
}

function toGatewayRequest({ method, url, headers }: Request): GatewayRequest {
  // Behind the scheme comes the host, and behind that the path.
  const target = url.slice(url.indexOf('/', url.indexOf('//') + 2));
  return {
    method,
    target,
    header: (name) => headers.get(name) ?? undefined,
    peer: undefined,
    protocol: url.startsWith('https:') ? 'https' : 'http',
    isUpgrade: false,
    startedMs: performance.now(),
    requestId: resolveRequestId(headers.get('x-request-id')),
  };
}
