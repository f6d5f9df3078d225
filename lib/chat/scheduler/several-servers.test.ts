import { afterEach, describe, expect, it } from 'vitest';
import { member } from '#lib/http/principal';
import { settled } from '../../../test/support/chat.ts';
import {
  type Fleet,
  modelFleet,
  onlyLoadedOn,
  openCalls,
  TWO,
  takes,
  unreached,
} from '../../../test/support/model-fleet.ts';

let f: Fleet;

afterEach(() => {
  f.engine.close();
  return f.directory.close();
});

describe('requests to several model servers', () => {
  it('run at the same time, up to the slots of each', async () => {
    f = await modelFleet({ OLLAMA_API_URL: 'http://a:1#name=a&slots=2,http://b:1#name=b' });
    for (const text of ['1', '2', '3', '4']) await f.ask(text);
    expect(openCalls(f)).toEqual([2, 1]);
    expect(f.engine.load).toEqual({ running: 3, waiting: 1 });
    expect(f.engine.overview(member('ann'))).toMatchObject({
      max_concurrent: 3,
      processing: [{ model_server: expect.any(String) }, {}, {}],
      pending: [{ queue_position: 1, model_server: expect.any(String) }],
    });
  });

  it('of a hosted API never wait behind a local GPU', async () => {
    f = await modelFleet({ OLLAMA_API_URL: 'http://a:1#name=a', OPENAI_BASE_URL: 'http://b:1/v1#name=b' }, (at) => {
      at('b').listed = ['gpt'];
    });
    for (const text of ['1', '2', '3']) await f.ask(text, { model: 'm' });
    const hosted = await f.ask('4', { model: 'gpt' });
    expect(hosted.state).toBe('running');
    expect([openCalls(f), f.engine.load.waiting]).toEqual([[1, 1], 2]);
  });

  it('prefer the server with the model loaded until its wait exceeds the load', async () => {
    f = await modelFleet({ ...TWO, QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: '4000' }, onlyLoadedOn('b'));
    // A load of unknown time is ten seconds: two requests of four seconds are less, three are more.
    for (const text of ['1', '2', '3']) await f.ask(text);
    expect(openCalls(f)).toEqual([0, 1]);
    await f.ask('4');
    expect([f.at('a').asked, f.at('b').asked]).toEqual([['4'], ['1']]);
  });

  it('share cache and single flight', async () => {
    f = await modelFleet({ ...TWO, CACHE_ENABLED: 'true' });
    const [one, other] = [await f.ask('same'), await f.ask('same')];
    expect([one.cacheStatus, other.cacheStatus, f.at('a').open + f.at('b').open]).toEqual(['miss', 'joined', 1]);
    const busy = f.at('a').open === 1 ? 'a' : 'b';
    f.at(busy).last.say('x').done();
    await settled();
    // The other server would be asked now.
    await f.ask('blocks the first one', { model: 'm' });
    expect((await f.ask('same')).cacheStatus).toBe('hit');
  });

  it.each([
    ['true', 'the server that has its beginning in memory'],
    ['false', 'a free server'],
  ])('of one conversation go, with MODEL_AFFINITY=%s, to %s', async (MODEL_AFFINITY) => {
    f = await modelFleet({ ...TWO, MODEL_AFFINITY });
    const first = (await f.ask('hello')).generation.server?.name ?? '';
    const other = first === 'a' ? 'b' : 'a';
    await f.clock.advance(10);
    f.at(first).last.say('hi').done();
    await settled();
    expect((await f.ask('blocks it')).generation.server?.name).toBe(first);
    const turn = (reply: string) => ({
      messages: [
        { role: 'user', content: 'hello' },
        { role: 'assistant', content: reply },
        { role: 'user', content: 'and then?' },
      ],
    });
    // 10 ms of wait are less than the 16 ms in which a server reads eight tokens.
    const next = await f.ask('', turn('hi '));
    expect(next.state).toBe(MODEL_AFFINITY === 'true' ? 'queued' : 'running');
    if (MODEL_AFFINITY === 'true') expect((await f.ask('', turn('another reply'))).generation.server?.name).toBe(other);
  });

  it('give each server its own fair line', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    f.at('b').listed = ['other'];
    await f.directory.list(new AbortController().signal);
    await f.ask('0');
    for (const text of ['1', '2', '3']) await f.ask(text, {}, 'ann');
    const guest = await f.ask('guest', {}, 'bob');
    expect(f.engine.queueStatus(guest)).toMatchObject({ queue_position: 1, queue_length: 4 });
  });
});

describe('a request that waits', () => {
  it('moves to a server that becomes free', async () => {
    f = await modelFleet(TWO);
    for (const text of ['1', '2', '3', '4']) await f.ask(text);
    const waiting = f.engine.overview(member('ann')).pending.map(({ model_server }) => model_server);
    expect(waiting.toSorted()).toEqual(['a', 'b']);
    // One server does the work of both while the other is stuck.
    for (const _ of [1, 2, 3]) {
      await f.clock.advance(3_000);
      f.at('a').last.say('x').done();
      await settled();
    }
    expect([f.at('a').calls.length, f.at('b').calls.length, f.engine.load.waiting]).toEqual([3, 1, 0]);
  });

  it('stays where its turn comes sooner than another server can load the model', async () => {
    f = await modelFleet({ ...TWO, QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: '4000' }, onlyLoadedOn('a'));
    f.at('b').listed = ['m', 'other'];
    f.at('b').loaded = ['other'];
    await f.directory.list(new AbortController().signal);
    await f.ask('on b', { model: 'other' });
    for (const text of ['1', '2']) await f.ask(text);
    f.at('b').last.say('x').done();
    await settled();
    expect([f.at('b').open, f.engine.load.waiting]).toEqual([0, 1]);
  });

  it('is cancelled, raised and found wherever it waits', async () => {
    f = await modelFleet({ ...TWO, CACHE_ENABLED: 'true' });
    for (const text of ['1', '2', '3', '4', '5', '6']) await f.ask(text);
    const { pending } = f.engine.overview(member('ann'));
    expect(pending.map(({ queue_position }) => queue_position)).toEqual([1, 1, 2, 2]);
    const raised = await f.ask('6', { priority: 5 });
    expect(f.engine.queueStatus(raised).queue_position).toBe(1);
    const shared = new Set([...(raised.generation.requests ?? [])].map(({ id }) => id));
    const others = pending.map(({ request_id: id = '' }) => id).filter((id) => !shared.has(id));
    for (const id of others) f.engine.cancel(id, 'ann');
    expect([others.length, f.engine.load.waiting]).toEqual([3, 1]);
    for (const id of shared) f.engine.cancel(id, 'ann');
    expect(f.engine.load.waiting).toBe(0);
  });

  it('counts in the bounds of the whole queue', async () => {
    f = await modelFleet({ ...TWO, QUEUE_MAX_SIZE: '2' });
    for (const text of ['1', '2', '3', '4']) await f.ask(text);
    await expect(f.submit('5')).rejects.toMatchObject({ code: 'queue_full', data: { queue_length: 2 } });
  });

  it('has positions that only fall while its server works', async () => {
    f = await modelFleet(TWO);
    const positions: number[] = [];
    for (const text of ['1', '2', '3', '4', '5', '6']) await f.ask(text);
    const last = await f.ask('last');
    f.engine.read(last, () => {
      const status = last.generation.log.status;
      if (status !== undefined && positions.at(-1) !== status.queue_position) positions.push(status.queue_position);
    });
    for (let round = 0; round < 6 && last.state === 'queued'; round++) {
      for (const name of ['a', 'b']) if (f.at(name).open > 0) f.at(name).last.say('x').done();
      await settled();
    }
    expect(last.state).toBe('running');
    expect(positions).toEqual(positions.toSorted((one, other) => other - one));
    expect(positions.at(-1)).toBe(0);
  });

  it('is estimated from the measured times of its model on its server', async () => {
    f = await modelFleet({ OLLAMA_API_URL: 'http://a:1#name=a', OPENAI_BASE_URL: 'http://b:1/v1#name=b' }, (at) => {
      at('b').listed = ['gpt'];
    });
    for (const [model, name, ms] of [
      ['m', 'a', 8_000],
      ['gpt', 'b', 500],
    ] as const) {
      await f.ask('measured', { model });
      await f.clock.advance(ms);
      f.at(name).last.say('x').done();
      await settled();
    }
    const wait = async (model: string) => {
      await f.ask('runs', { model });
      return f.engine.queueStatus(await f.ask('waits', { model })).estimated_wait_time;
    };
    expect([await wait('m'), await wait('gpt')]).toEqual([8_000, 500]);
    expect(f.engine.modelServers().map(({ average_ms }) => average_ms)).toEqual([8_000, 500]);
  });
});

describe('throughput', () => {
  it('is the sum of what the servers can do, whatever their speed', async () => {
    f = await modelFleet({
      OLLAMA_API_URL: 'http://a:1#name=a&slots=2,http://b:1#name=b,http://c:1#name=c',
      QUEUE_MAX_SIZE: '1000',
    });
    for (const [name, ms] of [
      ['a', 400],
      ['b', 1_000],
      ['c', 200],
    ] as const)
      takes(f, f.at(name), ms);
    let next = 0;
    let isOver = false;
    // Twelve callers who ask again as soon as they have a response.
    for (let caller = 0; caller < 12; caller++) {
      const again = async () => {
        if (isOver) return;
        next += 1;
        const pending = await f.ask(`question ${next}`, {}, `caller ${caller}`);
        const check = () => {
          if (pending.finishedAt !== undefined) void again();
        };
        f.engine.read(pending, check);
      };
      await again();
    }
    const before = f.engine.counters().completed;
    const seconds = 60;
    await f.clock.advance(seconds * 1_000);
    isOver = true;
    // 5 + 1 + 5 responses a second.
    expect(f.engine.counters().completed - before).toBeGreaterThanOrEqual(0.95 * 11 * seconds);
    expect(f.engine.counters().failed).toBe(0);
  });

  it('loses no request without a token when a server is killed under load', async () => {
    f = await modelFleet({ OLLAMA_API_URL: 'http://a:1#name=a,http://b:1#name=b,http://c:1#name=c' });
    for (const [name, ms] of [
      ['a', 400],
      ['b', 1_000],
      ['c', 200],
    ] as const)
      takes(f, f.at(name), ms);
    const all = [];
    for (let index = 0; index < 40; index++) all.push(await f.ask(`question ${index}`, {}, `caller ${index % 7}`));
    await f.clock.advance(1_100);
    f.at('c').isDown = true;
    for (const call of f.at('c').calls) if (!call.closed) call.fail(unreached('c is down'));
    await f.clock.advance(30_000);
    expect(all.map(({ state }) => state)).toEqual(all.map(() => 'completed'));
    expect(f.engine.load).toEqual({ running: 0, waiting: 0 });
  });
});
