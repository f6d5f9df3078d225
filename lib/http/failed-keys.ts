import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { AppError } from '#lib/errors';
import { singleton } from '#lib/singletons';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#lib/units';

/**
 * Brute-force protection: counts distinct wrong keys per client address, over all routes and pages
 * together. It is no setting, and the rate limits do not change it. Wrong session cookies have a
 * separate count that blocks cookies only, because browsers send old cookies unasked.
 *
 * A key that an address has used before keeps working. So one user cannot lock out the others
 * behind a shared address (a school, a proxy). A throttled address gets the same refusal for right
 * and wrong guesses.
 *
 * Clients of an unknown address are neither counted nor throttled: they would share one count.
 */

/** Distinct wrong keys, and distinct wrong cookies, that an address may show within a window. */
export const MAX_FAILED_KEYS = 20;
const WINDOW_MS = MINUTE_MS;
/** LRU bound: the address that failed longest ago is evicted first. */
const MAX_ADDRESSES = 10_000;

export type CredentialKind = 'key' | 'cookie';

/** Digests of what was counted, at most `MAX_FAILED_KEYS` each. */
type FailedCredentials = Record<CredentialKind, Set<number>>;

/** Addresses whose keys are remembered, and for how long after the last request. */
const MAX_KNOWN_ADDRESSES = 10_000;
const KNOWN_MS = DAY_MS;
/** Keys and sessions' callers of one address, as a school has them. */
const MAX_KEYS_PER_ADDRESS = 2_000;
/** The same of all addresses: about 10 MB. */
const MAX_KNOWN_KEYS = 100_000;
/** The age of an address in the LRU cache is renewed at most this often. */
const RENEW_MS = MINUTE_MS;

/** Whether `address` may use a right `key`: it is not throttled, or has used the key before. */
export function mayUseKey(address: string | undefined, key: string, kind: CredentialKind): boolean {
  return !isThrottled(address, kind) || (address !== undefined && knownKeys().all.get(address)?.has(key) === true);
}

/** Whether `address` has too many failures of this kind. Too many wrong keys block cookies too. */
export function isThrottled(address: string | undefined, kind: CredentialKind): boolean {
  const all = failures();
  if (address === undefined || all.size === 0) return false;
  const failed = all.get(address);
  if (failed === undefined) return false;
  return isFull(failed.key) || (kind === 'cookie' && isFull(failed.cookie));
}

/** The `rate_limited` error of a throttled address. */
export function tooManyFailedKeys(address: string | undefined): AppError {
  const leftMs = address === undefined ? 0 : failures().getRemainingTTL(address);
  const seconds = Math.max(1, Math.ceil(leftMs / SECOND_MS));
  return new AppError('rate_limited', `Too many wrong keys from this address. Try again in ${seconds} s.`, {
    retryAfterSeconds: seconds,
    data: { reason: 'wrong_keys', retry_after_seconds: seconds },
  });
}

/** Whether `key`, a right one, is accepted from `address`, which is then known to have it. */
export function acceptKey(address: string | undefined, key: string, kind: CredentialKind): boolean {
  if (isThrottled(address, kind)) return mayUseKey(address, key, kind);
  rememberKnownKey(address, key);
  return true;
}

function rememberKnownKey(address: string | undefined, key: string): void {
  if (address === undefined) return;
  const known = knownKeys();
  const nowMs = performance.now();
  if (known.lastAddress === address && known.lastKey === key && nowMs < known.renewAtMs) return;
  const keys = known.all.get(address);
  if (keys === undefined) known.all.set(address, new Set([key]));
  // The order of a Set is that of use: the first one was used longest ago.
  else if (keys.delete(key)) keys.add(key);
  else {
    keys.add(key);
    const [oldest] = keys;
    if (keys.size > MAX_KEYS_PER_ADDRESS && oldest !== undefined) keys.delete(oldest);
    // lru-cache counts the size of a value only when the value is new.
    known.all.delete(address);
    known.all.set(address, keys);
  }
  known.lastAddress = address;
  known.lastKey = key;
  known.renewAtMs = nowMs + RENEW_MS;
}

interface KnownKeys {
  all: LRUCache<string, Set<string>>;
  /** The last remembered pair. Most requests repeat it. */
  lastAddress: string | undefined;
  lastKey: string | undefined;
  /** By the clock of `performance.now()`. */
  renewAtMs: number;
}

function knownKeys(): KnownKeys {
  return singleton('http.known-keys', () => ({
    all: new LRUCache<string, Set<string>>({
      max: MAX_KNOWN_ADDRESSES,
      maxSize: MAX_KNOWN_KEYS,
      sizeCalculation: (keys) => keys.size,
      ttl: KNOWN_MS,
      updateAgeOnGet: true,
    }),
    lastAddress: undefined,
    lastKey: undefined,
    renewAtMs: 0,
  }));
}

/** Counts a wrong key, or a cookie without a valid signature, once for each value. */
export function recordFailedKey(address: string | undefined, value: string, kind: CredentialKind): void {
  if (address === undefined) return;
  const all = failures();
  let failed = all.get(address);
  if (failed === undefined) {
    failed = { key: new Set(), cookie: new Set() };
    all.set(address, failed);
  }
  const values = failed[kind];
  if (!isFull(values)) values.add(createHash('sha256').update(value).digest().readUIntLE(0, 6));
}

function isFull(values: ReadonlySet<number>): boolean {
  return values.size >= MAX_FAILED_KEYS;
}

function failures(): LRUCache<string, FailedCredentials> {
  return singleton(
    'http.failed-keys',
    () => new LRUCache<string, FailedCredentials>({ max: MAX_ADDRESSES, ttl: WINDOW_MS, ttlAutopurge: true }),
  );
}
