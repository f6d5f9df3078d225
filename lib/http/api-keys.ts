import { createHash, hash, timingSafeEqual } from 'node:crypto';
import { SecretMap } from '#lib/http/secret-map';

/** A key of `API_KEYS` with what is computed from it once. */
export interface ApiKey {
  key: string;
  /** Names the key in logs, sessions and caller ids, and does not reveal it. */
  id: string;
  /** SHA-256 of the key. */
  digest: Buffer;
}

interface KnownKeys {
  readonly all: readonly ApiKey[];
  /** Those that requests have shown before. */
  readonly shown: SecretMap<string>;
}

/** A longer key is compared by its digest alone. */
const MAX_SHOWN_CHARS = 256;

const known = new WeakMap<readonly string[], KnownKeys>();

/** Returns the ids and digests of `keys`. Cached by list, because lists never change in place. */
export function apiKeys(keys: readonly string[]): readonly ApiKey[] {
  return knownKeys(keys).all;
}

function knownKeys(keys: readonly string[]): KnownKeys {
  let found = known.get(keys);
  if (found === undefined) {
    const all = keys.map((key) => ({ key, id: apiKeyId(key), digest: sha256(key) }));
    found = { all, shown: new SecretMap(keys.length, MAX_SHOWN_CHARS) };
    known.set(keys, found);
  }
  return found;
}

/**
 * Returns the key of `keys` that equals `shown`. Compares in constant time, and with every key.
 */
export function findKey(shown: string, keys: readonly string[]): string | undefined {
  const digest = sha256(shown);
  const { all, shown: before } = knownKeys(keys);
  let found: string | undefined;
  for (const { key, digest: other } of all) if (timingSafeEqual(other, digest)) found = key;
  if (found !== undefined) before.set(found, found);
  return found;
}

/**
 * `findKey` for the rest of `text` from `start` on, without a digest; undefined for a key that it
 * has not found before. It is faster for a right key than `findKey` is for a wrong one.
 */
export function findShownKey(text: string, start: number, keys: readonly string[]): string | undefined {
  return knownKeys(keys).shown.get(text, start);
}

export function apiKeyId(key: string): string {
  return createHash('sha256').update('chill-space key id\0').update(key).digest('hex').slice(0, 12);
}

/** `createHash` makes an object whose disposal costs the garbage collector more than the hash. */
export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
