import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { settled } from '../../test/support/chat.ts';
import { type Fleet, modelFleet } from '../../test/support/model-fleet.ts';

const TWO = { OLLAMA_API_URL: 'http://a:1#name=a,http://b:1#name=b' };
let f: Fleet;

afterEach(() => {
  f.engine.close();
  return f.directory.close();
});

const states = () => f.engine.modelServers().map(({ name, state }) => `${name} ${state}`);

describe('ModelServers', () => {
  it('has ids that do not depend on credentials or on what else is set', async () => {
    f = await modelFleet({ OLLAMA_API_URL: 'http://user:secret@a:1#name=a&slots=3' });
    const [{ id, address, slots } = { id: '', address: '', slots: 0 }] = f.engine.modelServers();
    expect([id, address, slots]).toEqual(['863bcca6', 'http://a:1', 3]);
  });

  it('is down within two seconds of a failure, and up without a request that has to fail', async () => {
    f = await modelFleet(TWO);
    expect(states()).toEqual(['a up', 'b up']);
    f.at('a').isDown = true;
    f.directory.servers.reportFailure(f.server('a'), new AppError('upstream_failed', 'closed the connection'));
    await settled();
    expect(states()).toEqual(['a down', 'b up']);
    expect(f.engine.modelServers()[0]?.error).toBe('a is down');
    await f.clock.advance(10_000);
    const atFirst = f.at('a').checks;
    expect(atFirst).toBeGreaterThan(10);
    await f.clock.advance(60_000);
    const soon = f.at('a').checks;
    await f.clock.advance(60_000);
    // Less often once it seems to be switched off.
    expect(f.at('a').checks - soon).toBeLessThan(atFirst);
    f.at('a').isDown = false;
    await f.clock.advance(5_000);
    expect(states()).toEqual(['a up', 'b up']);
    expect([f.at('a').calls, f.at('b').calls]).toEqual([[], []]);
    const { checks } = f.at('a');
    await f.clock.advance(60_000);
    expect(f.at('a').checks).toBe(checks);
  });

  it('stays up when a request fails and the server responds to its probe', async () => {
    f = await modelFleet(TWO);
    f.directory.servers.reportFailure(f.server('a'), new AppError('upstream_failed', 'a broken model'));
    await settled();
    expect([states()[0], f.at('a').checks]).toEqual(['a up', 1]);
  });

  it('does not take a rate limit or a wrong request for a failure of the server', async () => {
    f = await modelFleet(TWO);
    const limited = new AppError('provider_unavailable', 'slow down', { upstream: { isRateLimited: true } });
    f.directory.servers.reportFailure(f.server('a'), limited);
    f.directory.servers.reportFailure(f.server('a'), new AppError('model_not_found', 'no such model'));
    await settled();
    expect(f.at('a').checks).toBe(0);
  });

  it('reads lists every 15 seconds while requests come, and never when idle', async () => {
    f = await modelFleet(TWO);
    f.at('a').onCall = f.at('b').onCall = (call) => call.say('x').done();
    const lists = () => f.at('b').lists;
    expect(lists()).toBe(1);
    await f.clock.advance(60_000);
    expect(lists()).toBe(1);
    await f.ask('one');
    expect(lists()).toBe(2);
    await f.clock.advance(14_000);
    await f.ask('two');
    expect(lists()).toBe(2);
    await f.clock.advance(1_000);
    expect(lists()).toBe(3);
    await f.clock.advance(120_000);
    expect(lists()).toBeLessThanOrEqual(4);
  });

  it('neither probes nor reads a single server in the background', async () => {
    f = await modelFleet({ OLLAMA_API_URL: 'http://a:1#name=a', UPSTREAM_RETRIES: '0' });
    f.at('a').isDown = true;
    const failed = await f.ask('one');
    expect(failed.error?.message).toBe('a is down');
    expect(states()).toEqual(['a down']);
    await f.clock.advance(60_000);
    expect([f.at('a').checks, f.at('a').lists]).toEqual([0, 1]);
    f.at('a').isDown = false;
    f.at('a').onCall = (call) => call.say('x').done();
    expect((await f.ask('two')).state).toBe('completed');
    expect(states()).toEqual(['a up']);
  });

  it('counts those that are down for /api/ready, and fails only if all are', async () => {
    f = await modelFleet({ ...TWO, OPENAI_BASE_URL: 'http://c:1/v1#name=c' });
    const { signal } = new AbortController();
    f.at('b').isDown = true;
    expect(await f.directory.check(signal)).toEqual({ down: 1, total: 3 });
    expect(states()).toEqual(['a up', 'b down', 'c up']);
    f.at('a').isDown = f.at('c').isDown = true;
    await expect(f.directory.check(signal)).rejects.toThrow('a is down');
  });

  it('lists a model once with its servers, and those of a server that is down no more', async () => {
    f = await modelFleet({ ...TWO, OPENAI_BASE_URL: 'http://c:1/v1#name=c' }, (at) => {
      at('a').listed = ['m', 'only-a'];
      at('c').listed = ['gpt'];
    });
    const { signal } = new AbortController();
    const servers = async () =>
      Object.fromEntries((await f.directory.list(signal)).models.map(({ id, servers }) => [id, servers]));
    expect(await servers()).toEqual({ m: ['a', 'b'], 'only-a': ['a'], gpt: ['c'] });
    f.at('a').isDown = true;
    expect(await servers()).toEqual({ m: ['b'], gpt: ['c'] });
    const { providers } = await f.directory.list(signal);
    expect(providers.map(({ id, reachable, error }) => [id, reachable, error])).toEqual([
      ['ollama', true, null],
      ['openai', true, null],
    ]);
  });
});

it('says of a model that its servers have different versions of it', async () => {
  f = await modelFleet(TWO);
  const { signal } = new AbortController();
  expect((await f.directory.list(signal)).models[0]).not.toHaveProperty('versions_differ');
  f.at('b').digest = 'def';
  expect((await f.directory.list(signal)).models[0]).toMatchObject({ id: 'm', versions_differ: true });
});

it('waits neither for a list nor for a check of a server that is down', async () => {
  f = await modelFleet(TWO);
  const { signal } = new AbortController();
  f.at('a').isDown = true;
  await f.directory.check(signal);
  const { checks, lists } = f.at('a');
  expect((await f.directory.list(signal)).models).toMatchObject([{ id: 'm', servers: ['b'] }]);
  expect(await f.directory.check(signal)).toEqual({ down: 1, total: 2 });
  expect([f.at('a').checks, f.at('a').lists]).toEqual([checks, lists]);
});

describe('MODEL_ALIASES', () => {
  const ALIASES = {
    ...TWO,
    OPENAI_BASE_URL: 'http://c:1/v1#name=c',
    MODEL_ALIASES: 'fast=m@b,gpt; smart=big,fast',
  };
  const prepare = (at: Fleet['at']) => {
    at('c').listed = ['gpt'];
    at('a').listed = ['m', 'big'];
  };
  const resolved = async (name: string) => {
    const { provider, model, targets } = await f.directory.resolve(name);
    return [provider.id, model, targets?.map((t) => `${t.model}@${t.servers.map((server) => server.name).join('+')}`)];
  };

  it('are resolved to their models in order, and inside one another', async () => {
    f = await modelFleet(ALIASES, prepare);
    expect(await resolved('fast')).toEqual(['ollama', 'm', ['m@b', 'gpt@c']]);
    expect(await resolved('smart')).toEqual(['ollama', 'big', ['big@a+b', 'm@b', 'gpt@c']]);
    f.at('b').isDown = true;
    await f.directory.check(new AbortController().signal).catch(() => {});
    expect(await resolved('fast')).toEqual(['openai', 'gpt', ['gpt@c']]);
  });

  it('are listed with the figures of their first model, and what they stand for', async () => {
    f = await modelFleet(ALIASES, prepare);
    const { models, default_model } = await f.directory.list(new AbortController().signal);
    expect(models.map(({ id, alias_of }) => [id, alias_of])).toEqual([
      ['fast', ['m@b', 'gpt']],
      ['smart', ['big', 'm@b', 'gpt']],
      ['m', undefined],
      ['big', undefined],
      ['gpt', undefined],
    ]);
    expect(default_model).toBe('m');
    expect(models.map(({ id, servers }) => [id, servers]).slice(0, 3)).toEqual([
      ['fast', ['b']],
      ['smart', ['a']],
      ['m', ['a', 'b']],
    ]);
  });

  it('may be the default model', async () => {
    f = await modelFleet({ ...ALIASES, OLLAMA_MODEL: 'smart' }, prepare);
    const { models, default_model, notice } = await f.directory.list(new AbortController().signal);
    expect([default_model, notice]).toEqual(['smart', null]);
    expect(models.filter(({ is_default }) => is_default).map(({ id }) => id)).toEqual(['smart']);
    const { model } = await f.directory.resolve(undefined);
    expect(model).toBe('big');
  });

  it('name a model of a single server, which decides about it', async () => {
    f = await modelFleet({ OLLAMA_API_URL: 'http://a:1#name=a', MODEL_ALIASES: 'gpt-4o=m' });
    expect(await resolved('gpt-4o')).toEqual(['ollama', 'm', ['m@a']]);
    expect(await resolved('unheard-of')).toEqual(['ollama', 'unheard-of', undefined]);
  });
});
