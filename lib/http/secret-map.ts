import { randomBytes } from 'node:crypto';

/** A random key of this process for `fingerprint`. */
const [START, FACTOR] = [randomBytes(4).readInt32LE(), randomBytes(4).readInt32LE() | 1];

interface Entry<V> {
  readonly secret: string;
  readonly value: V;
}

/**
 * A small cache by secret texts, such as keys and cookies, whose look-up is cheaper than a
 * cryptographic hash and reveals as little by its time. A `Map` of texts compares a guess with the
 * secrets of its bucket up to the first character that differs. Here a keyed hash of the whole text
 * finds the entry, and the comparison looks at every character. See
 * docs/decisions/0041-known-credentials.md.
 *
 * For what can be computed again: the oldest of more than `maxEntries` is dropped, so is one of two
 * texts with the same fingerprint, and a text above `maxChars` is not stored.
 */
export class SecretMap<V> {
  readonly #maxEntries: number;
  readonly #maxChars: number;
  readonly #entries = new Map<number, Entry<V>>();

  constructor(maxEntries: number, maxChars: number) {
    this.#maxEntries = maxEntries;
    this.#maxChars = maxChars;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value of the secret that is the rest of `text` from the position `start` on. */
  get(text: string, start = 0): V | undefined {
    if (text.length - start > this.#maxChars) return undefined;
    const entry = this.#entries.get(fingerprint(text, start));
    return entry !== undefined && isEqual(entry.secret, text, start) ? entry.value : undefined;
  }

  set(secret: string, value: V): void {
    if (secret.length > this.#maxChars) return;
    const name = fingerprint(secret, 0);
    if (!this.#entries.has(name) && this.#entries.size >= this.#maxEntries) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    // A copy: a slice would retain the header that it is from, and is slower to compare with.
    this.#entries.set(name, { secret: Buffer.from(secret).toString(), value });
  }
}

/** 32 bits that depend on every character and on the key of this process. */
function fingerprint(text: string, start: number): number {
  let hash = START;
  for (let at = start; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FACTOR);
  return hash;
}

/** In constant time for texts of the same length. */
function isEqual(secret: string, text: string, start: number): boolean {
  if (secret.length !== text.length - start) return false;
  let difference = 0;
  for (let at = 0; at < secret.length; at++) difference |= secret.charCodeAt(at) ^ text.charCodeAt(start + at);
  return difference === 0;
}
