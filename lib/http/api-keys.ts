import { createHash, hash, timingSafeEqual } from 'node:crypto';

/** A key of `API_KEYS` with what is computed from it once. */
export interface ApiKey {
  key: string;
  /** Names the key in logs, sessions and caller ids, and does not reveal it. */
  id: string;
  /** SHA-256 of the key. */
  digest: Buffer;
}

const known = new WeakMap<readonly string[], readonly ApiKey[]>();

/** Returns the ids and digests of `keys`. Cached by list, because lists never change in place. */
export function apiKeys(keys: readonly string[]): readonly ApiKey[] {
  let all = known.get(keys);
  if (all === undefined) {
    all = keys.map((key) => ({ key, id: apiKeyId(key), digest: sha256(key) }));
    known.set(keys, all);
  }
  return all;
}

/**
 * Returns the key of `keys` that equals `shown`. Compares in constant time, and with every key.
 */
export function findKey(shown: string, keys: readonly string[]): string | undefined {
  const digest = sha256(shown);
  let found: string | undefined;
  for (const candidate of apiKeys(keys)) if (timingSafeEqual(candidate.digest, digest)) found = candidate.key;
  return found;
}

export function apiKeyId(key: string): string {
  return createHash('sha256').update('chill-space key id\0').update(key).digest('hex').slice(0, 12);
}

/** `createHash` makes an object whose disposal costs the garbage collector more than the hash. */
export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
