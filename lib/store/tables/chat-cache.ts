/** Responses and embeddings that were cached: the second level of the caches in memory. */
export interface ChatCacheTable {
  /** Of the cache in memory. */
  key: string;
  kind: 'response' | 'embedding';
  /** A row of another epoch than the current one is deleted some time, and never read. */
  epoch: number;
  created_at: number;
  /** When it was stored or read from disk last. The smallest is evicted first. */
  used_at: number;
  /** What the row counts against `CACHE_PERSIST_MAX_MB`. */
  bytes: number;
  value: Uint8Array;
}

/** One row. To clear the cache and to change the format of its values both begin an epoch. */
export interface ChatCacheEpochTable {
  id: number;
  epoch: number;
  /** Of keys and values. */
  format: string;
}
