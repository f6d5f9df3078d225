import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CachedBody } from '#lib/chat/cache/body-template';
import { CachedResponse, ENTRY_BYTES, ResponseCache } from '#lib/chat/cache/response-cache';
import { nativeResponse, nativeStreamEncoder } from '#lib/chat/formats/native';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { apiAdapter } from '#lib/chat/http/api-adapter';
import type { BodyPieces } from '#lib/http/body-pieces';
import { chatEventSchema, chatResponseSchema } from '#lib/wire/chat';
import { ManualClock } from '../../../test/support/chat.ts';

const { cachedJson: JSON_FORMAT, cachedStream: STREAM_FORMAT } = apiAdapter({
  streamHeaders: {},
  encoder: nativeStreamEncoder,
  body: nativeResponse,
});
const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

function finished(fields: Partial<CompletedResponse> = {}): CompletedResponse {
  return {
    content: 'Rust',
    thinking: '',
    tool_calls: [],
    model: 'm',
    done_reason: 'stop',
    usage: { prompt_tokens: 1, completion_tokens: 2 },
    ...fields,
  };
}

function textOf(body: CachedBody): string {
  return typeof body === 'string' ? body : Buffer.from(body.join()).toString();
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constant('00000000-0000-0000-0000-000000000000'),
  fc.constant('```js\nconst a = "\\u0000";\r\n```\n'),
);

describe('CachedResponse', () => {
  it('replays any text byte for byte, in both formats, with the id of the request', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (content, thinking, model) => {
        const response = finished({ content, thinking, model });
        const cached = new CachedResponse(response, 0);
        const json = chatResponseSchema.parse(JSON.parse(textOf(cached.body(JSON_FORMAT, ID))));
        expect(json).toMatchObject({ cached: true, request_id: ID, model, message: { content } });
        expect(json.message.thinking ?? '').toBe(thinking);
        const lines = textOf(cached.body(STREAM_FORMAT, ID)).split('\n');
        const events = lines
          .filter((line) => line !== '')
          .map((line) => chatEventSchema.parse(JSON.parse(line.slice('data: '.length))));
        expect(events.map((event) => event.content ?? '').join('')).toBe(content);
        expect(events.map((event) => event.thinking ?? '').join('')).toBe(thinking);
        expect(events.every((event) => event.cached === true)).toBe(true);
        expect(events.at(-1)).toMatchObject({ done: true, request_id: ID, model });
        expect(events.filter((event) => event.done)).toHaveLength(1);
        expect(cached.toResponse()).toEqual(response);
      }),
    );
  });

  it.each(['é', 'a'.repeat(1_000_000), 'größe\n'.repeat(100_000)])(
    'shares the bytes of a long text between its bodies, which differ in their id',
    (content) => {
      const cached = new CachedResponse(finished({ content, thinking: 'so' }), 0);
      const other = ID.replaceAll('0', '1');
      const [json, again] = [cached.body(JSON_FORMAT, ID), cached.body(JSON_FORMAT, other)];
      if (typeof json === 'string' || typeof again === 'string') throw new Error('a long body is not copied');
      expect(textOf(json)).toBe(JSON.stringify(JSON.parse(textOf(json))));
      expect(textOf(again)).toBe(textOf(json).replace(ID, other));
      expect(json.byteLength).toBe(Buffer.byteLength(textOf(json)));
      const stored = (body: BodyPieces) => body.pieces.filter((piece) => typeof piece !== 'string');
      expect(stored(json)).toHaveLength(1);
      for (const [at, bytes] of stored(json).entries()) expect(stored(again)[at]).toBe(bytes);
      expect(JSON.parse(textOf(json)).message).toMatchObject({ content, thinking: 'so' });
    },
  );
});

describe('ResponseCache', () => {
  it('never holds more bytes than its bound, counting keys and both formats', () => {
    const maxBytes = 20_000;
    const step = fc.record({ key: fc.nat(40), length: fc.nat(12_000), read: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const cache = new ResponseCache({ maxBytes, ttlMs: 1e6 }, new ManualClock());
        const sizes = new Map<string, number>();
        for (const { key, length, read } of steps) {
          if (read) cache.get(`k${key}`);
          else {
            const response = finished({ content: 'é'.repeat(length) });
            cache.set(`k${key}`, response);
            sizes.set(`k${key}`, new CachedResponse(response, 0).bytes + `k${key}`.length + ENTRY_BYTES);
          }
          const { total_entries, total_size_mb, memory_usage_percent } = cache.stats();
          expect(memory_usage_percent).toBeLessThanOrEqual(100);
          const held = [...sizes].filter(([name]) => cache.get(name) !== undefined);
          expect(held).toHaveLength(total_entries);
          const bytes = held.reduce((sum, [, size]) => sum + size, 0);
          expect(bytes).toBeLessThanOrEqual(maxBytes);
          expect(total_size_mb).toBeCloseTo(bytes / 1024 / 1024, 3);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('evicts the least recently used entry first, and expired entries', async () => {
    const clock = new ManualClock();
    const cache = new ResponseCache({ maxBytes: 20_000, ttlMs: 1_000 }, clock);
    const big = finished({ content: 'x'.repeat(4_000) });
    for (const key of ['a', 'b', 'c']) cache.set(key, big);
    cache.get('a');
    cache.set('d', big);
    expect([cache.get('a'), cache.get('b')].map((cached) => cached !== undefined)).toEqual([true, false]);
    await clock.advance(1_001);
    expect(cache.get('a')).toBeUndefined();
    expect(cache.stats()).toEqual({
      total_entries: 0,
      total_size_mb: 0,
      hit_rate: 0.5,
      miss_rate: 0.5,
      memory_usage_percent: 0,
      hits: 2,
      misses: 2,
      evictions: 1,
    });
  });

  it('reports how many entries it cleared', () => {
    const cache = new ResponseCache({ maxBytes: 30_000, ttlMs: 1_000 }, new ManualClock());
    cache.set('a', finished());
    cache.set('b', finished());
    expect([cache.clear(), cache.clear(), cache.stats().total_entries]).toEqual([2, 0, 0]);
  });
});
