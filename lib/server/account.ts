import { authMode } from '#lib/config/auth-mode';
import { config } from '#lib/config/config';
import type { RequestHeaders } from '#lib/http/http-request';
import { identifyReader } from '#lib/http/identity';

/** Who opens a page, for its frame. */
export interface Viewer {
  account: 'none' | 'signed_in' | 'signed_out';
  /** Where the server has accounts. */
  person?: { name: string; email: string | undefined; mayAdminister: boolean };
}

export async function viewerOf(headers: RequestHeaders, nowMs: number): Promise<Viewer> {
  return { account: await accountOf(headers, nowMs) };
}

/**
 * Whether a browser is signed in, for the frame of the pages. `none`: there is nothing to sign in
 * to, or a proxy does it. Only cookies count: a key in `Authorization` does not sign a browser in.
 */
export async function accountOf(headers: RequestHeaders, nowMs: number): Promise<'none' | 'signed_in' | 'signed_out'> {
  const settings = config();
  const { TRUSTED_USER_HEADER: header } = settings;
  if (authMode(settings) === 'none') return 'none';
  // Pages are served to a person that a proxy names only after a check of the proxy's address.
  if (header !== undefined && headers.get(header) !== null) return 'none';
  const cookies = { get: (name: string) => (name === 'cookie' ? headers.get(name) : null) };
  return (await identifyReader(cookies, settings, nowMs)) === undefined ? 'signed_out' : 'signed_in';
}

/** How people sign in here, for the pages before that. */
export interface SignInOptions {
  mode: 'keys' | 'accounts';
  provider?: { id: string; name: string } | undefined;
  signUp?: 'closed' | 'invite' | 'open' | undefined;
}

export function signInOptions(): SignInOptions {
  return { mode: 'keys' };
}
