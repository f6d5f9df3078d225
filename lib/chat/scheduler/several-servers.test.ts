import { afterEach, describe, expect, it } from 'vitest';
import type { TaskWork } from '#lib/chat/scheduler/task';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import { settled } from '../../../test/support/chat.ts';
import { type Fleet, type FleetProvider, modelFleet } from '../../../test/support/model-fleet.ts';

const TWO = { OLLAMA_API_URL: 'http://a:1#name=a,http://b:1#name=b' };
let f: Fleet;

afterEach(() => {
  f.engine.close();
  return f.directory.close();
});

const unreached = (what: string) => new AppError('provider_unavailable', what, { upstream: { isUnreached: true } });
/** Every request of the model `m` begins on `first`: the other has to load the model. */
const onlyLoadedOn = (first: string) => (at: Fleet['at']) => {
  for (const name of ['a', 'b']) at(name).loaded = name === first ? ['m'] : [];
};
/** The server accepts connections, and responds to nothing. */
async function hangs(name: string): Promise<void> {
  const provider = f.at(name);
  provider.models = provider.check = async () => {
    throw new AppError('provider_unavailable', `${name} does not respond in time`);
  };
  f.directory.servers.reportFailure(f.server(name), new AppError('upstream_timeout', 'too slow'));
  await settled();
}
const open = () => [f.at('a').open, f.at('b').open];

/** A model whose responses take `ms`. */
function takes(provider: FleetProvider, ms: number): void {
  provider.onCall = (call) => void f.clock.after(ms, () => call.say('x').done());
}

describe('requests to several model servers', () => {
  it('run at the same time, up to the slots of each', async () => {
    f = await modelFleet({ OLLAMA_API_URL: 'http://a:1#name=a&slots=2,http://b:1#name=b' });
    for (const text of ['1', '2', '3', '4']) await f.ask(text);
    expect(open()).toEqual([2, 1]);
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
    expect([open(), f.engine.load.waiting]).toEqual([[1, 1], 2]);
  });

  it('prefer the server with the model loaded until its wait exceeds the load', async () => {
    f = await modelFleet({ ...TWO, QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: '4000' }, onlyLoadedOn('b'));
    // A load of unknown time is ten seconds: two requests of four seconds are less, three are more.
    for (const text of ['1', '2', '3']) await f.ask(text);
    expect(open()).toEqual([0, 1]);
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

describe('a failure before the first token', () => {
  it('is not seen by the caller while another server responds', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    f.at('b').onCall = (call) => call.say('from b').done();
    const pending = await f.ask('1');
    f.at('a').last.fail(new AppError('upstream_failed', 'it broke'));
    await settled();
    expect([pending.state, pending.generation.server?.name]).toEqual(['completed', 'b']);
    expect(f.engine.counters()).toMatchObject({ completed: 1, failed: 0 });
  });

  it('puts a request to the front of the next line', async () => {
    f = await modelFleet(TWO);
    const [one, two] = [await f.ask('1'), await f.ask('2')];
    for (const text of ['3', '4', '5', '6']) await f.ask(text, {}, 'bob');
    const [failing, name] = one.generation.server === f.server('a') ? [one, 'a'] : [two, 'a'];
    f.at(name).isDown = true;
    f.at(name).last.fail(unreached('a is down'));
    await settled();
    expect(failing.state).toBe('queued');
    expect(f.engine.queueStatus(failing).queue_position).toBe(1);
    f.at('b').last.say('x').done();
    await settled();
    expect(failing.generation.server?.name).toBe('b');
    expect(failing.state).toBe('running');
  });

  it.each([
    ['first', [0, 1, 2]],
    ['last', [2, 1, 0]],
  ])(
    'puts several requests to the front in the order of their arrival, the %s one failing first',
    async (_which, order) => {
      f = await modelFleet({ OLLAMA_API_URL: 'http://a:1#name=a&slots=3,http://b:1#name=b' }, onlyLoadedOn('a'));
      for (const text of ['1', '2', '3']) {
        await f.ask(text);
        await f.clock.advance(10);
      }
      f.at('b').listed = ['m', 'other'];
      await f.directory.list(new AbortController().signal);
      await f.ask('busy', { model: 'other' });
      for (const text of ['4', '5']) await f.ask(text, { model: 'other' });
      f.at('a').isDown = true;
      for (const index of order) f.at('a').calls[index]?.fail(unreached('a is down'));
      await settled();
      for (let round = 0; round < 6; round++) {
        f.at('b').last.say('x').done();
        await settled();
      }
      expect(f.at('b').asked).toEqual(['busy', '1', '2', '3', '4', '5']);
    },
  );

  it('is reported once every server has failed', async () => {
    f = await modelFleet({ ...TWO, UPSTREAM_RETRIES: '0' });
    for (const name of ['a', 'b'])
      f.at(name).onCall = (call) => call.fail(new AppError('upstream_failed', `${name} broke`));
    const pending = await f.ask('1');
    expect(pending.error?.code).toBe('upstream_failed');
    expect([f.at('a').calls.length, f.at('b').calls.length]).toEqual([1, 1]);
  });

  it('is retried on its server if the other one went down meanwhile', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const pending = await f.ask('1');
    f.at('b').isDown = true;
    await f.directory.check(new AbortController().signal);
    f.at('a').last.fail(new AppError('upstream_failed', 'it broke'));
    await settled();
    expect(f.at('a').calls).toHaveLength(2);
    f.at('a').last.say('x').done();
    await settled();
    expect(pending.state).toBe('completed');
  });

  it('moves no request that is itself at fault', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const pending = await f.ask('1');
    f.at('a').last.fail(new AppError('unsupported_value', 'no images here'));
    await settled();
    expect([pending.error?.code, f.at('b').calls.length]).toEqual(['unsupported_value', 0]);
  });

  it('is reported after the first token', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const pending = await f.ask('1');
    f.at('a').last.say('half').fail(new AppError('upstream_failed', 'it broke'));
    await settled();
    expect([pending.error?.message, f.at('b').calls.length]).toEqual(['it broke', 0]);
  });

  it('takes the next model of an alias', async () => {
    f = await modelFleet({ ...TWO, CACHE_ENABLED: 'true', MODEL_ALIASES: 'fast=m@a,other' }, (at) => {
      at('b').listed = ['m', 'other'];
    });
    f.at('b').onCall = (call) => call.say('from the other').done();
    const pending = await f.ask('1', { model: 'fast' });
    f.at('a').last.fail(new AppError('model_not_found', 'removed a moment ago'));
    await settled();
    expect([pending.state, pending.model, f.at('b').last.request.model]).toEqual(['completed', 'other', 'other']);
    // The response of another model is in no cache as one of the first.
    f.at('a').onCall = (call) => call.say('from m').done();
    const direct = await f.ask('1', { model: 'm' });
    expect(direct.cacheStatus).toBe('miss');
  });

  it('is not repeated on a server that is free because it fails at once', async () => {
    f = await modelFleet(TWO);
    const both = [await f.ask('1'), await f.ask('2')];
    f.at('a').onCall = (call) => call.fail(new AppError('upstream_failed', 'it broke again'));
    f.at('a').last.fail(new AppError('upstream_failed', 'it broke'));
    await settled();
    expect(f.at('a').calls).toHaveLength(1);
    f.at('b').onCall = (call) => call.say('from b').done();
    f.at('b').last.say('x').done();
    await settled();
    expect(both.map(({ state }) => state)).toEqual(['completed', 'completed']);
  });

  it('of a model keeps requests from its server for a while', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    f.at('b').onCall = (call) => call.say('x').done();
    await f.ask('1');
    f.at('a').last.fail(new AppError('upstream_failed', 'it broke'));
    await settled();
    await f.ask('2');
    expect([f.at('a').asked, f.at('b').asked]).toEqual([['1'], ['1', '2']]);
  });
});

describe('a server that is down', () => {
  it('gets no requests, and its line moves after 15 seconds', async () => {
    f = await modelFleet({ ...TWO, QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: '1000' });
    for (const text of ['1', '2', '3', '4', '5', '6']) await f.ask(text);
    f.at('a').isDown = true;
    f.at('a').last.fail(unreached('a is down'));
    await settled();
    const waitingAt = (name: string) =>
      f.engine.overview(member('ann')).pending.filter(({ model_server }) => model_server === name).length;
    expect([waitingAt('a'), waitingAt('b')]).toEqual([2, 3]);
    await f.ask('7');
    expect(waitingAt('b')).toBe(4);
    await f.clock.advance(14_900);
    expect([waitingAt('a'), waitingAt('b')]).toEqual([2, 4]);
    await f.clock.advance(200);
    expect([waitingAt('a'), waitingAt('b')]).toEqual([0, 6]);
    expect(f.at('a').calls).toHaveLength(1);
  });

  it('is left by a request that it never responded to', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const pending = await f.ask('1');
    f.at('b').onCall = (call) => call.say('from b').done();
    // The connection stays open: the machine has no power.
    f.at('a').isDown = true;
    f.directory.servers.reportFailure(f.server('a'), new AppError('upstream_timeout', 'too slow'));
    await settled();
    await f.clock.advance(14_000);
    expect(pending.state).toBe('running');
    await f.clock.advance(2_000);
    expect([pending.state, pending.generation.server?.name]).toEqual(['completed', 'b']);
    expect(f.at('a').last.signal.aborted).toBe(true);
  });

  it('is left by all that wait for it once another model of the alias can respond', async () => {
    f = await modelFleet({ ...TWO, MODEL_ALIASES: 'fast=m@a,other' }, (at) => {
      at('b').listed = ['other'];
    });
    f.at('b').onCall = (call) => call.say('from b').done();
    const all = [];
    for (const text of ['1', '2', '3']) all.push(await f.ask(text, { model: 'fast' }));
    await hangs('a');
    await f.clock.advance(17_000);
    expect(all.map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
  });

  it('is left by a request that it never responded to when another one comes up', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const pending = await f.ask('1');
    f.at('b').onCall = (call) => call.say('from b').done();
    f.at('b').isDown = true;
    await f.directory.check(new AbortController().signal);
    await hangs('a');
    await f.clock.advance(17_000);
    expect(pending.state).toBe('running');
    f.at('b').isDown = false;
    await f.clock.advance(1_000);
    expect(pending.state).toBe('completed');
  });

  it('goes on with its line when it is up again', async () => {
    f = await modelFleet({ ...TWO, QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: '1000' });
    for (const text of ['1', '2', '3', '4']) await f.ask(text);
    f.at('a').isDown = true;
    f.at('a').last.fail(unreached('a is down'));
    await f.clock.advance(3_000);
    expect(f.at('a').open).toBe(0);
    f.at('a').isDown = false;
    await f.clock.advance(1_000);
    expect(f.at('a').open).toBe(1);
    // The move is not done later.
    await f.clock.advance(20_000);
    expect(f.at('a').open).toBe(1);
  });

  it('has its line done by one that is free', async () => {
    f = await modelFleet(TWO);
    for (const text of ['1', '2', '3']) await f.ask(text);
    const [down, free] = f.engine.modelServers()[0]?.waiting === 1 ? ['a', 'b'] : ['b', 'a'];
    f.at(free).last.say('x').done();
    f.at(down).isDown = true;
    f.at(down).last.fail(unreached('down'));
    for (let round = 0; round < 3; round++) {
      await settled();
      if (f.at(free).open > 0) f.at(free).last.say('x').done();
    }
    await settled();
    expect(f.engine.counters()).toMatchObject({ completed: 3, failed: 0 });
  });

  it('fails the running and new requests that no other server can do at once, the waiting ones after 15 seconds', async () => {
    f = await modelFleet(TWO, (at) => {
      at('b').listed = ['other'];
    });
    const [running, waiting, last] = [await f.ask('1'), await f.ask('2'), await f.ask('3')];
    f.at('a').isDown = true;
    f.at('a').last.fail(unreached('a is down'));
    await settled();
    expect([running.error?.message, waiting.state, last.state]).toEqual(['a is down', 'queued', 'queued']);
    await expect(f.submit({ model: 'm' })).rejects.toThrow('a is down');
    await f.clock.advance(14_900);
    expect([waiting.state, last.state]).toEqual(['queued', 'queued']);
    await f.clock.advance(200);
    expect([waiting.error?.message, last.error?.message]).toEqual(['a is down', 'a is down']);
  });

  it('does what waits for it when it is up again, also where all servers were down', async () => {
    f = await modelFleet(TWO);
    for (const name of ['a', 'b']) f.at(name).onCall = () => {};
    const all = [];
    for (const text of ['1', '2', '3', '4', '5']) all.push(await f.ask(text));
    for (const name of ['a', 'b']) f.at(name).isDown = true;
    for (const name of ['a', 'b']) for (const call of f.at(name).calls) if (!call.closed) call.fail(unreached('down'));
    await f.clock.advance(5_000);
    const waiting = all.filter(({ state }) => state === 'queued');
    expect(waiting.length).toBeGreaterThanOrEqual(3);
    f.at('b').isDown = false;
    f.at('b').onCall = (call) => call.say('x').done();
    await f.clock.advance(11_000);
    expect(waiting.map(({ state }) => state)).toEqual(waiting.map(() => 'completed'));
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
      takes(f.at(name), ms);
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
      takes(f.at(name), ms);
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

describe('a task', () => {
  const task = { caller: 'ann', model: 'm', bytes: 10, signal: new AbortController().signal };

  it('runs on another server than the one that is busy', async () => {
    f = await modelFleet(TWO);
    const busy = (await f.ask('1')).generation.server?.name;
    const name = await f.engine.runTask(task, async (provider) => (provider === f.at('a') ? 'a' : 'b'));
    expect(name).toBe(busy === 'a' ? 'b' : 'a');
  });

  it('is repeated on the next server if it may be, and only then', async () => {
    f = await modelFleet(TWO);
    const names: string[] = [];
    const work = async (provider: unknown) => {
      names.push(provider === f.at('a') ? 'a' : 'b');
      if (names.length === 1) throw unreached('down');
      return names.length;
    };
    expect(await f.engine.runTask({ ...task, isRepeatable: true }, work)).toBe(2);
    expect(new Set(names).size).toBe(2);
    names.length = 0;
    await expect(f.engine.runTask(task, work)).rejects.toThrow('down');
    expect(f.engine.load.running).toBe(0);
  });

  it('leaves a server that responds to nothing once that is down, unless a part of the result was passed on', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const signals: AbortSignal[] = [];
    const work: TaskWork<string> = async (provider, signal, _model, calls) => {
      if (provider === f.at('b')) return 'from b';
      signals.push(signal);
      if (signals.length === 2) calls.begin();
      return await new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    };
    const moved = f.engine.runTask({ ...task, isRepeatable: true }, work);
    await settled();
    await hangs('a');
    await f.clock.advance(17_000);
    expect([await moved, signals[0]?.aborted]).toEqual(['from b', true]);
    f.engine.close();
    await f.directory.close();

    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const begun = f.engine.runTask({ ...task, isRepeatable: true }, work);
    begun.catch(() => {});
    await settled();
    await hangs('a');
    await f.clock.advance(17_000);
    expect([signals.length, signals[1]?.aborted]).toEqual([2, false]);
  });

  it('is not retried on its server while another one can do it, and is once that went down', async () => {
    const calls: string[] = [];
    const retries: (number | undefined)[] = [];
    f = await modelFleet(TWO, onlyLoadedOn('a'), {
      guard: (_provider, _model, call, _signal, given) => {
        retries.push(given);
        return call();
      },
    });
    const fails: TaskWork<string> = (provider, _signal, _model, { guard }) =>
      guard(async () => {
        calls.push(provider === f.at('a') ? 'a' : 'b');
        if (calls.length === 1) throw new AppError('upstream_failed', 'it broke');
        return 'done';
      });
    const repeated = { ...task, isRepeatable: true, isRetried: true };
    expect(await f.engine.runTask(repeated, fails)).toBe('done');
    expect([calls, retries]).toEqual([
      ['a', 'b'],
      [0, 1],
    ]);
    calls.length = retries.length = 0;
    await f.clock.advance(6_000);
    const failing: TaskWork<string> = (provider, signal, model, own) =>
      fails(provider, signal, model, { ...own, guard: (call) => own.guard(() => held.then(call)) });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stays = f.engine.runTask(repeated, failing);
    await settled();
    f.at('b').isDown = true;
    await f.directory.check(new AbortController().signal);
    release();
    expect(await stays).toBe('done');
    expect([calls, retries]).toEqual([
      ['a', 'a'],
      [0, 2],
    ]);
  });

  it('that takes too long makes its server checked', async () => {
    f = await modelFleet({ ...TWO, UPSTREAM_TOTAL_TIMEOUT_MS: '1000' }, onlyLoadedOn('a'));
    const late = f.engine.runTask(task, () => new Promise<never>(() => {}));
    const failed = late.catch((error: unknown) => error);
    await settled();
    f.at('a').isDown = true;
    await f.clock.advance(1_000);
    expect(await failed).toMatchObject({ code: 'upstream_timeout' });
    await settled();
    expect(f.server('a').isUp).toBe(false);
  });
});

describe('loading a model', () => {
  const open = new AbortController().signal;
  const THREE = { OLLAMA_API_URL: 'http://a:1#name=a,http://b:1#name=b,http://c:1#name=c' };
  const loads = () => ['a', 'b', 'c'].map((name) => f.at(name).loads);

  it('is done on every server that is up and has it, and says where', async () => {
    f = await modelFleet(THREE, (at) => {
      at('b').listed = ['other'];
    });
    expect(await f.engine.warmModel('m', open, { on: 'all' })).toEqual({
      model: 'm',
      load_duration_ms: 1,
      servers: [
        { name: 'a', load_duration_ms: 1 },
        { name: 'c', load_duration_ms: 1 },
      ],
    });
    expect(loads()).toEqual([['m'], [], ['m']]);
    f.at('c').isDown = true;
    const partly = await f.engine.warmModel('m', open, { on: 'all' });
    expect(partly.servers).toEqual([
      { name: 'a', load_duration_ms: 1 },
      { name: 'c', error: 'c is down' },
    ]);
    // It is known to be down now.
    expect((await f.engine.warmModel('m', open, { on: 'all' })).servers).toHaveLength(1);
    f.at('a').isDown = true;
    await expect(f.engine.warmModel('m', open, { on: 'all' })).rejects.toMatchObject({
      code: 'model_load_failed',
      message: 'a is down',
    });
  });

  it('is done on the server that is named, or on the first', async () => {
    f = await modelFleet(THREE, (at) => {
      at('a').loaded = [];
      at('c').listed = ['other'];
    });
    await f.engine.warmModel('m', open, { on: { server: 'a' } });
    expect(loads()).toEqual([['m'], [], []]);
    await expect(f.engine.warmModel('m', open, { on: { server: 'x' } })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('a, b, c'),
    });
    await expect(f.engine.warmModel('m', open, { on: { server: 'c' } })).rejects.toMatchObject({
      code: 'model_load_failed',
      message: 'The model server c has no model m.',
    });
    await f.engine.warmModel('m', open);
    expect(loads().flat()).toHaveLength(2);
  });
});
