import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { apiKeyId, apiKeys, sha256 } from '#lib/http/api-keys';
import { saveRevocations } from '#lib/http/ended-sessions';
import { revokedSessions } from '#lib/http/revoked-sessions';
import { SecretMap } from '#lib/http/secret-map';
import { DAY_SECONDS, SECOND_MS } from '#lib/units';

/**
 * Stateless session cookies: `<key id>.<session id>.<expiry in Unix seconds>.<signature>`, where
 * the signature is an HMAC-SHA-256 of the other parts under the API key.
 *
 * Signing out revokes a session for all copies of its cookie, also after a restart. Removing a key
 * from `API_KEYS` ends its sessions for good.
 */
export const SESSION_COOKIE = 'chill_space_session';
/**
 * Name of the cookie over TLS. Browsers accept a `__Host-` cookie only over TLS, from this host
 * and for all paths, so another host of the domain cannot set one (RFC 6265bis section 4.1.3.2).
 */
export const SECURE_SESSION_COOKIE = `__Host-${SESSION_COOKIE}`;
export const SESSION_SECONDS = 30 * DAY_SECONDS;
/** `Cookie` headers whose signatures were verified before: about 4 MB. */
const MAX_KNOWN_HEADERS = 4_096;
const MAX_KNOWN_HEADER_CHARS = 1_024;

/** A session cookie as it was read. */
export interface SessionCookie {
  readonly value: string;
  /** Whether its name begins with `__Host-`. */
  readonly isPrefixed: boolean;
  /** The key that signed it, undefined if the signature is none of ours. */
  readonly key: string | undefined;
  readonly keyId: string;
  readonly id: string;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** Unix seconds. */
  readonly expiry: number;
}

/** Returns a cookie value that stands for `key` for `SESSION_SECONDS`. */
export function createSession(key: string, nowMs: number): string {
  const claim = `${apiKeyId(key)}.${randomUUID()}.${Math.floor(nowMs / SECOND_MS) + SESSION_SECONDS}`;
  return `${claim}.${sign(claim, key)}`;
}

/**
 * Returns the `Set-Cookie` header of a session; an empty `value` deletes the cookie. `secure` says
 * that the browser speaks TLS, to this server or to a trusted proxy.
 */
export function sessionCookie(value: string, secure: boolean): string {
  const age = value === '' ? 0 : SESSION_SECONDS;
  const name = secure ? SECURE_SESSION_COOKIE : SESSION_COOKIE;
  return `${name}=${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

/**
 * Revokes every valid session in the `Cookie` header, at once in this process. Resolves when that
 * is on disk, or could not be saved. Invalid ones are not recorded, so a client without a key
 * cannot fill the list.
 */
export async function revokeSessions(cookies: string | null, keys: readonly string[], nowMs: number): Promise<void> {
  const valid = readSessions(cookies, keys).filter((session) => isValidSession(session, nowMs));
  await saveRevocations(valid.map((session) => revokedSessions().add(session, Math.floor(nowMs / SECOND_MS))));
}

/**
 * Returns every session cookie in the `Cookie` header, of both names, those of the `__Host-` name
 * first. A cookie that another host of the domain set does not hide the valid one. It may be valid
 * itself, for a session of its sender: over TLS it does not count (`verifyCredentials`).
 */
export function readSessions(cookies: string | null, keys: readonly string[]): readonly SessionCookie[] {
  if (cookies === null || !cookies.includes(SESSION_COOKIE)) return NO_SESSIONS;
  const known = knownHeaders(keys);
  const again = known.get(cookies);
  if (again !== undefined) return again;
  const all = Array.from(cookies.matchAll(COOKIES), ([, prefix, value = '']) =>
    parseSession(value, prefix !== undefined, keys),
  );
  const sessions = [...all.filter(({ isPrefixed }) => isPrefixed), ...all.filter(({ isPrefixed }) => !isPrefixed)];
  // A client without a key cannot push others out. Whether a session is valid is not part of it.
  if (sessions.length > 0 && sessions.every(({ key }) => key !== undefined)) known.set(cookies, sessions);
  return sessions;
}

const NO_SESSIONS: readonly SessionCookie[] = [];

const headersByKeys = new WeakMap<readonly string[], SecretMap<readonly SessionCookie[]>>();

/** By the list of keys, which never changes in place. */
function knownHeaders(keys: readonly string[]): SecretMap<readonly SessionCookie[]> {
  let known = headersByKeys.get(keys);
  if (known === undefined) {
    known = new SecretMap(MAX_KNOWN_HEADERS, MAX_KNOWN_HEADER_CHARS);
    headersByKeys.set(keys, known);
  }
  return known;
}

export function isValidSession(session: SessionCookie, nowMs: number): boolean {
  return session.key !== undefined && session.expiry * SECOND_MS > nowMs && !revokedSessions().has(session);
}

const COOKIES = new RegExp(`(?:^|;\\s*)(__Host-)?${SESSION_COOKIE}=([^;]+)`, 'g');

function parseSession(value: string, isPrefixed: boolean, keys: readonly string[]): SessionCookie {
  const [keyId = '', id = '', expiryText = '', signature = ''] = value.split('.');
  const signer = apiKeys(keys).find((known) => known.id === keyId)?.key;
  const isSigned =
    signer !== undefined && timingSafeEqual(sha256(sign(`${keyId}.${id}.${expiryText}`, signer)), sha256(signature));
  const expiry = Number(expiryText);
  return {
    value,
    isPrefixed,
    key: isSigned ? signer : undefined,
    keyId,
    id,
    expiry,
    issuedAt: expiry - SESSION_SECONDS,
  };
}

function sign(claim: string, key: string): string {
  return createHmac('sha256', key).update(claim).digest('base64url');
}
