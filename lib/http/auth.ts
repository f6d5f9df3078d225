import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { AppError } from '#lib/errors';
import {
  type CredentialKind,
  isThrottled,
  mayUseKey,
  recordFailedKey,
  rememberKnownKey,
  tooManyFailedKeys,
} from '#lib/http/failed-keys';
import type { RequestHeaders } from '#lib/http/http-request';
import { revokedSessions } from '#lib/http/revoked-sessions';

/**
 * Who may call where `API_KEYS` is set: a key as `Authorization: Bearer …`, or the cookie that
 * signing in sets.
 *
 * A session cookie is `<key id>.<session id>.<expiry in Unix seconds>.<HMAC-SHA-256 of them under
 * the key>`. Signing out ends that session for everyone who has its cookie, as long as this process
 * lives; taking a key out of `API_KEYS` ends all of its sessions for good.
 */
export const SESSION_COOKIE = 'chill_space_session';
/**
 * Its name where the browser speaks TLS. Browsers take a `__Host-` cookie only over TLS, from this
 * very host and for all of its paths (RFC 6265bis §4.1.3.2), so that no neighbour can set one.
 */
export const SECURE_SESSION_COOKIE = `__Host-${SESSION_COOKIE}`;
export const SESSION_SECONDS = 30 * 24 * 60 * 60;

/**
 * The caller's name for fairness, limits and ownership: of its key where there are keys, else its
 * address. Throws `unauthorized` where keys are set and none is shown, and `rate_limited` after too
 * many wrong ones.
 */
export function identify(
  headers: RequestHeaders,
  keys: readonly string[],
  address: string | undefined,
  nowMs: number,
): string {
  if (keys.length === 0) return address ?? UNKNOWN_ADDRESS;
  const shown = verifyCredentials(headers, keys, address, nowMs);
  if (shown === undefined) throw keyRequired();
  return `key:${identitiesOf(keys).find(({ key }) => key === shown.key)?.id}`;
}

export function keyRequired(): AppError {
  return new AppError('unauthorized', 'This server needs a key: send it as Authorization: Bearer <key>, or sign in.');
}

/** The right key that a caller shows. */
interface VerifiedKey {
  key: string;
  /** `Authorization` has the key itself; otherwise a session cookie stands for it. */
  isBearer: boolean;
}

/**
 * Returns the key that a request shows, or undefined. Wrong ones are counted for `address`, unless
 * it is unknown. After too many wrong keys this throws `rate_limited` for `Authorization`; a cookie
 * is then taken for absent.
 *
 * `foreignBearer`: `Authorization` may be meant for another server. A session then counts next to
 * it, and it is not counted as a guess if one of our keys signed a session, expired or ended.
 */
export function verifyCredentials(
  headers: RequestHeaders,
  keys: readonly string[],
  address: string | undefined,
  nowMs: number,
  foreignBearer = false,
): VerifiedKey | undefined {
  const shown = bearerTokenOf(headers.get('authorization'));
  if (shown !== undefined) {
    const key = findKey(shown, keys);
    // A right key that may not be shown goes the way of a wrong one from here on.
    if (key !== undefined && acceptKey(key, address, 'key')) return { key, isBearer: true };
  }
  if (shown === undefined || foreignBearer) {
    let isVisitors = false;
    for (const session of sessionsOf(headers.get('cookie'), keys)) {
      const { key, value } = session;
      if (key === undefined) recordFailedKey(address, value, 'cookie');
      else if (!mayUseKey(address, key, 'cookie')) continue;
      else if (!isValid(session, nowMs)) isVisitors = true;
      else if (acceptKey(key, address, 'cookie')) return { key, isBearer: false };
    }
    if (isVisitors) return undefined;
  }
  if (shown === undefined) return undefined;
  if (isThrottled(address, 'key')) throw tooManyFailedKeys(address);
  recordFailedKey(address, shown, 'key');
  return undefined;
}

/** Whether `key`, a right one, is taken from `address`, which is then remembered to have it. */
function acceptKey(key: string, address: string | undefined, way: CredentialKind): boolean {
  if (isThrottled(address, way)) return mayUseKey(address, key, way);
  rememberKnownKey(address, key);
  return true;
}

/** The caller's name where its address is unknown. */
const UNKNOWN_ADDRESS = 'unknown';

/**
 * Returns the key of a sign-in, or undefined if it is wrong, which is counted as by `authenticate`.
 * Throws `rate_limited`.
 */
export function verifySignIn(shown: string, keys: readonly string[], address: string | undefined): string | undefined {
  const key = findKey(shown, keys);
  if (key !== undefined && acceptKey(key, address, 'key')) return key;
  if (isThrottled(address, 'key')) throw tooManyFailedKeys(address);
  recordFailedKey(address, shown, 'key');
  return undefined;
}

/**
 * Returns the key of `keys` that equals `shown`, compared in constant time and against all of them.
 */
export function findKey(shown: string, keys: readonly string[]): string | undefined {
  const digest = sha256(shown);
  let found: string | undefined;
  for (const one of identitiesOf(keys)) if (timingSafeEqual(one.digest, digest)) found = one.key;
  return found;
}

/** The value of a session cookie that `key` stands for until `epochMs` plus `SESSION_SECONDS`. */
export function createSession(key: string, nowMs: number): string {
  const claim = `${keyId(key)}.${randomUUID()}.${Math.floor(nowMs / 1000) + SESSION_SECONDS}`;
  return `${claim}.${sign(claim, key)}`;
}

/**
 * `Set-Cookie` for a session, or with `value` empty to end one. `secure`: the browser speaks TLS,
 * to us or to a trusted proxy.
 */
export function sessionCookie(value: string, secure: boolean): string {
  const age = value === '' ? 0 : SESSION_SECONDS;
  const name = secure ? SECURE_SESSION_COOKIE : SESSION_COOKIE;
  return `${name}=${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

/**
 * The key behind a valid session cookie among `cookies`. Counts nothing: for a second look at a
 * request that was let in.
 */
export function sessionKey(cookies: string | null, keys: readonly string[], nowMs: number): string | undefined {
  return sessionsOf(cookies, keys).find((one) => isValid(one, nowMs))?.key;
}

/** Whether a request that was let in may read what a key protects. Counts nothing. */
export function hasValidKey(headers: RequestHeaders, keys: readonly string[], nowMs: number): boolean {
  if (keys.length === 0) return true;
  const shown = bearerTokenOf(headers.get('authorization'));
  if (shown !== undefined && findKey(shown, keys) !== undefined) return true;
  return sessionKey(headers.get('cookie'), keys, nowMs) !== undefined;
}

/**
 * Ends every session that a cookie among `cookies` stands for, wherever else its cookie was copied
 * to.
 */
export function revokeSessions(cookies: string | null, keys: readonly string[], nowMs: number): void {
  // Only a valid cookie adds to the list, so that no client without a key can fill it.
  for (const one of sessionsOf(cookies, keys))
    if (isValid(one, nowMs)) revokedSessions().add(one, Math.floor(nowMs / 1000));
}

interface SessionCookie {
  value: string;
  /** The key that signed it; undefined if none of ours did. */
  key: string | undefined;
  keyId: string;
  id: string;
  /** Unix seconds. */
  issuedAt: number;
  expiry: number;
}

/**
 * Every session cookie among `cookies`, of either name: one that a neighbour has set does not hide
 * the valid one.
 */
function sessionsOf(cookies: string | null, keys: readonly string[]): SessionCookie[] {
  if (cookies === null || !cookies.includes(SESSION_COOKIE)) return [];
  return [...cookies.matchAll(COOKIES)].map(([, value = '']) => {
    const [name = '', id = '', expiry = '', signature = ''] = value.split('.');
    const signer = identitiesOf(keys).find(({ id: known }) => known === name)?.key;
    const isSigned =
      signer !== undefined && timingSafeEqual(sha256(sign(`${name}.${id}.${expiry}`, signer)), sha256(signature));
    const seconds = Number(expiry);
    const key = isSigned ? signer : undefined;
    return { value, key, keyId: name, id, expiry: seconds, issuedAt: seconds - SESSION_SECONDS };
  });
}

const COOKIES = new RegExp(`(?:^|;\\s*)(?:__Host-)?${SESSION_COOKIE}=([^;]+)`, 'g');

function isValid(session: SessionCookie, nowMs: number): boolean {
  return session.key !== undefined && session.expiry * 1000 > nowMs && !revokedSessions().has(session);
}

function bearerTokenOf(authorization: string | null): string | undefined {
  return authorization === null ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}

interface KeyIdentity {
  key: string;
  id: string;
  /** SHA-256 of the key. */
  digest: Buffer;
}

const identities = new WeakMap<readonly string[], readonly KeyIdentity[]>();

/** The ids and digests of keys, computed once for each list. Lists never change in place. */
function identitiesOf(keys: readonly string[]): readonly KeyIdentity[] {
  let known = identities.get(keys);
  if (known === undefined) {
    known = keys.map((key) => ({ key, id: keyId(key), digest: sha256(key) }));
    identities.set(keys, known);
  }
  return known;
}

/** Tells keys apart in logs and cookies without telling the key. */
function keyId(key: string): string {
  return createHash('sha256').update('chill-space key id\0').update(key).digest('hex').slice(0, 12);
}

function sign(claim: string, key: string): string {
  return createHmac('sha256', key).update(claim).digest('base64url');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
