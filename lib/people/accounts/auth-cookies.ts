import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Cookies of accounts. better-auth signs them: `<value>.<HMAC-SHA-256 in base64>`, percent-encoded.
 * Over TLS their names begin with `__Host-`, as those of sign-ins with a key do.
 */

/** The cookie of a person's session. */
const SESSION = 'chill_space_account';

/** Names of better-auth's cookies; each has an entry in `cookieName`. */
export const AUTH_COOKIES = [
  'session_token',
  'session_data',
  'account_data',
  'dont_remember',
  'state',
  'oauth_state',
  'two_factor',
  'trust_device',
] as const;
export type AuthCookie = (typeof AUTH_COOKIES)[number];

export function cookieName(cookie: AuthCookie, isSecure: boolean): string {
  const name = cookie === 'session_token' ? SESSION : `chill_space_${cookie}`;
  return isSecure ? `__Host-${name}` : name;
}

/**
 * Browsers send a `Strict` cookie with no navigation from another site, and the provider leads
 * back with one, so the cookie of an OIDC state is `Lax`.
 */
export function sameSiteOf(cookie: AuthCookie): 'strict' | 'lax' {
  return cookie === 'state' || cookie === 'oauth_state' ? 'lax' : 'strict';
}

/** The `Set-Cookie` header that deletes a session's cookie. */
export function endedSessionCookie(isSecure: boolean): string {
  const name = cookieName('session_token', isSecure);
  return `${name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}

const SESSIONS = new RegExp(`(?:^|;\\s*)(__Host-)?${SESSION}=([^;]+)`, 'g');

/** A session cookie as a browser sends it. */
export interface ShownSession {
  readonly value: string;
  /** Whether its name begins with `__Host-`. */
  readonly isPrefixed: boolean;
}

/**
 * All session cookies in a `Cookie` header, of both names, those of the `__Host-` name first: one
 * that another host of the domain set does not hide the valid one. See `countsAsSession`.
 */
export function shownSessions(cookies: string | null): ShownSession[] {
  if (cookies === null || !cookies.includes(SESSION)) return [];
  const all = [...cookies.matchAll(SESSIONS)].map(([, prefix, value = '']) => ({
    value,
    isPrefixed: prefix !== undefined,
  }));
  return [...all.filter(({ isPrefixed }) => isPrefixed), ...all.filter(({ isPrefixed }) => !isPrefixed)];
}

/**
 * Whether a session cookie signs its browser in. Over TLS only one of the `__Host-` name does:
 * another host of the domain could have set the plain one, to have a person work in its session.
 */
export function countsAsSession({ isPrefixed }: Pick<ShownSession, 'isPrefixed'>, isSecure: boolean): boolean {
  return isPrefixed || !isSecure;
}

/** The first cookie of a sign-in that still needs a second factor: better-auth reads this one. */
export function shownChallenge(cookies: string | null, isSecure: boolean): string | undefined {
  const name = cookieName('two_factor', isSecure);
  for (const pair of (cookies ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (pair.slice(0, Math.max(0, equals)).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    return value.startsWith('"') ? value.slice(1, -1) : value;
  }
  return undefined;
}

/** The text in a signed cookie, or undefined if its signature is none of ours. */
export function signedTextOf(value: string, secret: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(value);
  } catch {
    return undefined;
  }
  const dot = decoded.lastIndexOf('.');
  if (dot <= 0) return undefined;
  const token = decoded.slice(0, dot);
  const expected = createHmac('sha256', secret).update(token).digest();
  const shown = Buffer.from(decoded.slice(dot + 1), 'base64');
  return shown.length === expected.length && timingSafeEqual(shown, expected) ? token : undefined;
}
