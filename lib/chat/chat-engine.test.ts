import { afterEach, describe, expect, it } from 'vitest';
import { parseCacheControl } from '#lib/chat/cache/cache-policy';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import {
  chatRequest,
  type EngineHarness,
  endEngine,
  engineHarness,
  entryOf,
  responseOf,
  settled,
} from '../../test/support/chat.ts';

let b: EngineHarness;
const open = new AbortController().signal;

afterEach(() => endEngine(b));

describe('ChatEngine', () => {
  it('runs a request, caches the response, and returns it again without a second call', async () => {
    b = engineHarness();
    const first = await b.submit('hello');
    expect(first.cacheStatus).toBe('miss');
    const whole = responseOf(b, first);
    b.provider.last.think('hm').say('Ru').say('st\n').done();
    expect(await whole).toMatchObject({
      message: { role: 'assistant', content: 'Rust\n', thinking: 'hm' },
      cached: false,
      request_id: first.id,
      model: 'default-model',
      done_reason: 'stop',
      usage: { prompt_tokens: 3, completion_tokens: 5 },
    });
    const again = await b.submit('hello');
    expect(again.cacheStatus).toBe('hit');
    expect(again.cachedResponse?.toResponse()).toMatchObject({ content: 'Rust\n', thinking: 'hm' });
    expect(b.provider.calls).toHaveLength(1);
  });

  it('prepends the system prompt, the request’s or the default, unless the messages have one', async () => {
    b = engineHarness({ OLLAMA_SYSTEM_PROMPT: 'be brief', QUEUE_MAX_CONCURRENT: '9' });
    await b.submit('hello');
    await b.submit({ system_prompt: 'be long' });
    await b.submit({ system_prompt: '' });
    const system = { role: 'system' as const, content: 'own' };
    await b.submit({ messages: [system, { role: 'user', content: 'x' }] });
    expect(b.provider.calls.map(({ request }) => request.messages[0]?.content)).toEqual([
      'be brief',
      'be long',
      'hello',
      'own',
    ]);
  });

  it.each([
    ['an error', (): AppError => new AppError('upstream_failed', 'The model server failed.')],
    ['a cut', () => undefined],
  ])('never caches %s, and reports it', async (_, error) => {
    b = engineHarness();
    const pending = await b.submit('hello');
    const whole = responseOf(b, pending);
    b.provider.last.say('Ru');
    const cut = error();
    if (cut === undefined) b.provider.last.end();
    else b.provider.last.fail(cut);
    await expect(whole).rejects.toMatchObject({ code: cut?.code ?? 'upstream_truncated' });
    expect(entryOf(b, pending)).toMatchObject({ status: 'failed', completed: false });
    expect((await b.submit('hello')).cacheStatus).toBe('miss');
    expect(b.provider.calls).toHaveLength(2);
  });

  it('does not cache a response that ran into its token limit', async () => {
    b = engineHarness();
    const pending = await b.submit('hello');
    b.provider.last.say('Rus').done('length');
    expect((await responseOf(b, pending)).done_reason).toBe('length');
    expect((await b.submit('hello')).cacheStatus).toBe('miss');
  });

  it('neither reads, joins nor stores with use_cache false', async () => {
    b = engineHarness({ QUEUE_MAX_CONCURRENT: '9' });
    const submissions = await Promise.all([
      b.submit('hello'),
      b.submit({ use_cache: false }),
      b.submit({ use_cache: false }),
    ]);
    expect(submissions.map(({ cacheStatus }) => cacheStatus)).toEqual(['miss', 'bypass', 'bypass']);
    expect(b.provider.calls).toHaveLength(3);
    b.provider.calls[1]?.say('not kept').done();
    await settled();
    expect(b.engine.stats().response_cache.total_entries).toBe(0);
  });

  it('calls the model and stores the response for a request that bypasses the cache', async () => {
    b = engineHarness({ QUEUE_MAX_CONCURRENT: '9' });
    await b.submit('hello');
    b.provider.last.say('old').done();
    await settled();
    const fresh = await b.submit('hello', { cacheControl: parseCacheControl('no-cache') });
    expect(fresh).toMatchObject({ cacheStatus: 'bypass' });
    b.provider.last.say('new').done();
    await settled();
    const hit = await b.submit('hello');
    expect(hit.cachedResponse?.toResponse().content).toBe('new');
  });

  it('joins a leader that waits or runs, with one call, and cancels requests independently', async () => {
    b = engineHarness();
    const blocker = await b.submit('other');
    const requests = await Promise.all(Array.from({ length: 5 }, () => b.submit('hello')));
    expect(new Set(requests.map(({ id }) => id)).size).toBe(5);
    const responses = requests.map((pending) => responseOf(b, pending).catch((error: AppError) => error.code));
    b.provider.last.done();
    await responseOf(b, blocker);
    await settled();
    expect(b.provider.calls).toHaveLength(2);
    b.provider.last.say('one ');
    await settled();
    const late = await b.submit('hello');
    expect(late).toMatchObject({ cacheStatus: 'joined' });
    b.engine.cancel(requests[0]?.id ?? '', 'ann');
    b.provider.last.say('response').done();
    const texts = (await Promise.all(responses)).map((one) => (typeof one === 'string' ? one : one.message.content));
    expect(texts).toEqual(['cancelled', ...Array(4).fill('one response')]);
    expect(b.provider.calls).toHaveLength(2);
    expect(b.engine.stats().batch_processor).toMatchObject({ total_requests: 7, deduplicated_requests: 5 });
  });

  it('sends readers their position, counted from one, with an estimate from measured times', async () => {
    b = engineHarness();
    const [, second, third] = [await b.submit('a'), await b.submit('b'), await b.submit('c')];
    if (second === undefined || third === undefined) throw new Error('no requests');
    const stop = b.engine.read(third, () => {});
    expect(third.generation.log.status).toMatchObject({
      queue_position: 2,
      queue_length: 2,
      estimated_wait_time: 60_000,
    });
    await b.clock.advance(1_000);
    b.provider.last.say('x').done();
    await settled();
    expect(third.generation.log.status).toMatchObject({
      queue_position: 1,
      queue_length: 1,
      estimated_wait_time: 1_000,
    });
    expect(b.engine.queueStatus(second)).toMatchObject({ queue_position: 0 });
    expect(b.engine.overview(member('ann'))).toMatchObject({
      queue_length: 1,
      is_processing: true,
      pending: [{ request_id: third.id, queue_position: 1, priority: 0, waiting_ms: 1000 }],
      average_processing_time_ms: 1_000,
    });
    stop();
  });

  it('releases requests for the same model together, so that it is not reloaded for each', async () => {
    b = engineHarness();
    for (const [n, model] of ['m1', 'm2', 'm1', 'm2', 'm2'].entries())
      await b.submit({ model, options: { num_ctx: 512 }, messages: [{ role: 'user', content: `question ${n}` }] });
    for (let n = 0; n < 5; n += 1) {
      b.provider.last.say('x').done();
      await settled();
    }
    expect(b.provider.calls.map(({ request }) => request.model)).toEqual(['m1', 'm2', 'm2', 'm2', 'm1']);
    expect(b.engine.stats().batch_processor).toMatchObject({ batches_processed: 3, average_batch_size: 1.7 });
  });

  it('raises a waiting request to the priority of a request that joins it', async () => {
    b = engineHarness();
    const [, first, second] = [await b.submit('a'), await b.submit('b'), await b.submit('c')];
    await b.submit({ messages: [{ role: 'user', content: 'c' }], priority: 5 });
    if (first === undefined || second === undefined) throw new Error('no requests');
    expect([b.engine.queueStatus(first), b.engine.queueStatus(second)].map((one) => one.queue_position)).toEqual([
      2, 1,
    ]);
  });

  it('shares responses between all callers, or keeps them per caller', async () => {
    b = engineHarness({ CACHE_SCOPE: 'caller' });
    await b.submit('hello');
    const other = await b.submit('hello', { caller: 'ben' });
    expect(other).toMatchObject({ cacheStatus: 'miss' });
    expect(await b.submit('hello')).toMatchObject({ cacheStatus: 'joined' });
    b.provider.last.say('for ann').done();
    await settled();
    b.provider.last.say('for ben').done();
    await settled();
    for (const caller of ['ann', 'ben']) {
      const hit = await b.submit('hello', { caller });
      expect(hit.cachedResponse?.toResponse().content).toBe(`for ${caller}`);
    }
    expect(await b.submit('hello', { caller: 'cid' })).toMatchObject({ cacheStatus: 'miss' });
  });

  it('goes on for the grace period after its readers leave, then ends the call', async () => {
    b = engineHarness();
    const pending = await b.submit('hello');
    const leave = b.engine.read(pending, () => {});
    b.provider.last.say('half');
    await b.clock.advance(60_000);
    leave();
    await b.clock.advance(9_000);
    const back = b.engine.read(b.engine.find(pending.id, 'ann'), () => {});
    await b.clock.advance(60_000);
    expect(b.provider.last.signal.aborted).toBe(false);
    back();
    await b.clock.advance(10_000);
    expect(b.provider.last.signal.aborted).toBe(true);
    expect(pending.state).toBe('cancelled');
    expect(b.engine.stats().is_processing).toBe(false);
  });

  it('runs a detached request to its end without a reader', async () => {
    b = engineHarness();
    const pending = await b.engine.enqueue(chatRequest('hello'), { caller: 'ann' });
    await b.clock.advance(60_000);
    b.provider.last.say('done').done();
    await settled();
    expect(entryOf(b, b.engine.find(pending.id, 'ann'))).toMatchObject({
      status: 'completed',
      completed: true,
      cached: false,
      message: { content: 'done' },
    });
    const again = await b.engine.enqueue(chatRequest('hello'), { caller: 'ann' });
    expect(entryOf(b, again)).toMatchObject({ completed: true, cached: true });
    await b.clock.advance(600_001);
    expect(() => b.engine.find(pending.id, 'ann')).toThrow(/No request has this id/);
  });

  it('cancels a waiting and a running request at once, and not a finished one', async () => {
    b = engineHarness();
    const running = await b.submit('a');
    const waiting = await b.submit('b');
    const next = await b.submit('c');
    const failed = responseOf(b, running).catch((error: AppError) => error.code);
    b.engine.cancel(waiting.id, 'ann');
    expect(waiting.state).toBe('cancelled');
    b.engine.cancel(running.id, 'ann');
    expect(await failed).toBe('cancelled');
    await settled();
    expect(b.provider.calls).toHaveLength(2);
    expect(b.provider.calls[0]?.closed).toBe(true);
    expect(next.state).toBe('running');
    expect(() => b.engine.cancel(running.id, 'ann')).toThrow(/already ended/);
    expect(() => b.engine.cancel('nobody', 'ann')).toThrow(/No request has this id/);
  });

  it('frees the slot if an aborted provider does not return', async () => {
    b = engineHarness();
    const stuck = await b.submit('a');
    const held = b.provider.last;
    held.ignoresAbort = true;
    const next = await b.submit('b');
    b.engine.cancel(stuck.id, 'ann');
    await b.clock.advance(4_999);
    expect([stuck.state, next.state]).toEqual(['cancelled', 'queued']);
    await b.clock.advance(1);
    expect(next.state).toBe('running');
    held.say('too late').done();
    await settled();
    expect(b.engine.overview(member('ann')).processing).toHaveLength(1);
  });

  it('shows ids only to their callers if there are keys', async () => {
    b = engineHarness({ API_KEYS: 'a-key-of-sixteen-1,a-key-of-sixteen-2' });
    const pending = await b.submit('a');
    expect(() => b.engine.find(pending.id, 'ben')).toThrow(/No request has this id/);
    expect(b.engine.overview(member('ben')).processing[0]?.request_id).toBeUndefined();
    expect(b.engine.overview(member('ann')).processing[0]?.request_id).toBe(pending.id);
  });

  it('ends everything when it closes, and accepts nothing', async () => {
    b = engineHarness();
    const requests = [await b.submit('a'), await b.submit('b')];
    const ends = requests.map((pending) => responseOf(b, pending).catch((error: AppError) => error.code));
    b.engine.close();
    expect(await Promise.all(ends)).toEqual(['shutting_down', 'shutting_down']);
    await expect(b.submit('c')).rejects.toMatchObject({ code: 'shutting_down' });
  });

  it('loads a model, and reports why that fails', async () => {
    b = engineHarness();
    expect(await b.engine.warmModel(undefined, open)).toEqual({ model: 'default-model', load_duration_ms: 12 });
    b.provider.loadFault = new AppError('model_not_found', 'Pull it first.');
    await expect(b.engine.warmModel('x', open)).rejects.toMatchObject({
      code: 'model_load_failed',
      message: 'Pull it first.',
    });
  });
});
