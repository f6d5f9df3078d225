import { LRUCache } from 'lru-cache';
import type { Clock } from '#lib/chat/clock';
import { MIB } from '#lib/units';
import type { CacheStats } from '#lib/wire/server-stats';

export interface CacheLimits {
  maxBytes: number;
  ttlMs: number;
}

/**
 * An LRU cache with a TTL that is bounded by bytes and counts its hits, misses and evictions. The
 * bound includes whatever `sizeOf` counts for an entry.
 */
export class CountedCache<V extends object> {
  readonly #entries: LRUCache<string, V>;
  readonly #maxBytes: number;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor({ maxBytes, ttlMs }: CacheLimits, clock: Clock, sizeOf: (value: V, key: string) => number) {
    this.#maxBytes = maxBytes;
    this.#ttlMs = ttlMs;
    this.#clock = clock;
    this.#entries = new LRUCache<string, V>({
      maxSize: maxBytes,
      sizeCalculation: sizeOf,
      ttl: ttlMs,
      ttlResolution: 0,
      perf: clock,
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Neither counted nor a use. */
  peek(key: string): V | undefined {
    return this.#entries.peek(key);
  }

  /** When an entry was stored, in milliseconds since the epoch; undefined without one. */
  storedAt(key: string): number | undefined {
    if (!this.#entries.has(key)) return undefined;
    return this.#clock.now() - (this.#ttlMs - this.#entries.getRemainingTTL(key));
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) this.#misses += 1;
    else this.#hits += 1;
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.set(key, value);
  }

  /** Sets a value that was stored before, at `storedAt`. */
  restore(key: string, value: V, storedAt: number): void {
    this.#entries.set(key, value, { start: storedAt });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Returns how many entries were removed. */
  clear(): number {
    this.#entries.purgeStale();
    const entries = this.#entries.size;
    this.#entries.clear();
    return entries;
  }

  stats(): CacheStats {
    this.#entries.purgeStale();
    const { size, calculatedSize } = this.#entries;
    const lookups = this.#hits + this.#misses;
    return {
      total_entries: size,
      total_size_mb: round(calculatedSize / MIB, 4),
      hit_rate: lookups === 0 ? 0 : round(this.#hits / lookups, 4),
      miss_rate: lookups === 0 ? 0 : round(this.#misses / lookups, 4),
      memory_usage_percent: round((100 * calculatedSize) / this.#maxBytes, 2),
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }
}

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}
