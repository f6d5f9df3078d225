import { authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { type GatewayRequest, isAllowedPage } from '#lib/gateway/gateway-request';
import type { ClientInfo } from '#lib/gateway/headers/request-headers';
import type { CorsPolicy } from '#lib/gateway/headers/response-headers';
import { backendPath } from '#lib/gateway/request-path';
import { keyRequired } from '#lib/http/auth';
import { clientSubnet, isTrustedProxy } from '#lib/http/client-ip';
import { corsHeaders } from '#lib/http/cors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { type Identity, identify, sessionCookieNames } from '#lib/http/identity';
import { requireRight } from '#lib/http/principal';
import { tracer } from '#lib/telemetry/tracing';

export interface AuthorizedRequest {
  /** Path and query for the backend. */
  path: string;
  client: ClientInfo;
  /** This server's headers, added after the backend's, names and values in turn. */
  addedHeaders: string[];
}

const READ_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Gives pages of the backend an opaque origin, so that none acts as this app. */
const SANDBOX_POLICY = 'sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads';

/**
 * Checks a request before it is forwarded: the gateway's host, the path, the key, and that no
 * foreign page embeds or changes anything. Returns undefined for a preflight that this server
 * handles, since browsers send no key with it. A promise only for credentials that memory does not
 * know. Throws the `AppError` that rejects the request, or rejects with it.
 */
export function authorize(
  request: GatewayRequest,
  settings: Config,
): AuthorizedRequest | undefined | Promise<AuthorizedRequest | undefined> {
  const { TRUST_PROXY: trust, GATEWAY_ORIGIN: gatewayOrigin } = settings;
  const needsKey = authMode(settings) !== 'none';
  const { method, peer, protocol, requestId } = request;
  // The response would repeat the token.
  if (method === 'TRACE') throw new AppError('method_not_allowed', 'TRACE is not passed on.');
  const sharesOrigin = gatewayOrigin === undefined;
  const address = clientSubnet(peer, request.header('x-forwarded-for') ?? null, trust);
  if (gatewayOrigin !== undefined && !isGatewayHost(request.header('host'), settings)) {
    const elsewhere = `Not found at this address. The backend is served at ${gatewayOrigin.origin}.`;
    // Only callers with a key learn where the backend is served.
    return withIdentity(identifyClient(request, settings, true, address), () => {
      throw new AppError('not_found', elsewhere);
    });
  }
  if (sharesOrigin && isServiceWorker(request))
    throw new AppError(
      'forbidden',
      'Service workers of the backend are not served at the origin of this app. Set GATEWAY_ORIGIN to give the backend its own.',
    );
  const path = backendPath(request.target);
  const addedHeaders = ['X-Request-Id', requestId];
  if (settings.GATEWAY_SANDBOX) addedHeaders.push('Content-Security-Policy', SANDBOX_POLICY);
  const page = request.header('origin');
  let cors: CorsPolicy = 'drop';
  rejectEmbedding(request, page, settings);
  if (page !== undefined) {
    const isAllowed = isAllowedPage(page, request, settings);
    if (isAllowed) cors = needsKey ? 'replace' : 'pass';
    // Browsers send the visitor's cookie with a WebSocket, and let any page read its messages.
    if (!isAllowed && (request.isUpgrade || !READ_METHODS.has(method))) throw originNotAllowed();
    if (needsKey && method === 'OPTIONS' && request.header('access-control-request-method') !== undefined)
      return undefined;
    if (needsKey && isAllowed)
      for (const [name, value] of Object.entries(corsHeaders(page))) addedHeaders.push(name, value);
  }
  return withIdentity(identifyClient(request, settings, sharesOrigin, address), (identity) => ({
    path,
    client: {
      peer: peer?.startsWith('::ffff:') === true ? peer.slice(7) : peer,
      protocol,
      isTrustedProxy: isTrustedProxy(peer, trust),
      usesAppKey: identity.isKeyInHeader,
      caller: needsKey ? `${identity.principal.caller} ${address}` : identity.principal.caller,
      owner: needsKey ? identity.principal.caller : undefined,
      session: identity.principal.session,
      sessionCookies: sessionCookieNames(),
      userHeader: settings.TRUSTED_USER_HEADER,
      cors,
      sharesOrigin,
      requestId,
      traceparent: traceparentOf(request),
    },
    addedHeaders,
  }));
}

/** Calls `authorized` at once for a known client, else when it is known. */
function withIdentity<T>(
  found: Identity | undefined | Promise<Identity | undefined>,
  authorized: (identity: Identity) => T,
): T | Promise<T> {
  return found instanceof Promise
    ? found.then((identity) => authorized(requireGateway(identity)))
    : authorized(requireGateway(found));
}

/** Throws unless the client may use the gateway, which cannot see what model a request is for. */
function requireGateway(identity: Identity | undefined): Identity {
  if (identity === undefined) throw keyRequired();
  requireRight(identity.principal, 'gateway');
  if (identity.principal.models !== undefined)
    throw new AppError(
      'forbidden',
      'This key may use some models only, which the gateway cannot check. Use a key for all models.',
    );
  return identity;
}

function isServiceWorker({ header }: GatewayRequest): boolean {
  return header('service-worker') !== undefined || header('sec-fetch-dest') === 'serviceworker';
}

/**
 * Rejects scripts, images and frames that a foreign page embeds. They would be fetched with the
 * backend's token, and a page can read a script's values. Links are allowed. Browsers send the
 * context in `Sec-Fetch-Site` (W3C Fetch Metadata); other clients do not.
 */
function rejectEmbedding(request: GatewayRequest, page: string | undefined, settings: Config): void {
  const { header, method } = request;
  const site = header('sec-fetch-site');
  if (site !== 'cross-site' && site !== 'same-site') return;
  if (READ_METHODS.has(method) && header('sec-fetch-mode') === 'navigate' && header('sec-fetch-dest') === 'document')
    return;
  const source = page ?? header('referer');
  if (source === undefined || !URL.canParse(source)) throw originNotAllowed();
  if (!isAllowedPage(new URL(source).origin, request, settings)) throw originNotAllowed();
}

function originNotAllowed(): AppError {
  return new AppError(
    'origin_not_allowed',
    'Pages from this origin may not call this server. Add the origin to CORS_ALLOWED_ORIGINS.',
  );
}

/** Continues the caller's trace. Returns the `traceparent` for the backend. */
function traceparentOf({ requestId, header }: GatewayRequest): string | undefined {
  const traces = tracer();
  if (traces === undefined) return undefined;
  traces.continueTrace(requestId, header('traceparent') ?? null);
  return traces.traceparent(requestId);
}

/**
 * Who a request is from. At a separate origin, the gateway takes a key as the password of Basic
 * credentials too.
 */
function identifyClient(
  { header, peer }: GatewayRequest,
  settings: Config,
  sharesOrigin: boolean,
  address: string | undefined,
): Identity | undefined | Promise<Identity | undefined> {
  const given = header('authorization');
  // At an origin shared with the app, Basic credentials are meant for the backend.
  const basic = sharesOrigin ? undefined : /^Basic +(\S+)$/i.exec(given ?? '')?.[1];
  const authorization = basic === undefined ? given : `Bearer ${passwordOf(basic)}`;
  const headers = { get: (name: string) => (name === 'authorization' ? authorization : header(name)) ?? null };
  return identify({ headers, peerAddress: peer, address }, settings, Date.now(), true);
}

function passwordOf(basic: string): string {
  const pair = Buffer.from(basic, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}
