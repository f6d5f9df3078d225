import { describe, expect, it } from 'vitest';
import { EmbeddingCache, ENTRY_BYTES } from '#lib/chat/embeddings/embedding-cache';
import { ManualClock } from '../../../test/support/chat.ts';

const KEY_CHARACTERS = 43;
const embedding = (numbers: number) => ({ vector: new Float64Array(numbers), promptTokens: 1 });
const key = (index: number) => String(index).padStart(KEY_CHARACTERS, '-');

describe('the cache of embeddings', () => {
  it('evicts the least recently used above its bound, in bytes', () => {
    const entryBytes = 8 * 100 + KEY_CHARACTERS + ENTRY_BYTES;
    const cache = new EmbeddingCache({ maxBytes: 3 * entryBytes, ttlMs: 1_000 }, new ManualClock());
    for (const index of [0, 1, 2]) cache.set(key(index), embedding(100));
    expect(cache.get(key(0))).toBeDefined();
    cache.set(key(3), embedding(100));
    expect([0, 1, 2, 3].map((index) => cache.get(key(index)) !== undefined)).toEqual([true, false, true, true]);
    expect(cache.stats()).toMatchObject({ total_entries: 3, evictions: 1 });
    cache.set(key(4), embedding(10_000));
    expect(cache.get(key(4))).toBeUndefined();
  });

  it('forgets after its time', async () => {
    const clock = new ManualClock();
    const cache = new EmbeddingCache({ maxBytes: 1_000_000, ttlMs: 1_000 }, clock);
    cache.set(key(0), embedding(1));
    await clock.advance(1_001);
    expect(cache.get(key(0))).toBeUndefined();
  });
});
