import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Fault } from '#lib/fault';
import type { RequestHeaders } from '#lib/http/request';
import { processWide } from '#lib/process';

/**
 * Who may call where `API_KEYS` is set (SPEC §1): a key as `Authorization: Bearer …`, or the cookie that signing in sets.
 *
 * A session cookie is `<key id>.<session id>.<expiry in Unix seconds>.<HMAC-SHA-256 of them under the key>`. Signing out
 * ends that session for everyone who has its cookie, as long as this process lives; taking a key out of `API_KEYS` ends all
 * of its sessions for good.
 */
export const SESSION_COOKIE = 'chill_space_session';
export const SESSION_SECONDS = 30 * 24 * 60 * 60;

/**
 * The caller's name for fairness, limits and ownership: of its key where there are keys, else its address.
 * Throws `unauthorized` where keys are set and none is shown.
 */
export function identify(
  headers: RequestHeaders,
  keys: readonly string[],
  address: string | undefined,
  nowMs: number,
): string {
  if (keys.length === 0) return address ?? 'unknown';
  const shown = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  const key = shown === undefined ? sessionKey(headers.get('cookie'), keys, nowMs) : findKey(shown, keys);
  if (key === undefined)
    throw new Fault('unauthorized', 'This server needs a key: send it as Authorization: Bearer <key>, or sign in.');
  return `key:${keyId(key)}`;
}

/** The key of `keys` that equals `shown`, compared in constant time and against all of them. */
export function findKey(shown: string, keys: readonly string[]): string | undefined {
  const digest = sha256(shown);
  let found: string | undefined;
  for (const key of keys) if (timingSafeEqual(sha256(key), digest)) found = key;
  return found;
}

/** The value of a session cookie that `key` stands for until `nowMs` plus `SESSION_SECONDS`. */
export function createSession(key: string, nowMs: number): string {
  const claim = `${keyId(key)}.${randomUUID()}.${Math.floor(nowMs / 1000) + SESSION_SECONDS}`;
  return `${claim}.${sign(claim, key)}`;
}

/** `Set-Cookie` for a session, or with `value` empty to end one. `secure` where the browser speaks TLS to us or to a proxy. */
export function sessionCookie(value: string, secure: boolean): string {
  const age = value === '' ? 0 : SESSION_SECONDS;
  return `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

/** The key behind a valid session cookie among `cookies`. */
export function sessionKey(cookies: string | null, keys: readonly string[], nowMs: number): string | undefined {
  return session(cookies, keys, nowMs)?.key;
}

/** Ends the session that a cookie among `cookies` stands for, if any, wherever else its cookie was copied to. */
export function endSession(cookies: string | null, keys: readonly string[], nowMs: number): void {
  const ended = session(cookies, keys, nowMs);
  if (ended !== undefined) endedSessions().set(ended.id, true);
}

/** Only what a valid cookie names gets in here: nobody without a key can fill it. */
function endedSessions(): LRUCache<string, true> {
  return processWide('http.ended-sessions', () => new LRUCache({ max: 100_000, ttl: SESSION_SECONDS * 1000 }));
}

function session(
  cookies: string | null,
  keys: readonly string[],
  nowMs: number,
): { key: string; id: string } | undefined {
  const value = new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([^;]+)`).exec(cookies ?? '')?.[1];
  const [name, id, expiry, signature] = value?.split('.') ?? [];
  if (name === undefined || id === undefined || expiry === undefined || signature === undefined) return undefined;
  const key = keys.find((candidate) => keyId(candidate) === name);
  if (key === undefined || !timingSafeEqual(sha256(sign(`${name}.${id}.${expiry}`, key)), sha256(signature)))
    return undefined;
  return Number(expiry) * 1000 > nowMs && !endedSessions().has(id) ? { key, id } : undefined;
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
