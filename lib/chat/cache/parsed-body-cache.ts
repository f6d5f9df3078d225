import { LRUCache } from 'lru-cache';
import { estimateValueBytes } from '#lib/chat/generation/packed-request';

const MAX_BODIES = 256;
/** A longer body is rarely repeated, and comparing it costs more than it saves. */
const MAX_BODY_BYTES = 8 * 1024;
const MAX_CACHE_BYTES = 8 * 1024 * 1024;

/**
 * An LRU cache of parsed request bodies by their bytes: a repeated body is neither parsed nor
 * validated again. Results are shared and must not be modified. Bounds: 256 bodies of at most 8
 * KiB, and 8 MiB together with their results.
 */
export class ParsedBodyCache<T extends object> {
  readonly #parsed = new LRUCache<string, T>({
    max: MAX_BODIES,
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
