import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { AppError } from '#lib/errors';
import { singleton } from '#lib/singletons';

/**
 * The limit on guessing keys: distinct wrong keys are counted for each client address, on every
 * route and page together. It is no setting, and the rate limits do not change it. Wrong session
 * cookies have a separate count, which refuses cookies only: browsers send old ones unasked.
 *
 * A key that an address has shown before is served all the same, so that the people behind one
 * address (a school, a proxy) cannot be locked out by one of them. While an address is limited, a
 * guess gets the same refusal whether it is right or wrong.
 *
 * Clients of an unknown address are neither counted nor limited: they would all share one count.
 */

/** Distinct wrong keys, and distinct wrong cookies, that an address may show within a window. */
export const MAX_FAILED_KEYS = 20;
const WINDOW_MS = 60_000;
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000;

/** How a key is shown: itself, or by a session cookie that it signed. */
export type CredentialKind = 'key' | 'cookie';

/** Digests of what was counted, at most `MAX_FAILED_KEYS` each. */
type FailedCredentials = Record<CredentialKind, Set<number>>;

/** Addresses whose keys are remembered, and for how long after the last request. */
const MAX_KNOWN_ADDRESSES = 10_000;
const KNOWN_MS = 24 * 60 * 60 * 1000;
/** The age of an address in the LRU cache is renewed at most this often. */
const RENEW_MS = 60_000;

/**
 * Whether `address` may show `key`, a right one, in this way: it is not limited, or it has shown
 * this key before.
 */
export function mayUseKey(address: string | undefined, key: string, way: CredentialKind): boolean {
  return !isThrottled(address, way) || (address !== undefined && knownKeys().all.get(address)?.has(key) === true);
}

/**
 * Whether `address` has used up what it may show in this way. Too many wrong keys limit cookies as
 * well.
 */
export function isThrottled(address: string | undefined, way: CredentialKind): boolean {
  const all = failures();
  if (address === undefined || all.size === 0) return false;
  const known = all.get(address);
  if (known === undefined) return false;
  return isFull(known.key) || (way === 'cookie' && isFull(known.cookie));
}

/** The refusal of an address that has used up its wrong keys. */
export function tooManyFailedKeys(address: string | undefined): AppError {
  const leftMs = address === undefined ? 0 : failures().getRemainingTTL(address);
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  return new AppError('rate_limited', `Too many wrong keys came from this address. Try again in ${seconds} s.`, {
    retryAfterSeconds: seconds,
  });
}

/** Remembers that `address` has shown `key`, a right one, while it was not limited. */
export function rememberKnownKey(address: string | undefined, key: string): void {
  if (address === undefined) return;
  const known = knownKeys();
  const nowMs = performance.now();
  if (known.lastAddress === address && known.lastKey === key && nowMs < known.renewAtMs) return;
  const keys = known.all.get(address);
  if (keys === undefined) known.all.set(address, new Set([key]));
  // There are as many right keys as `API_KEYS` has.
  else keys.add(key);
  known.lastAddress = address;
  known.lastKey = key;
  known.renewAtMs = nowMs + RENEW_MS;
}

interface KnownKeys {
  all: LRUCache<string, Set<string>>;
  /** The last pair that was remembered: most requests repeat it. */
  lastAddress: string | undefined;
  lastKey: string | undefined;
  /** By the clock of `performance.now()`. */
  renewAtMs: number;
}

function knownKeys(): KnownKeys {
  return singleton('http.known-keys', () => ({
    all: new LRUCache<string, Set<string>>({ max: MAX_KNOWN_ADDRESSES, ttl: KNOWN_MS, updateAgeOnGet: true }),
    lastAddress: undefined,
    lastKey: undefined,
    renewAtMs: 0,
  }));
}

/** Counts a wrong key, or a cookie that none of the keys signed, once for each value. */
export function recordFailedKey(address: string | undefined, value: string, way: CredentialKind): void {
  if (address === undefined) return;
  const all = failures();
  let known = all.get(address);
  if (known === undefined) {
    known = { key: new Set(), cookie: new Set() };
    all.set(address, known);
  }
  const values = known[way];
  if (!isFull(values)) values.add(createHash('sha256').update(value).digest().readUIntLE(0, 6));
}

function isFull(values: ReadonlySet<number>): boolean {
  return values.size >= MAX_FAILED_KEYS;
}

function failures(): LRUCache<string, FailedCredentials> {
  return singleton(
    'http.wrong-keys',
    () => new LRUCache<string, FailedCredentials>({ max: MAX_ADDRESSES, ttl: WINDOW_MS, ttlAutopurge: true }),
  );
}
