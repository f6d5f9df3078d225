import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Fault } from '#lib/fault';
import { processWide } from '#lib/process';

/**
 * The limit on guessing keys: wrong keys are counted for each client address, on every route and page together. It is no
 * setting, and the rate limits do not change it. A key that an address has shown before is served all the same, so that
 * the people behind one address (a school, a proxy) cannot be locked out by one of them; a guess gets the same refusal
 * whether it is right or wrong.
 */

/** Wrong keys that an address may show within a window; then it may show only keys that it has shown before. */
export const WRONG_KEYS_ALLOWED = 20;
const WINDOW_MS = 60_000;
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000;

interface Failures {
  count: number;
  /** Digests of session cookies that were counted: a browser repeats an old one with every request, which is one guess. */
  cookies: Set<number>;
}

/** Addresses whose keys are remembered, and for how long after the last request. */
const MAX_KNOWN_ADDRESSES = 10_000;
const KNOWN_MS = 24 * 60 * 60 * 1000;

/** Whether `address` has used up its wrong keys. */
export function isGuesser(address: string): boolean {
  const all = failures();
  return all.size > 0 && (all.get(address)?.count ?? 0) >= WRONG_KEYS_ALLOWED;
}

/** The refusal of an address that has used up its wrong keys. */
export function tooManyGuesses(address: string): Fault {
  const seconds = Math.max(1, Math.ceil(failures().getRemainingTTL(address) / 1000));
  return new Fault('rate_limited', `Too many wrong keys came from this address. Try again in ${seconds} s.`, {
    retryAfterSeconds: seconds,
  });
}

/** Remembers that `address` has shown `key`, a right one. */
export function rememberKey(address: string, key: string): void {
  const all = knownKeys();
  const known = all.get(address);
  if (known === undefined) all.set(address, new Set([key]));
  // There are as many right keys as `API_KEYS` has.
  else known.add(key);
}

/** Whether `address` has shown `key` while it was not refused. */
export function hasShownKey(address: string, key: string): boolean {
  return knownKeys().get(address)?.has(key) === true;
}

function knownKeys(): LRUCache<string, Set<string>> {
  return processWide(
    'http.known-keys',
    () => new LRUCache<string, Set<string>>({ max: MAX_KNOWN_ADDRESSES, ttl: KNOWN_MS, updateAgeOnGet: true }),
  );
}

export function countWrongKey(address: string): void {
  failuresOf(address).count += 1;
}

/** Counts a session cookie that was not made with any of the keys, once for each value. */
export function countWrongCookie(address: string, value: string): void {
  const known = failuresOf(address);
  const digest = createHash('sha256').update(value).digest().readUIntLE(0, 6);
  if (known.cookies.has(digest) || known.count >= WRONG_KEYS_ALLOWED) return;
  known.cookies.add(digest);
  known.count += 1;
}

function failuresOf(address: string): Failures {
  const all = failures();
  let known = all.get(address);
  if (known === undefined) {
    known = { count: 0, cookies: new Set() };
    all.set(address, known);
  }
  return known;
}

function failures(): LRUCache<string, Failures> {
  return processWide(
    'http.wrong-keys',
    () => new LRUCache<string, Failures>({ max: MAX_ADDRESSES, ttl: WINDOW_MS, ttlAutopurge: true }),
  );
}
