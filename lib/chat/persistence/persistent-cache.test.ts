import { beforeEach, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '#lib/store/errors';
import type { Store } from '#lib/store/types';
import { ManualClock } from '../../../test/support/chat.ts';
import { scratchStores, withoutWrites } from '../../../test/support/scratch-stores.ts';
import {
  MAX_UNWRITTEN,
  MAX_VALUE_BYTES,
  PersistentCache,
  type PersistentCacheOptions,
  ROW_BYTES,
} from './persistent-cache.ts';

const stores = scratchStores('persistent-cache');
let store: Store;
let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

const KIB = 1024;
const log = { warn: () => {} };

async function open(options: Partial<PersistentCacheOptions> = {}): Promise<PersistentCache> {
  const cache = new PersistentCache({
    openStore: async () => store,
    maxBytes: 100 * KIB,
    ttlMs: 3_600_000,
    format: 'one',
    isOn: true,
    clock,
    log,
    ...options,
  });
  await cache.open();
  return cache;
}

const text = (value: string) => () => Buffer.from(value);

/** Resolves when all values are on disk, and what follows from it is done. */
async function written(): Promise<void> {
  await clock.advance(1_000);
  for (let time = 0; time < 20; time++) {
    await store.flush();
    await clock.advance(0);
  }
}

const read = async (cache: PersistentCache, key: string) => {
  const stored = await cache.read(key);
  return stored && Buffer.from(stored.value).toString();
};
const storedBytes = async () => {
  const sum = store.db.selectFrom('chat_cache').select(({ fn }) => fn.sum('bytes').as('bytes'));
  return Number((await sum.executeTakeFirstOrThrow()).bytes);
};
const rows = async () => (await store.db.selectFrom('chat_cache').select(['key', 'bytes']).execute()).length;

describe.each(['sqlite', 'postgres'] as const)('the persistent cache on %s', (engine) => {
  beforeEach(async () => {
    store = await stores.open(engine);
  });

  it('finds values again with the time at which they were stored', async () => {
    const first = await open();
    first.store('response', 'key', clock.now() - 10, text('é\u0000"'));
    expect(first.mayHave('key')).toBe(false);
    await written();
    expect([first.mayHave('key'), first.mayHave('other')]).toEqual([true, false]);
    const second = await open();
    expect(second.stats('response')).toEqual({ entries: 1, size_mb: expect.any(Number), hits: 0 });
    expect(await second.read('key')).toMatchObject({ createdAt: Math.floor(clock.now() - 1_010) });
    expect(await read(second, 'key')).toBe('é\u0000"');
    expect(await second.read('other')).toBeUndefined();
    expect(second.stats('response').hits).toBe(2);
  });

  it('reads many keys at the start, and one row only for a key that it has', async () => {
    const first = await open({ maxBytes: 10_000 * KIB });
    for (let index = 0; index < 1_700; index++) first.store('embedding', `key ${index}`, clock.now(), text('x'));
    await written();
    await expect.poll(rows).toBe(1_700);
    const second = await open({ maxBytes: 10_000 * KIB });
    expect(second.stats('embedding').entries).toBe(1_700);
    expect(second.mayHave('key 1699')).toBe(true);
    expect(second.mayHave('key 1700')).toBe(false);
  });

  it('keeps its bound by evicting what was used least recently', async () => {
    const cache = await open();
    const big = 'x'.repeat(9 * KIB);
    for (let index = 0; index < 10; index++) {
      cache.store('response', `key ${index}`, clock.now(), text(big));
      await written();
    }
    expect(cache.stats('response').entries).toBe(10);
    expect(await read(cache, 'key 0')).toBe(big);
    await written();
    for (const key of ['key 10', 'key 11', 'key 12']) {
      cache.store('response', key, clock.now(), text(big));
      await written();
    }
    await expect.poll(storedBytes).toBeLessThanOrEqual(100 * KIB);
    await expect.poll(() => [0, 1, 12].map((index) => cache.mayHave(`key ${index}`))).toEqual([true, false, true]);
    expect(cache.stats('response').size_mb).toBeLessThanOrEqual(100 / KIB);
  });

  it('spares what is in use in memory, once', async () => {
    const cache = await open();
    cache.keepThose((key) => key === 'key 0');
    const big = 'x'.repeat(30 * KIB);
    for (let index = 0; index < 5; index++) {
      cache.store('response', `key ${index}`, clock.now(), text(big));
      await written();
    }
    await expect.poll(() => [cache.mayHave('key 0'), cache.mayHave('key 1')]).toEqual([true, false]);
    cache.keepThose(() => true);
    for (let index = 5; index < 9; index++) cache.store('response', `key ${index}`, clock.now(), text(big));
    await written();
    await expect.poll(rows).toBe(3);
  });

  it('counts a value that replaces another one once', async () => {
    const cache = await open();
    for (let time = 0; time < 30; time++) {
      cache.store('response', 'same', clock.now(), text(`${time}`.repeat(5 * KIB)));
      await written();
    }
    cache.store('response', 'other', clock.now(), text('x'));
    await written();
    expect(await read(cache, 'same')).toBe('29'.repeat(5 * KIB));
    await expect.poll(() => cache.mayHave('other')).toBe(true);
    expect((await open()).stats('response').entries).toBe(2);
  });

  it('clears at once, also what is not written and what is being read', async () => {
    const cache = await open();
    cache.store('response', 'written', clock.now(), text('one'));
    await written();
    const reading = cache.read('written');
    cache.store('response', 'not written', clock.now(), text('two'));
    const cleared = cache.clear();
    expect([cache.mayHave('written'), cache.stats('response').entries]).toEqual([false, 0]);
    expect(await reading).toBeUndefined();
    await cleared;
    const next = await open();
    expect([next.mayHave('written'), next.mayHave('not written')]).toEqual([false, false]);
    await written();
    await expect.poll(rows).toBe(0);
    cache.store('response', 'written', clock.now(), text('three'));
    await written();
    expect(await read(cache, 'written')).toBe('three');
  });

  it('clears what is on disk before it was opened', async () => {
    const first = await open();
    first.store('response', 'key', clock.now(), text('one'));
    await written();
    const second = new PersistentCache({
      openStore: async () => store,
      maxBytes: 100 * KIB,
      ttlMs: 1_000,
      format: 'one',
      isOn: true,
      clock,
      log,
    });
    await second.clear();
    expect(second.mayHave('key')).toBe(false);
    expect((await open()).mayHave('key')).toBe(false);
  });

  it('ignores and deletes what was stored in another format', async () => {
    const old = await open();
    old.store('response', 'key', clock.now(), text('old'));
    await written();
    const newer = await open({ format: 'two' });
    expect(newer.mayHave('key')).toBe(false);
    await written();
    await expect.poll(rows).toBe(0);
    newer.store('response', 'key', clock.now(), text('new'));
    await written();
    expect(await read(await open({ format: 'two' }), 'key')).toBe('new');
  });

  it('keeps a value that is written while those of before a clear are deleted', async () => {
    const cache = await open();
    cache.store('response', 'key', clock.now(), text('old'));
    await written();
    cache.close();
    const next = new PersistentCache({
      openStore: async () => store,
      maxBytes: 100 * KIB,
      ttlMs: 3_600_000,
      format: 'two',
      isOn: true,
      clock,
      log,
    });
    next.store('response', 'key', clock.now(), text('new'));
    await written();
    await expect.poll(() => read(next, 'key')).toBe('new');
    expect(await read(await open({ format: 'two' }), 'key')).toBe('new');
  });

  it('expires values, and deletes them', async () => {
    const cache = await open({ ttlMs: 30_000 });
    cache.store('response', 'key', clock.now(), text('one'));
    await written();
    expect(await read(cache, 'key')).toBe('one');
    await clock.advance(29_000);
    expect(await cache.read('key')).toBeUndefined();
    expect(cache.mayHave('key')).toBe(false);
    cache.store('response', 'later', clock.now(), text('two'));
    await clock.advance(61_000);
    await written();
    await expect.poll(rows).toBe(0);
    await expect.poll(() => cache.stats('response').entries).toBe(0);
  });

  it('deletes what it has when it is turned off, and writes nothing', async () => {
    const on = await open();
    on.store('response', 'key', clock.now(), text('one'));
    await written();
    const off = await open({ isOn: false });
    expect(off.mayHave('key')).toBe(false);
    off.store('response', 'other', clock.now(), text('two'));
    await written();
    await expect.poll(rows).toBe(0);
    expect((await open()).mayHave('key')).toBe(false);
  });

  it('writes what is collected when it is closed', async () => {
    const cache = await open();
    cache.store('response', 'key', clock.now(), text('one'));
    cache.close();
    await store.flush();
    expect((await open()).mayHave('key')).toBe(true);
  });
});

describe('the persistent cache', () => {
  beforeEach(async () => {
    store = await stores.open('sqlite');
  });

  it('stores neither a value above its bound nor more than it may collect', async () => {
    const cache = await open({ maxBytes: 10_000 * KIB });
    cache.store('response', 'large', clock.now(), () => Buffer.alloc(MAX_VALUE_BYTES + 1));
    for (let index = 0; index < MAX_UNWRITTEN + 10; index++)
      cache.store('response', `key ${index}`, clock.now(), text('x'));
    await written();
    await written();
    expect(cache.mayHave('large')).toBe(false);
    await expect.poll(rows).toBe(MAX_UNWRITTEN - 1);
    const small = await open({ maxBytes: ROW_BYTES });
    small.store('response', 'too much', clock.now(), text('x'));
    await written();
    expect(small.mayHave('too much')).toBe(false);
  });

  it('goes on without a disk that takes writes, and without a database', async () => {
    const full = withoutWrites(store, new StoreUnavailable('full'));
    const first = await open();
    first.store('response', 'key', clock.now(), text('one'));
    await written();
    const cache = await open({ openStore: async () => full });
    cache.store('response', 'other', clock.now(), text('two'));
    await written();
    expect(await read(cache, 'key')).toBe('one');
    expect(cache.mayHave('other')).toBe(false);
    await expect(cache.clear()).rejects.toThrow('full');
    expect(cache.mayHave('key')).toBe(false);

    const none = await open({ openStore: () => Promise.reject(new StoreUnavailable('unreachable')) });
    none.store('response', 'key', clock.now(), text('one'));
    await written();
    expect(none.mayHave('key')).toBe(false);
    await expect(none.clear()).rejects.toThrow('not open');
  });
});
