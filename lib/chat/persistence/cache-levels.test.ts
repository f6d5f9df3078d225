import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '#lib/store/types';
import { type EngineHarness, engineHarness, ManualClock } from '../../../test/support/chat.ts';
import { scratchStores } from '../../../test/support/scratch-stores.ts';
import { PersistentCache } from './persistent-cache.ts';

const TTL_MS = 3_600_000;
const stores = scratchStores('cache-levels');
let store: Store;
let clock: ManualClock;

beforeEach(async () => {
  clock = new ManualClock();
  store = await stores.open('sqlite');
});

/** The engine of a process over the database. */
async function start(env: Record<string, string> = {}): Promise<EngineHarness> {
  const persistentCache = new PersistentCache({
    openStore: async () => store,
    maxBytes: 1024 * 1024,
    ttlMs: TTL_MS,
    format: 'format',
    isOn: true,
    clock,
    log: { warn: () => {} },
  });
  await persistentCache.open();
  return engineHarness(env, { clock, persistentCache });
}

/** Generates responses, and writes them. */
async function fill(harness: EngineHarness, contents: readonly string[], submitter: object = {}): Promise<void> {
  for (const content of contents) {
    await harness.submit(content, submitter);
    harness.provider.last.say(`to ${content.slice(0, 10)}`).done();
    await clock.advance(0);
  }
  await clock.advance(1_000);
  await store.flush();
  await clock.advance(0);
}

describe('the two levels of the response cache', () => {
  it('give one response to identical requests that come at the same time', async () => {
    await fill(await start(), ['one']);
    const next = await start();
    const both = await Promise.all([next.submit('one'), next.submit('one', { caller: 'bob' })]);
    expect(both.map(({ cacheStatus }) => cacheStatus)).toEqual(['hit', 'hit']);
    expect(both[0]?.generation.response?.content).toBe('to one');
    expect(next.provider.calls).toEqual([]);
    expect(next.engine.stats().response_cache).toMatchObject({ hits: 2, misses: 0, persisted: { entries: 1 } });
    expect(next.engine.stats().batch_processor.total_requests).toBe(2);
  });

  it('generate once where the database has lost the row', async () => {
    await fill(await start(), ['one']);
    const next = await start();
    await store.write(store.db.deleteFrom('chat_cache'));
    const both = await Promise.all([next.submit('one'), next.submit('one')]);
    expect(both.map(({ cacheStatus }) => cacheStatus)).toEqual(['miss', 'joined']);
    expect(next.provider.calls).toHaveLength(1);
  });

  it('keep the responses of callers apart', async () => {
    const env = { CACHE_SCOPE: 'caller' };
    await fill(await start(env), ['one']);
    const next = await start(env);
    expect((await next.submit('one', { caller: 'bob' })).cacheStatus).toBe('miss');
    expect((await next.submit('one')).cacheStatus).toBe('hit');
    expect((await (await start()).submit('one')).cacheStatus).toBe('miss');
  });

  it('keep the age of a response, and end it at its time', async () => {
    await fill(await start(), ['one']);
    await clock.advance(TTL_MS / 2);
    const next = await start();
    const hit = await next.submit('one');
    expect(Math.round((clock.now() - (hit.storedAt ?? 0)) / 1_000)).toBe(TTL_MS / 2 / 1_000 + 1);
    await clock.advance(TTL_MS / 2);
    expect((await next.submit('one')).cacheStatus).toBe('miss');
    expect((await (await start()).submit('one')).cacheStatus).toBe('miss');
  });

  it('follow the cache policy of a request', async () => {
    await fill(await start(), ['one']);
    const control = { noCache: false, noStore: false, maxAgeMs: undefined, onlyIfCached: false };
    const next = await start();
    const status = async (cacheControl: object) =>
      (await next.submit('one', { cacheControl: { ...control, ...cacheControl } })).cacheStatus;
    expect(await status({ noStore: true })).toBe('bypass');
    expect(await status({ onlyIfCached: true })).toBe('hit');
    await clock.advance(5_000);
    expect(await status({ maxAgeMs: 60_000 })).toBe('hit');
    expect(await status({ maxAgeMs: 1_000 })).toBe('miss');
    await expect((await start()).submit('one', { cacheMode: 'off' })).resolves.toMatchObject({ cacheStatus: 'bypass' });
  });

  it('find large requests, and generate again after Regenerate', async () => {
    const large = 'x'.repeat(100_000);
    await fill(await start(), [large]);
    const next = await start();
    expect((await next.submit(large, { bodyBytes: 100_100 })).cacheStatus).toBe('hit');
    const cacheControl = { noCache: true, noStore: false, maxAgeMs: undefined, onlyIfCached: false };
    await next.submit(large, { cacheControl });
    next.provider.last.say('new').done();
    await clock.advance(0);
    await clock.advance(1_000);
    await store.flush();
    expect((await (await start()).submit(large)).generation.response?.content).toBe('new');
  });

  it('ignore a damaged row', async () => {
    await fill(await start(), ['one', 'two']);
    const next = await start();
    await store.write(store.db.updateTable('chat_cache').set({ value: Buffer.from('{"content":1}') }));
    expect((await next.submit('one')).cacheStatus).toBe('miss');
  });
});
