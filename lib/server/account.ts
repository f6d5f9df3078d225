import type { SignInOptions } from '#lib/browser/sign-in-options';
import { authMode } from '#lib/config/auth-mode';
import { config } from '#lib/config/config';
import { sendsMail } from '#lib/config/mail-settings';
import { gatewayPresence } from '#lib/http/gateway-presence';
import type { RequestHeaders } from '#lib/http/http-request';
import { type Identity, identifyProxied, identifyReader } from '#lib/http/identity';
import { sessionHeaders } from '#lib/http/over-tls';
import type { Principal } from '#lib/http/principal';

/** The id of the organisation's sign-in page. */
const OIDC_PROVIDER = 'oidc';

/** Who opens a page, for its frame. */
export interface Viewer {
  /** `none`: there is nothing to sign in to, or a proxy does it. */
  account: 'none' | 'signed_in' | 'signed_out';
  /** Where the server has accounts. */
  person?: { name: string; email: string | undefined; mayAdminister: boolean } | undefined;
  /** The gateway has no backend, and this person is not the one who adds it. */
  hidesGateway?: boolean;
}

/** Only cookies count: a key in `Authorization` does not sign a browser in. */
export async function viewerOf(headers: RequestHeaders, nowMs: number): Promise<Viewer> {
  const settings = config();
  const { TRUSTED_USER_HEADER: header } = settings;
  if (authMode(settings) === 'none') return { account: 'none' };
  // Pages are served to a person that a proxy names only after a check of the proxy's address.
  const proxied = header === undefined ? null : headers.get(header);
  if (proxied !== null)
    return { account: 'none', hidesGateway: hidesGatewayFrom(await identifyProxied(proxied, settings, nowMs)) };
  const identity = await identifyReader(sessionHeaders(headers), settings, nowMs);
  if (identity === undefined) return { account: 'signed_out' };
  const { principal } = identity;
  return { account: 'signed_in', person: personOf(principal), hidesGateway: hidesGatewayFrom(identity) };
}

function hidesGatewayFrom(identity: Identity | undefined): boolean {
  return identity?.principal.role !== 'admin' && !gatewayPresence().isPresent;
}

/** Undefined for the session of a key, which stands for no person. */
function personOf({ userId, name, email, role, scopes }: Principal): Viewer['person'] {
  if (userId === undefined) return undefined;
  return { name: name ?? email ?? userId, email, mayAdminister: role !== 'member' && scopes.has('admin') };
}

/** How people sign in here, for the pages before that. */
export function signInOptions(): SignInOptions {
  const settings = config();
  const { SIGN_UP, OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_NAME } = settings;
  if (authMode(settings) !== 'accounts') return { mode: 'keys' };
  const hasProvider = OIDC_ISSUER !== undefined && OIDC_CLIENT_ID !== undefined;
  return {
    mode: 'accounts',
    signUp: SIGN_UP,
    sendsMail: sendsMail(settings),
    provider: hasProvider ? { id: OIDC_PROVIDER, name: OIDC_NAME } : undefined,
  };
}
