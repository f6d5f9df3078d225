import { describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import { engineHarness, settled } from '../../../test/support/chat.ts';

const request = (over: { caller?: string; priority?: number; bytes?: number; signal?: AbortSignal } = {}) => ({
  caller: 'ann',
  model: 'embedder',
  bytes: 100,
  signal: new AbortController().signal,
  ...over,
});

/** Work that ends when the test says so. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const signals: AbortSignal[] = [];
  const work = (_provider: unknown, signal: AbortSignal) => {
    signals.push(signal);
    return promise;
  };
  return { work, resolve, reject, signals };
}

describe('runTask', () => {
  it('runs work with the provider of its model and the name on the server, and returns its result', async () => {
    const b = engineHarness();
    const result = await b.engine.runTask(request(), async (provider, _signal, model) => `${provider.id} ${model}`);
    expect(result).toBe('ollama embedder');
    expect(b.engine.load).toEqual({ running: 0, waiting: 0 });
    expect(b.engine.counters()).toMatchObject({ requests: 1, completed: 1, failed: 0, lookups: 0 });
    b.engine.close();
  });

  it('waits in the same line as chat requests, and is part of the overview', async () => {
    const b = engineHarness();
    b.engine.read(await b.submit('one'), () => undefined);
    const task = held();
    const result = b.engine.runTask(request({ caller: 'bob' }), task.work);
    await settled();
    expect(task.signals).toHaveLength(0);
    expect(b.engine.overview(member('ann')).pending).toMatchObject([{ model: 'embedder', queue_position: 1 }]);
    b.provider.last.done();
    await settled();
    expect(task.signals).toHaveLength(1);
    const second = await b.submit('two');
    b.engine.read(second, () => undefined);
    expect(second.state).toBe('queued');
    task.resolve('vector');
    expect(await result).toBe('vector');
    await settled();
    expect(second.state).toBe('running');
    b.engine.close();
  });

  it('leaves the line when its signal aborts while it waits', async () => {
    const b = engineHarness();
    b.engine.read(await b.submit('one'), () => undefined);
    const task = held();
    const caller = new AbortController();
    const reason = new AppError('cancelled', 'left');
    const result = b.engine.runTask(request({ signal: caller.signal }), task.work).catch((error: unknown) => error);
    await settled();
    caller.abort(reason);
    expect(await result).toBe(reason);
    expect(b.engine.load).toEqual({ running: 1, waiting: 0 });
    b.provider.last.done();
    await settled();
    expect(task.signals).toHaveLength(0);
    expect(b.engine.counters()).toMatchObject({ cancelled: 1, completed: 1 });
    b.engine.close();
  });

  it('aborts running work, and frees its slot even if the work never settles', async () => {
    const b = engineHarness();
    const task = held();
    const caller = new AbortController();
    const result = b.engine.runTask(request({ signal: caller.signal }), task.work).catch((error: unknown) => error);
    await settled();
    caller.abort(new AppError('cancelled', 'left'));
    expect(await result).toMatchObject({ code: 'cancelled' });
    expect(task.signals[0]?.aborted).toBe(true);
    expect(b.engine.load.running).toBe(1);
    await b.clock.advance(5_000);
    expect(b.engine.load.running).toBe(0);
    b.engine.close();
  });

  it('passes the error of its work on, and frees the slot', async () => {
    const b = engineHarness();
    const fault = new AppError('upstream_failed', 'it broke');
    await expect(b.engine.runTask(request(), () => Promise.reject(fault))).rejects.toBe(fault);
    expect(b.engine.load.running).toBe(0);
    expect(b.engine.counters()).toMatchObject({ failed: 1 });
    b.engine.close();
  });

  it('ends work that runs longer than UPSTREAM_TOTAL_TIMEOUT_MS', async () => {
    const b = engineHarness({ UPSTREAM_TOTAL_TIMEOUT_MS: '1000' });
    const task = held();
    const result = b.engine.runTask(request(), task.work).catch((error: unknown) => error);
    await settled();
    await b.clock.advance(1_000);
    expect(await result).toMatchObject({ code: 'upstream_timeout' });
    expect(task.signals[0]?.aborted).toBe(true);
    b.engine.close();
  });

  it('counts in the bounds of the queue', async () => {
    const b = engineHarness({ QUEUE_MAX_SIZE: '1' });
    const first = held();
    const running = b.engine.runTask(request(), first.work);
    await settled();
    const waiting = b.engine.runTask(request(), held().work).catch((error: unknown) => error);
    await settled();
    await expect(b.engine.runTask(request(), held().work)).rejects.toMatchObject({ code: 'queue_full' });
    await expect(b.submit('three')).rejects.toMatchObject({ code: 'queue_full' });
    b.engine.close();
    expect(await waiting).toMatchObject({ code: 'shutting_down' });
    await expect(running).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(b.engine.runTask(request(), held().work)).rejects.toMatchObject({ code: 'shutting_down' });
  });
});
