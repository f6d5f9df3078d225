import { LRUCache } from 'lru-cache';
import { estimateValueBytes } from '#lib/chat/generation/packed-request';

const MAX_BODIES = 256;
/** A longer body is rarely sent twice, and takes longer to compare than it gains. */
const MAX_BODY_BYTES = 8 * 1024;
const MAX_CACHE_BYTES = 8 * 1024 * 1024;

/**
 * What recent bodies were parsed to: the same question, sent again byte for byte, is neither parsed
 * nor checked again. What is taken from here is shared and must not be changed. Bounded: 256 bodies
 * of at most 8 KiB, and 8 MiB with what they were parsed to.
 */
export class ParsedBodyCache<T extends object> {
  readonly #parsed = new LRUCache<string, T>({
    max: MAX_BODIES,
    maxSize: MAX_CACHE_BYTES,
    // Twice: what is made of it for its model is kept with it.
    sizeCalculation: (parsed, text) => text.length + 2 * estimateValueBytes(parsed),
  });

  /** What `parse` makes of these bytes; it is only called where that is not known. What it throws is not remembered. */
  get(bytes: Uint8Array, parse: (bytes: Uint8Array) => T): T {
    if (bytes.byteLength > MAX_BODY_BYTES) return parse(bytes);
    // One character for each byte: two bodies have the same text only where they have the same bytes.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const parsed = parse(bytes);
    this.#parsed.set(text, parsed);
    return parsed;
  }
}
