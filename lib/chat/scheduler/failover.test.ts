import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import { settled } from '../../../test/support/chat.ts';
import { type Fleet, hangs, modelFleet, onlyLoadedOn, TWO, unreached } from '../../../test/support/model-fleet.ts';

let f: Fleet;

afterEach(() => {
  f.engine.close();
  return f.directory.close();
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
    await hangs(f, 'a');
    await f.clock.advance(17_000);
    expect(all.map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
  });

  it('is left by a request that it never responded to when another one comes up', async () => {
    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const pending = await f.ask('1');
    f.at('b').onCall = (call) => call.say('from b').done();
    f.at('b').isDown = true;
    await f.directory.check(new AbortController().signal);
    await hangs(f, 'a');
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
