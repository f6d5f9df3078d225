import { afterEach, describe, expect, it } from 'vitest';
import type { TaskWork } from '#lib/chat/scheduler/task';
import { AppError } from '#lib/errors';
import { settled } from '../../../test/support/chat.ts';
import { type Fleet, hangs, modelFleet, onlyLoadedOn, TWO, unreached } from '../../../test/support/model-fleet.ts';

let f: Fleet;

afterEach(() => {
  f.engine.close();
  return f.directory.close();
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
    await hangs(f, 'a');
    await f.clock.advance(17_000);
    expect([await moved, signals[0]?.aborted]).toEqual(['from b', true]);
    f.engine.close();
    await f.directory.close();

    f = await modelFleet(TWO, onlyLoadedOn('a'));
    const begun = f.engine.runTask({ ...task, isRepeatable: true }, work);
    // Rejects when the engine is closed after the test.
    begun.catch(() => {});
    await settled();
    await hangs(f, 'a');
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
