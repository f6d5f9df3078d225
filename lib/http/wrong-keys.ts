import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Fault } from '#lib/fault';
import { processWide } from '#lib/process';

/**
 * The limit on guessing keys: wrong keys are counted for each client address, on every route and page together. It is no setting,
 * and the rate limits do not change it. A right key costs one comparison more while no address has failed.
 */

/** Wrong keys that an address may show within a window; every later request with a key is refused until the window ends. */
export const WRONG_KEYS_ALLOWED = 20;
const WINDOW_MS = 60_000;
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000;

interface Failures {
  count: number;
  /** Digests of session cookies that were counted: a browser repeats an old one with every request, which is one guess. */
  cookies: Set<number>;
}

/** Throws `rate_limited` if `address` has used up its wrong keys, whether or not the key that it shows now is right. */
export function refuseGuesser(address: string): void {
  const all = failures();
  if (all.size === 0) return;
  const known = all.get(address);
  if (known === undefined || known.count < WRONG_KEYS_ALLOWED) return;
  const seconds = Math.max(1, Math.ceil(all.getRemainingTTL(address) / 1000));
  throw new Fault('rate_limited', `Too many wrong keys came from this address. Try again in ${seconds} s.`, {
    retryAfterSeconds: seconds,
  });
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
