import { type CacheLimits, CountedCache } from '#lib/chat/cache/counted-cache';
import type { Clock } from '#lib/chat/clock';
import type { Vector } from '#lib/models/embedding';
import type { CacheStats } from '#lib/wire/server-stats';

/** The vector of one input. */
export interface Embedding {
  readonly vector: Vector;
  /** The input's share of the tokens that the model server counted. */
  readonly promptTokens: number;
}

/**
 * Memory of an entry without its numbers, as measured on V8; see
 * docs/decisions/0022-embeddings-by-single-input.md.
 */
export const ENTRY_BYTES = 640;

/** Embeddings by input: an LRU with a TTL, bounded by bytes. */
export class EmbeddingCache {
  readonly #entries: CountedCache<Embedding>;

  constructor(limits: CacheLimits, clock: Clock) {
    this.#entries = new CountedCache(limits, clock, ({ vector }, key) => vector.byteLength + key.length + ENTRY_BYTES);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Puts an embedding back that was stored at `storedAt`. */
  restore(key: string, embedding: Embedding, storedAt: number): void {
    this.#entries.restore(key, embedding, storedAt);
  }

  get(key: string): Embedding | undefined {
    return this.#entries.get(key);
  }

  set(key: string, embedding: Embedding): void {
    this.#entries.set(key, embedding);
  }

  /** Returns how many entries were removed. */
  clear(): number {
    return this.#entries.clear();
  }

  stats(): CacheStats {
    return this.#entries.stats();
  }
}
