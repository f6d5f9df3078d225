import { LRUCache } from 'lru-cache';
import { estimateValueBytes } from '#lib/chat/generation/packed-request';

/** A longer body is rarely repeated, and would displace many others. */
export const MAX_BODY_BYTES = 16 * 1024;
/** Fits thousands of usual questions. */
const MAX_CACHE_BYTES = 16 * 1024 * 1024;

/**
 * An LRU cache of parsed request bodies by their bytes: a repeated body is neither parsed nor
 * validated again. Results are shared and must not be modified. Bounds: bodies of at most 16 KiB,
 * and 16 MiB together with their results.
 */
export class ParsedBodyCache<T extends object> {
  readonly #parsed = new LRUCache<string, T>({
    maxSize: MAX_CACHE_BYTES,
    // Twice: the model request that is derived from it is memoized with it.
    sizeCalculation: (parsed, text) => text.length + 2 * estimateValueBytes(parsed),
  });

  /** Returns the cached result, or calls `parse`. Errors are not cached. */
  get(bytes: Uint8Array, parse: (bytes: Uint8Array) => T): T {
    if (bytes.byteLength > MAX_BODY_BYTES) return parse(bytes);
    // One character per byte: the same text means the same bytes.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const parsed = parse(bytes);
    this.#parsed.set(text, parsed);
    return parsed;
  }
}
