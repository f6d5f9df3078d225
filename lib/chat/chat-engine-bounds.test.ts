import { afterEach, describe, expect, it } from 'vitest';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
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

afterEach(() => endEngine(b));

describe('the bounds of ChatEngine', () => {
  it('accepts a bounded number of waiting requests', async () => {
    b = engineHarness({ QUEUE_MAX_SIZE: '1' });
    await b.submit('a');
    await b.submit('b');
    await expect(b.submit('c')).rejects.toMatchObject({ code: 'queue_full', retryAfterSeconds: 30 });
    // A joined request takes no place in the queue.
    await b.submit('b');
  });

  it('accepts a bounded number of requests that join others', async () => {
    b = engineHarness();
    for (let n = 0; n < 50_000; n += 1) await b.engine.enqueue(chatRequest('the same'), { caller: 'ann' });
    await expect(b.submit('the same')).rejects.toMatchObject({ code: 'queue_full' });
    b.provider.last.say('x').done();
    await settled();
    expect((await b.submit('the same')).cacheStatus).toBe('hit');
  });

  it('displaces the newest request of the caller with the largest share, unless others share it', async () => {
    b = engineHarness({ QUEUE_MAX_SIZE: '3' });
    await b.submit('running');
    const [first, second, third] = [await b.submit('a1'), await b.submit('a2'), await b.submit('a3')];
    // Ben shares the newest request.
    await b.submit('a3', { caller: 'ben' });
    const end = responseOf(b, second);
    const other = await b.submit('c1', { caller: 'cid' });
    await expect(end).rejects.toMatchObject({ code: 'queue_full', retryAfterSeconds: 30 });
    expect(entryOf(b, second)).toMatchObject({ status: 'failed', code: 'queue_full' });
    expect([first, third, other].map(({ state }) => state)).toEqual(['queued', 'queued', 'queued']);
    await expect(b.submit('a4')).rejects.toMatchObject({ code: 'queue_full' });
    await expect(b.submit('c2', { caller: 'cid' })).rejects.toMatchObject({ code: 'queue_full' });
  });

  it('bounds the requests of all running responses, and keeps the order if one does not fit', async () => {
    b = engineHarness({ QUEUE_MAX_MB: '64', QUEUE_MAX_CONCURRENT: '9' });
    const image = (byte: number) => [Buffer.alloc(9_000_000, byte).toString('base64')];
    const requests = [];
    for (const byte of [1, 2])
      requests.push(await b.submit({ messages: [{ role: 'user', content: 'see', images: image(byte) }] }));
    requests.push(await b.submit('small'));
    expect(requests.map(({ state }) => state)).toEqual(['running', 'queued', 'queued']);
    b.provider.last.say('x').done();
    await settled();
    expect(requests.map(({ state }) => state)).toEqual(['completed', 'running', 'running']);
    expect(b.provider.calls.map(({ request }) => request.messages[0]?.images?.[0] === image(2)[0])).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('ends a response that grows too large, or the largest if all together do', async () => {
    b = engineHarness({ MAX_RESPONSE_MB: '1', QUEUE_MAX_CONCURRENT: '9' });
    const lone = await b.submit('lone');
    b.provider.last.say('x'.repeat(600_000)).think('x'.repeat(600_000));
    await settled();
    expect(entryOf(b, lone)).toMatchObject({ status: 'failed', code: 'upstream_failed' });
    expect(lone.error?.message).toContain('MAX_RESPONSE_MB');
    const requests = [];
    for (let n = 0; n < 5; n += 1) {
      requests.push(await b.submit(`question ${n}`));
      b.provider.last.say('x'.repeat(n === 1 ? 800_000 : 700_000));
    }
    await settled();
    expect(requests.map(({ state }) => state)).toEqual(['running', 'failed', 'running', 'running', 'running']);
    for (const call of b.provider.calls.slice(1)) call.done();
    await settled();
    // Finished responses are not counted.
    const next = await b.submit('next');
    b.provider.last.say('x'.repeat(900_000)).done();
    expect((await responseOf(b, next)).message.content).toHaveLength(900_000);
  });

  it('does not count a finished response that still holds its slot', async () => {
    b = engineHarness({ MAX_RESPONSE_MB: '1', QUEUE_MAX_CONCURRENT: '9' });
    const requests: PendingRequest[] = [];
    for (let n = 0; n < 8; n += 1) {
      requests.push(await b.submit(`question ${n}`));
      b.provider.last.ignoresAbort = true;
      b.provider.last.say('x'.repeat(n === 0 ? 400_000 : 395_000));
    }
    await settled();
    for (const call of b.provider.calls) call.say('y');
    await settled();
    expect(requests.map(({ state }) => state)).toEqual(['failed', ...Array(7).fill('running')]);
    for (const call of b.provider.calls) call.done();
    await settled();
    expect(requests.map(({ state }) => state)).toEqual(['failed', ...Array(7).fill('completed')]);
  });

  it('displaces requests that two addresses share if no others can be displaced', async () => {
    b = engineHarness({ QUEUE_MAX_SIZE: '4' });
    await b.submit('running');
    const joined: PendingRequest[] = [];
    for (const caller of ['127.0.0.1', '::1'])
      for (let n = 0; n < 4; n += 1) joined.push(await b.submit(`question ${n}`, { caller }));
    const other = await b.submit('other', { caller: 'ben' });
    expect(other.state).toBe('queued');
    const ends = ['queued', 'queued', 'queued', 'failed'];
    expect(joined.map(({ state }) => state)).toEqual([...ends, ...ends]);
  });
});
