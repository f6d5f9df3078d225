import { AppError } from '#lib/errors';
import { findKey, findShownKey } from '#lib/http/api-keys';
import { BEARER, bearerTokenOf } from '#lib/http/bearer-token';
import { acceptKey, isThrottled, mayUseKey, recordFailedKey, tooManyFailedKeys } from '#lib/http/failed-keys';
import type { RequestHeaders } from '#lib/http/http-request';
import { isValidSession, readSessions } from '#lib/http/session-cookie';

/**
 * Authentication where `API_KEYS` is set: by `Authorization: Bearer <key>`, by `x-api-key`, as
 * clients of Anthropic's API send it, or by a session cookie.
 * See docs/contract.md#access.
 */

export function keyRequired(): AppError {
  return new AppError('unauthorized', 'An API key is required. Send it as Authorization: Bearer <key>, or sign in.');
}

/** The error of a request whose caller is not known: its key is not valid, or it has none. */
export function notAuthenticated(headers: RequestHeaders): AppError {
  if ((bearerTokenOf(headers.get('authorization')) ?? apiKeyOf(headers)) === undefined) return keyRequired();
  return new AppError(
    'unauthorized',
    'This API key is not valid: it is wrong, has expired or was revoked. Send another one, or make one under Account.',
  );
}

interface VerifiedKey {
  key: string;
  /** True if a header holds the key, false if a session cookie stands for it. */
  isBearer: boolean;
}

/**
 * Returns the valid key of a request, or undefined. Counts wrong keys for `address`, unless it is
 * unknown. An address with too many wrong keys gets `rate_limited` for `Authorization`, and its
 * cookies are ignored.
 *
 * `foreignBearer` means that `Authorization` may be meant for another server. A session is then
 * accepted next to it, and a token that comes with a session of ours, even an expired one, is not
 * counted as wrong.
 *
 * `isSecure` means that the browser speaks TLS. Only `__Host-` cookies count then: another host of
 * the domain could have set one of the plain name, to have a person work in the session of another.
 */
export function verifyCredentials(
  headers: RequestHeaders,
  keys: readonly string[],
  address: string | undefined,
  nowMs: number,
  foreignBearer = false,
  isSecure = false,
): VerifiedKey | undefined {
  const headerKey = findHeaderKey(headers, keys, address, foreignBearer);
  if (headerKey !== undefined) return { key: headerKey, isBearer: true };
  // From here on a right key that this address may not use is treated as a wrong one.
  const token = bearerTokenOf(headers.get('authorization')) ?? (foreignBearer ? undefined : apiKeyOf(headers));
  if (token === undefined || foreignBearer) {
    let hasEndedSession = false;
    for (const session of readSessions(headers.get('cookie'), keys)) {
      const { key, value, isPrefixed } = session;
      if (isSecure && !isPrefixed) continue;
      if (key === undefined) recordFailedKey(address, value, 'cookie');
      else if (!mayUseKey(address, key, 'cookie')) continue;
      else if (!isValidSession(session, nowMs)) hasEndedSession = true;
      else if (acceptKey(address, key, 'cookie')) return { key, isBearer: false };
    }
    if (hasEndedSession) return undefined;
  }
  if (token === undefined) return undefined;
  rejectKey(address, token);
  return undefined;
}

/** The right key in a header that `address` may use. Counts no wrong keys. */
export function findHeaderKey(
  headers: RequestHeaders,
  keys: readonly string[],
  address: string | undefined,
  foreignBearer: boolean,
): string | undefined {
  if (keys.length === 0) return undefined;
  const authorization = headers.get('authorization');
  // The time of a refusal must not tell a throttled address that its guess was right.
  const isOpen = !isThrottled(address, 'key');
  if (isOpen && authorization?.startsWith(BEARER)) {
    const known = findShownKey(authorization, BEARER.length, keys);
    if (known !== undefined && acceptKey(address, known, 'key')) return known;
  }
  const bearer = bearerTokenOf(authorization);
  const key = bearer === undefined ? undefined : findKey(bearer, keys);
  if (key !== undefined && acceptKey(address, key, 'key')) return key;
  // Next to a foreign `Authorization`, `x-api-key` is foreign too.
  const shown = foreignBearer ? undefined : apiKeyOf(headers);
  if (shown === undefined) return undefined;
  const other = (isOpen ? findShownKey(shown, 0, keys) : undefined) ?? findKey(shown, keys);
  return other !== undefined && acceptKey(address, other, 'key') ? other : undefined;
}

/**
 * Returns the key of a sign-in, or undefined if it is wrong. Counts wrong keys and throws
 * `rate_limited` as `verifyCredentials` does.
 */
export function verifySignIn(shown: string, keys: readonly string[], address: string | undefined): string | undefined {
  const key = findKey(shown, keys);
  if (key !== undefined && acceptKey(address, key, 'key')) return key;
  rejectKey(address, shown);
  return undefined;
}

function apiKeyOf(headers: RequestHeaders): string | undefined {
  return headers.get('x-api-key')?.trim() || undefined;
}

/** Counts a wrong key. Throws `rate_limited` if the address already had too many. */
function rejectKey(address: string | undefined, shown: string): void {
  if (isThrottled(address, 'key')) throw tooManyFailedKeys(address);
  recordFailedKey(address, shown, 'key');
}
