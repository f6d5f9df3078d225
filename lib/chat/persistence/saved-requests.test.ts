import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { registerIdentitySource } from '#lib/http/identity';
import { administrator, member } from '#lib/http/principal';
import { UsageRecorder } from '#lib/people/usage/usage-recorder';
import { type UsageRow, UsageTotals } from '#lib/people/usage/usage-totals';
import { resetSingleton } from '#lib/singletons';
import { StoreUnavailable } from '#lib/store/errors';
import type { Store } from '#lib/store/types';
import { type EngineHarness, engineHarness, ManualClock } from '../../../test/support/chat.ts';
import {
  contents,
  enqueue,
  respondAll,
  type StartOptions,
  savedRows,
  startSaved,
  TTL_MS,
  turnsOf,
} from '../../../test/support/saved-requests.ts';
import { scratchStores, withoutWrites } from '../../../test/support/scratch-stores.ts';
import { MAX_STORED_RESULT_BYTES, SavedRequests } from './saved-requests.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const stores = scratchStores('saved-requests');
let store: Store;
let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

afterEach(() => resetSingleton('http.identities'));

const start = (...options: StartOptions) => startSaved({ store, clock }, ...options);
const turns = () => turnsOf(store);
const rows = () => savedRows(store);
const sumOf = (all: readonly UsageRow[], figure: 'requests' | 'joined' | 'errors') =>
  all.reduce((sum, row) => sum + row[figure], 0);

/** Lets time pass in which servers say that they run. */
async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    await clock.advance(5_000);
    await turns();
  }
}

describe('saved requests', () => {
  beforeEach(async () => {
    store = await stores.open('sqlite');
  });

  it('wait until the queue has places and displace none', async () => {
    const first = await start();
    const ids: string[] = [];
    for (let index = 0; index < 6; index++) ids.push((await enqueue(first, `request ${index}`)).id);
    const second = await start({ QUEUE_MAX_SIZE: '1' });
    respondAll(second);
    second.provider.last.done();
    for (let time = 0; time < 8; time++) {
      await turns();
      await clock.advance(20_000);
    }
    expect(contents(second)).toEqual(ids.map((_, index) => `request ${index}`));
    expect(ids.map((id) => second.engine.find(id, 'ann').state)).toEqual(ids.map(() => 'completed'));
  });

  it('can be watched and cancelled before they begin', async () => {
    const first = await start();
    const ids = [(await enqueue(first, 'one')).id, (await enqueue(first, 'two')).id];
    const [one = '', two = ''] = ids;
    const engine = await startWithoutModel();
    const news: string[] = [];
    const watched = engine.engine.find(one, 'ann');
    engine.engine.read(watched, () => news.push(watched.state));
    engine.engine.cancel(two, 'ann');
    expect([watched.state, engine.engine.find(two, 'ann').state]).toEqual(['queued', 'cancelled']);
    engine.isUp = true;
    await clock.advance(1_000);
    await turns();
    expect(contents(engine)).toEqual(['one']);
    engine.provider.last.say('text').done();
    await turns();
    expect(news.at(-1)).toBe('completed');
    expect(watched.generation.response?.content).toBe('text');
    expect((await rows()).map(([, isDone]) => isDone)).toEqual([true, true]);
  });

  it('stay saved when the server stops, and say so to their readers', async () => {
    const first = await start();
    const running = await enqueue(first, 'runs');
    const waiting = await enqueue(first, 'waits');
    const joined = await first.submit('waits');
    first.engine.close();
    await turns();
    for (const one of [running, waiting])
      expect([one.isSuspended, one.error?.message]).toEqual([true, expect.stringContaining('goes on afterwards')]);
    expect(joined.error).toMatchObject({ code: 'shutting_down', message: expect.stringContaining('again') });
    expect(joined.isSuspended).toBe(false);
    expect((await rows()).map(([, isDone]) => isDone)).toEqual([false, false]);

    const second = await startWithoutModel();
    const unbegun = second.engine.find(waiting.id, 'ann');
    second.engine.close();
    await turns();
    expect(unbegun.isSuspended).toBe(true);
    expect((await rows()).map(([, isDone]) => isDone)).toEqual([false, false]);
  });

  it('count as one request each, of which a restart is no failure', async () => {
    const totals = new UsageTotals({ now: () => Date.now() });
    const usage = new UsageRecorder();
    usage.subscribe(totals);
    const first = await start({}, {}, undefined, usage);
    await enqueue(first, 'runs');
    for (const caller of ['ann', 'bob']) await enqueue(first, 'waits', { caller });
    first.provider.last.say('some');
    await turns();
    first.engine.close();
    await turns();
    expect(totals.take().map(({ requests, errors, completion_tokens: tokens }) => [requests, errors, tokens])).toEqual([
      [0, 0, 1],
    ]);
    const second = await start({}, {}, undefined, usage);
    respondAll(second);
    second.provider.last.say('text').done();
    await turns();
    const rows = totals.take();
    expect([sumOf(rows, 'requests'), sumOf(rows, 'joined'), sumOf(rows, 'errors')]).toEqual([3, 1, 0]);
  });

  it('belong to the server that accepted them, until it does not run any more', async () => {
    let isRunning = true;
    const other = { host: 'here', pid: 2, isRunning: (pid: number) => pid !== 1 || isRunning };
    const first = await start({}, { process: { ...other, pid: 1 } });
    const { id } = await enqueue(first, 'of the first');
    const second = await start({}, { process: other });
    const elsewhere = await start({}, { process: { host: 'there', pid: 1, isRunning: () => false } });
    await pass(30);
    expect([second, elsewhere].map((engine) => engine.provider.calls.length)).toEqual([0, 0]);
    expect(() => second.engine.find(id, 'ann')).toThrow();
    isRunning = false;
    await pass(20);
    expect(contents(second)).toEqual(['of the first']);
    expect(second.engine.find(id, 'ann').state).toBe('running');
    await pass(100);
    expect(elsewhere.provider.calls).toEqual([]);
  });

  it('are taken over at once from a server that was stopped', async () => {
    const process = { host: 'here', pid: 1, isRunning: () => true };
    const first = await start({}, { process });
    const { id } = await enqueue(first, 'waits');
    first.engine.close();
    await turns();
    const second = await start({}, { process: { ...process, host: 'there' } });
    expect(second.engine.find(id, 'ann').state).toBe('running');
  });

  it.each([
    ['was killed on the same machine', false],
    ['was stopped', true],
  ])('are taken over by a server that was idle at its start, once another one %s', async (_what, isStopped) => {
    let isRunning = true;
    const process = { host: 'here', pid: 2, isRunning: (pid: number) => pid !== 1 || isRunning };
    const idle = await start({}, { process });
    await pass(60);
    const first = await start({}, { process: { ...process, pid: 1 } });
    const { id } = await enqueue(first, 'of the first');
    await pass(60);
    expect(idle.provider.calls).toEqual([]);
    if (isStopped) first.engine.close();
    else isRunning = false;
    await pass(10);
    expect(contents(idle)).toEqual(['of the first']);
    expect(idle.engine.find(id, 'ann').state).toBe('running');
  });

  it('are not saved above their bound, and run all the same', async () => {
    const first = await start({}, { maxBytes: 2 * KIB });
    expect((await enqueue(first, 'x'.repeat(KIB))).saved?.isOnDisk).toBe(true);
    const unsaved = await enqueue(first, 'y'.repeat(KIB));
    expect(unsaved.saved?.isOnDisk).toBe(false);
    expect(await rows()).toHaveLength(1);
    respondAll(first);
    first.provider.last.done();
    await turns();
    expect(unsaved.state).toBe('completed');
    expect((await enqueue(first, 'z'.repeat(KIB))).saved?.isOnDisk).toBe(true);
  });

  it('delete the oldest results above their bound', async () => {
    const first = await start({ MAX_RESPONSE_MB: '64' });
    const text = 'x'.repeat(0.4 * MAX_STORED_RESULT_BYTES);
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      ids.push((await enqueue(first, name)).id);
      first.provider.last.say(text).done();
      await turns();
    }
    await expect.poll(async () => (await rows()).map(([id]) => id)).toEqual(ids.slice(1));
  });

  it('run, and are not saved, where the disk takes no writes', async () => {
    const full = withoutWrites(store, new StoreUnavailable('full'));
    const first = await start();
    const { id } = await enqueue(first, 'from before');
    const second = await start({}, { openStore: async () => full });
    expect(second.engine.find(id, 'ann').state).toBe('running');
    const unsaved = await enqueue(second, 'now');
    expect(unsaved.saved?.isOnDisk).toBe(false);
    respondAll(second);
    second.provider.last.done();
    await turns();
    expect(unsaved.state).toBe('completed');
  });

  it('fail with a sentence where they cannot be read', async () => {
    const first = await start();
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) ids.push((await enqueue(first, name)).id);
    const [one = '', two = '', three = ''] = ids;
    await store.write(store.db.updateTable('chat_requests').set({ format: 0 }).where('id', '=', one));
    const torn = { data: Buffer.from('torn') };
    await store.write(store.db.updateTable('chat_request_parts').set(torn).where('request_id', '=', two));
    const second = await start();
    expect(contents(second)).toEqual(['three']);
    const messageOf = (id: string) => second.engine.find(id, 'ann').error?.message;
    expect(messageOf(one)).toMatch(/could not be read after the restart/);
    expect(messageOf(two)).toMatch(/not completely saved/);
    expect(second.engine.find(three, 'ann').state).toBe('running');
  });

  it('do not run for a person or key that was locked out meanwhile, and run with the rights of now', async () => {
    const AUTH = 'accounts';
    const principals = ['ann', 'bob', 'cid'].map((userId) => member(`user:${userId}`, { userId }));
    const first = await start({ AUTH });
    const ids: string[] = [];
    for (const principal of principals) {
      const { caller } = principal;
      ids.push((await enqueue(first, caller, { caller, principal })).id);
    }
    ids.push(
      (
        await enqueue(first, 'settings key', {
          caller: 'key:old',
          principal: administrator('key:old', { keyId: 'old' }),
        })
      ).id,
    );
    registerIdentitySource({
      name: 'test',
      verify: () => undefined,
      current: async (saved) => {
        if (saved.userId === 'cid') return { ...saved, models: new Set(['another']) };
        return saved.userId === 'bob' ? saved : undefined;
      },
    });
    const second = await start({ AUTH });
    const found = ids.map((id, index) => second.engine.find(id, principals[index]?.caller ?? 'key:old'));
    expect(contents(second)).toEqual(['user:bob']);
    expect(found.map(({ error }) => error?.code)).toEqual(['cancelled', undefined, 'model_not_found', 'cancelled']);
    expect(found[0]?.error?.message).toMatch(/its caller may not use this server any more/);
    expect((await rows()).map(([, isDone]) => isDone)).toEqual([true, false, true, true]);
  });

  it('keep their order also after the clock was set back', async () => {
    clock = new ManualClock();
    await clock.advance(3_600_000);
    const first = await start();
    const ids = [(await enqueue(first, 'one')).id];
    clock = new ManualClock();
    const second = await start();
    ids.push((await enqueue(second, 'two')).id, (await enqueue(second, 'three')).id);
    expect((await rows()).map(([id]) => id)).toEqual(ids);
  });

  it('do not hold up others where their sender or their API cannot be read', async () => {
    const saveApi = () => ({ name: 'api', data: Buffer.from('data') });
    const first = await start();
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) ids.push((await enqueue(first, name, { saveApi })).id);
    const [one = '', two = '', three = ''] = ids;
    const submitter = JSON.stringify({ principal: { role: 'of a later version' } });
    await store.write(store.db.updateTable('chat_requests').set({ submitter }).where('id', '=', one));
    const api = store.db.deleteFrom('chat_request_parts').where('part', '=', 'api').where('request_id', '=', two);
    await store.write(api);
    const restored: string[] = [];
    const second = await start({}, {}, (_name, { id }) => restored.push(id));
    expect(contents(second)).toEqual(['three']);
    expect(restored).toEqual([one, three]);
    const messageOf = (id: string) => second.engine.find(id, 'ann').error?.message;
    expect(messageOf(one)).toMatch(/could not be read after the restart/);
    expect(messageOf(two)).toMatch(/not completely saved/);
    expect((await rows()).map(([, isDone]) => isDone)).toEqual([true, true, false]);
  });
});

/** An engine whose model server is down until `isUp`. */
async function startWithoutModel(): Promise<EngineHarness & { isUp: boolean }> {
  const state = { isUp: false };
  const savedRequests = new SavedRequests({
    openStore: async () => store,
    maxBytes: MIB,
    resultTtlMs: TTL_MS,
    clock,
    log: { warn: () => {}, info: () => {} },
  });
  const parts = engineHarness();
  const { provider } = parts;
  const directory = {
    resolve: async () => {
      if (!state.isUp) throw new AppError('provider_unavailable', 'The model server is down.');
      return { provider, model: 'default-model' };
    },
  };
  const { engine } = engineHarness({ QUEUE_MAX_CONCURRENT: '1' }, { savedRequests, clock, directory });
  await engine.restore(() => {});
  await turns();
  return Object.assign(state, { ...parts, engine, clock });
}
