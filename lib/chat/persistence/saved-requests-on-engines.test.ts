import { beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import type { Store } from '#lib/store/types';
import { ManualClock } from '../../../test/support/chat.ts';
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
import { scratchStores } from '../../../test/support/scratch-stores.ts';

const KIB = 1024;

const stores = scratchStores('saved-on-engines');
let store: Store;
let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

const start = (...options: StartOptions) => startSaved({ store, clock }, ...options);
const turns = () => turnsOf(store);
const rows = () => savedRows(store);
const partsOf = async (part: 'request' | 'result') =>
  (await store.db.selectFrom('chat_request_parts').select('number').where('part', '=', part).execute()).length;

describe.each(['sqlite', 'postgres'] as const)('saved requests on %s', (engine) => {
  beforeEach(async () => {
    store = await stores.open(engine);
  });

  it('run again in their order under their ids, each once', async () => {
    const first = await start();
    const accepted = [];
    for (const name of ['one', 'two', 'three', 'four']) accepted.push(await enqueue(first, name));
    const ids = accepted.map(({ id }) => id);
    expect(accepted.every(({ saved }) => saved?.isOnDisk)).toBe(true);
    expect(contents(first)).toEqual(['one']);
    first.engine.cancel(ids[2] ?? '', 'ann');
    await turns();
    expect(await rows()).toEqual([
      [ids[0], false],
      [ids[1], false],
      [ids[2], true],
      [ids[3], false],
    ]);

    await clock.advance(5_000);
    const second = await start();
    expect(contents(second)).toEqual(['one']);
    const found = ids.map((id) => second.engine.find(id, 'ann'));
    expect(found.map(({ state }) => state)).toEqual(['running', 'queued', 'cancelled', 'queued']);
    expect(found.map((one) => second.engine.queueStatus(one).queue_position)).toEqual([0, 1, 0, 2]);
    expect(Math.floor(found[0]?.createdAt ?? 0)).toBe(Math.floor(accepted[0]?.createdAt ?? 1));
    expect(() => second.engine.find(ids[0] ?? '', 'bob').id).not.toThrow();
    respondAll(second);
    second.provider.last.say('to one').done();
    await turns();
    expect(contents(second)).toEqual(['one', 'two', 'four']);
    expect(found.map(({ state }) => state)).toEqual(['completed', 'completed', 'cancelled', 'completed']);
    expect([await partsOf('request'), await partsOf('result')]).toEqual([0, 4]);

    const third = await start();
    expect(contents(third)).toEqual([]);
    expect(third.engine.find(ids[3] ?? '', 'ann').generation.response?.content).toBe('to four');
    await clock.advance(TTL_MS + 1);
    await turns();
    expect(() => third.engine.find(ids[3] ?? '', 'ann')).toThrow(/No request has this id/);
    await clock.advance(60_000);
    await expect.poll(rows).toEqual([]);
    expect(await partsOf('result')).toBe(0);
  });

  it('join each other again, and honour their idempotency keys', async () => {
    const first = await start();
    await enqueue(first, 'holds the slot');
    const same = [];
    for (const caller of ['ann', 'bob', 'cid']) same.push(await enqueue(first, 'same', { caller }));
    const keyed = await enqueue(first, 'keyed', { idempotencyKey: 'key' });
    const second = await start();
    expect((await enqueue(second, 'keyed', { idempotencyKey: 'key' })).id).toBe(keyed.id);
    await expect(enqueue(second, 'other', { idempotencyKey: 'key' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
    respondAll(second);
    second.provider.last.done();
    await turns();
    expect(contents(second)).toEqual(['holds the slot', 'same', 'keyed']);
    for (const { id, caller } of same) expect(second.engine.find(id, caller).state).toBe('completed');
  });

  it('keep large images in pieces, and the wishes of their headers', async () => {
    const image = Buffer.alloc(700 * KIB, 'image').toString('base64');
    const messages = [{ role: 'user' as const, content: 'look', images: [image, 'AAAA'] }];
    const first = await start();
    await enqueue(first, 'holds the slot');
    const cacheControl = { noCache: true, noStore: false, maxAgeMs: undefined, onlyIfCached: false };
    const { id } = await enqueue(first, { messages, options: { temperature: 0.5 }, priority: 3 }, { cacheControl });
    expect(await partsOf('request')).toBe(4);
    const second = await start();
    expect(second.engine.find(id, 'ann').cacheStatus).toBe('bypass');
    respondAll(second);
    second.provider.last.done();
    await turns();
    expect(second.provider.last.request).toMatchObject({ messages, options: { temperature: 0.5 } });
  });

  it('go on with the whole conversation', async () => {
    const first = await start();
    const turn = async (content: string) =>
      await enqueue(first, { conversation_id: 'c', messages: [{ role: 'user', content }] });
    await turn('one');
    first.provider.last.say('first').done();
    await turns();
    await turn('two');
    const second = await start();
    expect(second.provider.last.request.messages.map(({ content }) => content)).toEqual(['one', 'first', 'two']);
  });

  it('may name a model as no database can', async () => {
    const first = await start();
    await enqueue(first, 'holds the slot');
    const names = ['a\0b', 'a\ud800', 'a\udfff', '\0'];
    for (const model of names) {
      const { saved } = await enqueue(first, { model, messages: [{ role: 'user', content: `to ${model}` }] });
      expect([model, saved?.isOnDisk]).toEqual([model, true]);
    }
    const second = await start();
    respondAll(second);
    second.provider.last.done();
    await turns();
    expect(contents(second)).toEqual(['holds the slot', ...names.map((model) => `to ${model}`)]);
  });

  it('keep their failures with code and figures', async () => {
    const first = await start();
    const failed = await enqueue(first, 'fails');
    first.provider.last.fail(new AppError('context_length_exceeded', 'Too long.', { data: { limit_tokens: 7 } }));
    await turns();
    const hit = await enqueue(first, 'again');
    first.provider.last.say('text').done();
    await turns();
    const cached = await enqueue(first, 'again');
    expect(cached.cacheStatus).toBe('hit');
    const second = await start();
    expect(second.engine.find(failed.id, 'ann').error).toMatchObject({
      code: 'context_length_exceeded',
      message: 'Too long.',
      data: { limit_tokens: 7 },
    });
    expect([hit, cached].map(({ id }) => second.engine.find(id, 'ann').cached)).toEqual([false, true]);
  });

  it('are deleted by their ids only when they expire', async () => {
    const first = await start();
    const { id } = await enqueue(first, 'used twice');
    first.provider.last.say('old').done();
    await turns();
    await clock.advance(TTL_MS + 1);
    const next = await enqueue(first, 'another', { id, isIdGiven: true });
    expect(next.id).toBe(id);
    await turns();
    const second = await start();
    expect(contents(second)).toEqual(['another']);
  });
});
