import { hash, randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ConversationCache } from '#lib/chat/cache/conversation-cache';
import { ResponseCache } from '#lib/chat/cache/response-cache';
import { nativeResponse, nativeStreamEncoder } from '#lib/chat/formats/native';
import { RESULT_BYTES } from '#lib/chat/generation/in-flight';
import { responseStream } from '#lib/chat/generation/response-stream';
import { apiAdapter } from '#lib/chat/http/api-adapter';
import { toReadableStream } from '#lib/http/stream-body';
import { chatRequest, engineHarness, ManualClock, settled } from '../../test/support/chat.ts';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');
const BYTES_PER_MB = 1024 * 1024;

/**
 * Measured objects stay referenced, so that their release does not affect the next measurement.
 */
const measured: unknown[] = [];

/** Memory in and outside of the heap after garbage collection. */
async function heldBytes(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    gc();
    await settled();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const { cachedJson: JSON_FORMAT } = apiAdapter({
  streamHeaders: {},
  encoder: nativeStreamEncoder,
  body: nativeResponse,
});

describe('memory of the chat engine', () => {
  it.each([
    ['short', 20, 8_000],
    ['middling', 2_000, 3_000],
    ['long', 40_000, 300],
  ])('of %s cached responses is what the cache counts', async (_, length, entries) => {
    const cache = new ResponseCache({ maxBytes: 1e9, ttlMs: 1e9 }, new ManualClock());
    measured.push(cache);
    const before = await heldBytes();
    for (let n = 0; n < entries; n += 1) {
      const key = hash('sha256', `${length}/${n}`, 'base64url');
      cache.set(key, {
        content: `${n} ${'é'.repeat(length)}`,
        thinking: '',
        tool_calls: [],
        model: 'm',
        done_reason: 'stop',
        usage: { prompt_tokens: 1, completion_tokens: 1 },
      });
      // Makes its template, which stays.
      cache.get(key)?.body(JSON_FORMAT, randomUUID());
    }
    const held = (await heldBytes()) - before;
    const counted = cache.stats().total_size_mb * BYTES_PER_MB;
    expect(held / counted).toBeGreaterThan(0.7);
    expect(held / counted).toBeLessThan(1.05);
  });

  it.each([
    ['Latin text', 'é'],
    ['other text', '漢'],
  ])('of conversations in %s is what they count', async (_, character) => {
    const conversations = new ConversationCache({ maxBytes: 1e9, ttlMs: 1e9 }, new ManualClock());
    measured.push(conversations);
    const before = await heldBytes();
    for (let n = 0; n < 1_000; n += 1)
      conversations.store(
        'ann',
        `c${n}`,
        JSON.parse(JSON.stringify(Array(6).fill({ role: 'user', content: `${n} ${character.repeat(1_000)}` }))),
      );
    const held = (await heldBytes()) - before;
    const counted = conversations.stats().total_size_mb * BYTES_PER_MB;
    expect(held / counted).toBeGreaterThan(0.7);
    expect(held / counted).toBeLessThan(1.05);
  });

  it('of retained results is what they count', async () => {
    const b = engineHarness({ QUEUE_MAX_SIZE: '20000' });
    measured.push(b);
    await b.submit('holds the only slot');
    const cancelMany = async (size: number) => {
      for (let n = 0; n < size; n += 1) {
        const request = chatRequest({ messages: [{ role: 'user', content: `question ${n}` }] });
        const pending = await b.engine.enqueue(request, { caller: 'ann' });
        b.engine.cancel(pending.id, 'ann');
      }
    };
    await cancelMany(2_000);
    const before = await heldBytes();
    await cancelMany(8_000);
    const each = ((await heldBytes()) - before) / 8_000;
    expect(each / RESULT_BYTES).toBeGreaterThan(0.7);
    expect(each / RESULT_BYTES).toBeLessThan(1.05);
  });

  it.each([
    [
      'images',
      { messages: [{ role: 'user' as const, content: 'x', images: [Buffer.alloc(300_000).toString('base64')] }] },
    ],
    ['structure', { options: { stop: Array(20_000).fill({}) } }],
    ['other text', { messages: [{ role: 'user' as const, content: '漢'.repeat(50_000) }] }],
    ['next to nothing', {}],
  ])('of waiting requests with %s is what they count', async (what, fields) => {
    const b = engineHarness();
    measured.push(b);
    await b.submit('holds the only slot');
    const before = await heldBytes();
    for (let n = 0; n < 50; n += 1) {
      const request = chatRequest({ ...structuredClone(fields), system_prompt: `${n}`, conversation_id: `${n}` });
      await b.engine.enqueue(request, { caller: 'ann', bodyBytes: 100_000 });
    }
    const held = (await heldBytes()) - before;
    const counted = b.engine.waitingBytes;
    // A request left as objects would take ten times as much.
    expect(held / counted).toBeLessThan(1.2);
    if (what !== 'next to nothing') expect(held / counted).toBeGreaterThan(0.7);
  });

  it('stays flat over 10,000 requests that wait, are polled and are cancelled', async () => {
    const b = engineHarness({ QUEUE_MAX_SIZE: '20000' });
    const round = async (size: number) => {
      const ids: string[] = [];
      for (let n = 0; n < size; n += 1) {
        const request = chatRequest({ messages: [{ role: 'user', content: `question ${n}` }], priority: n % 5 });
        const pending = await b.engine.enqueue(request, { caller: `caller ${n % 50}` });
        ids.push(pending.id);
      }
      for (const id of ids) b.engine.queueStatus(b.engine.find(id, 'ann'));
      for (const id of ids) b.engine.cancel(id, 'ann');
      await settled();
      // Results are retained for their TTL.
      await b.clock.advance(601_000);
      expect(b.engine.stats()).toMatchObject({ queue_length: 0, is_processing: false });
    };
    await round(2_000);
    const before = await heldBytes();
    await round(10_000);
    const grown = (await heldBytes()) - before;
    expect([b.provider.open, b.clock.pending]).toEqual([0, 0]);
    expect(grown).toBeLessThan(3 * BYTES_PER_MB);
  }, 60_000);

  it('of a stalled reader is one chunk, whatever the length of the response', async () => {
    const b = engineHarness();
    const pending = await b.submit('hello');
    const opened = responseStream(b.engine, pending, nativeStreamEncoder(pending), {
      signal: new AbortController().signal,
    });
    b.provider.last.say('x');
    const stuck = await opened;
    const word = 'y'.repeat(1_000);
    for (let n = 0; n < 1_000; n += 1) b.provider.last.say(word);
    await settled();
    const alone = await heldBytes();
    const others = await Promise.all(
      Array.from({ length: 200 }, () =>
        responseStream(b.engine, pending, nativeStreamEncoder(pending), { signal: new AbortController().signal }),
      ),
    );
    for (let n = 0; n < 1_000; n += 1) b.provider.last.say(word);
    await settled();
    const each = ((await heldBytes()) - alone) / others.length;
    // Only what was encoded when the reader came.
    expect(each).toBeLessThan(150 * 1024);
    await Promise.all([stuck, ...others].map((stream) => stream.cancel()));
    b.engine.close();
    await settled();
  });

  it('of responses that are read too slowly is bounded like that of all results', async () => {
    const b = engineHarness();
    const before = await heldBytes();
    const streams: ReadableStream<Uint8Array>[] = [];
    const signal = new AbortController().signal;
    for (let n = 0; n < 30; n += 1) {
      const pending = await b.submit(`question ${n}`);
      const opened = responseStream(b.engine, pending, nativeStreamEncoder(pending), { signal });
      b.provider.last.say(`${n}`).say('x'.repeat(4_000_000)).say('y'.repeat(4_000_000)).done();
      streams.push(toReadableStream(await opened));
      await settled();
      // Longer than the TTL: a result with a reader stays counted.
      await b.clock.advance(700_000);
    }
    b.engine.clearResponses();
    expect((await heldBytes()) - before).toBeLessThan(90 * BYTES_PER_MB);
    const ends = await Promise.all(streams.map((stream) => new Response(stream).text().catch(() => 'cut')));
    expect([ends[0], ends.at(-1)?.includes('"done":true')]).toEqual(['cut', true]);
    b.engine.close();
  }, 60_000);
});
