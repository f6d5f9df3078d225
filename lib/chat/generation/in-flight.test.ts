import { describe, expect, it } from 'vitest';
import { nativeStreamEncoder } from '#lib/chat/formats/native';
import { InFlight } from '#lib/chat/generation/in-flight';
import { responseStream } from '#lib/chat/generation/response-stream';
import { toReadableStream } from '#lib/http/stream-body';
import { chatRequest, engineHarness, settled } from '../../../test/support/chat.ts';

const signal = new AbortController().signal;
/** More than a tenth of what is kept of results that were read. */
const LONG = 'x'.repeat(2_000_000);

describe('results that were read', () => {
  it('are evicted before those that no client has read', async () => {
    const b = engineHarness();
    const request = chatRequest({ messages: [{ role: 'user', content: 'unread' }] });
    const unread = await b.engine.enqueue(request, { caller: 'ann' });
    await settled();
    b.provider.last.say(LONG).done();
    const ids: string[] = [];
    for (let n = 0; n < 12; n += 1) {
      const pending = await b.submit(`question ${n}`);
      ids.push(pending.id);
      const opened = responseStream(b.engine, pending, nativeStreamEncoder(pending), { signal });
      b.provider.last.say(LONG).done();
      expect(await new Response(toReadableStream(await opened)).text()).toContain('"done":true');
      await settled();
    }
    const isFound = (id: string) => {
      try {
        return b.engine.find(id, 'ann').finishedAt !== undefined;
      } catch {
        return false;
      }
    };
    expect([isFound(ids[0] ?? ''), isFound(ids.at(-1) ?? ''), isFound(unread.id)]).toEqual([false, true, true]);
    b.engine.close();
  });

  it('expire with their time, and are found by a client that comes back before', async () => {
    const b = engineHarness();
    const pending = await b.submit('hello');
    const read = async () => {
      const opened = responseStream(b.engine, pending, nativeStreamEncoder(pending), { signal });
      return await new Response(toReadableStream(await opened)).text();
    };
    const first = read();
    b.provider.last.say('one ').say('two ').say('three ').say('four').done();
    const text = await first;
    await settled();
    await b.clock.advance(500_000);
    expect(b.engine.find(pending.id, 'ann')).toBe(pending);
    expect(await read()).toBe(text);
    await b.clock.advance(101_000);
    expect(() => b.engine.find(pending.id, 'ann')).toThrow();
    b.engine.close();
  });
});

it('makes a request that has ended a cancelled one, if another server had cancelled it before', async () => {
  const b = engineHarness();
  const pending = await b.submit('hello');
  b.provider.last.say('all of it').done();
  await settled();
  expect(pending.state).toBe('completed');
  const ends: string[] = [];
  pending.onDone = ({ state }) => void ends.push(state);
  const inFlight = new InFlight(60_000, b.clock);
  inFlight.cancelEnded(pending, 'operator');
  inFlight.cancelEnded(pending, 'user');
  expect([pending.state, pending.error?.data]).toEqual(['cancelled', { cancelled_by: 'operator' }]);
  expect(ends).toEqual(['cancelled']);
  b.engine.close();
});
