import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { PackedJson } from '#lib/chat/cache/packed-json';
import { CachedResponse } from '#lib/chat/cache/response-cache';
import { StoredResponses } from '#lib/chat/cache/stored-responses';
import { endedState } from '#lib/chat/formats/responses';
import { returnedParameters } from '#lib/chat/formats/responses-request';
import { toolNamesOf } from '#lib/chat/formats/responses-tools';
import { responseEvents } from '#lib/chat/generation/completed-response';
import { ResponsesAdapter } from '#lib/chat/http/responses-adapter';
import { ManualClock, settled } from '../../../test/support/chat.ts';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

/** Measured objects stay referenced, so that their release does not affect the next measurement. */
const measured: unknown[] = [];

async function heldBytes(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    gc();
    await settled();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function response(text: string) {
  return {
    content: text,
    thinking: '',
    tool_calls: [],
    model: 'm',
    done_reason: 'stop',
    usage: { prompt_tokens: 1, completion_tokens: 1 },
  };
}

const user = (content: string) => ({
  type: 'message' as const,
  role: 'user' as const,
  content,
  id: undefined,
  status: undefined,
});

describe('memory of responses', () => {
  it.each([
    ['short', 20, 6_000],
    ['long', 20_000, 500],
  ])('that are stored and %s is what their store counts', async (_, length, entries) => {
    const store = new StoredResponses({ maxBytes: 1e9, ttlMs: 1e9 }, new ManualClock());
    measured.push(store);
    const before = await heldBytes();
    for (let n = 0; n < entries; n += 1) {
      const id = randomUUID();
      const parameters = new PackedJson(returnedParameters({}));
      const items = new PackedJson([user(`${n} ${'x'.repeat(length)}`)]);
      store.add({ id, caller: 'key:12345678', createdAt: n + 0.5, model: 'm', previous: undefined, parameters, items });
      const view = {
        ...{ id, generationId: id, createdAt: n, model: 'm', cached: false, conversation: undefined },
        timings: () => ({ queued_ms: 0, first_token_ms: 0, total_ms: 0 }),
      };
      const events = responseEvents(response('y'.repeat(length)));
      store.finish('key:12345678', id, () => new PackedJson(endedState(view, events, toolNamesOf(undefined))));
    }
    const ratio = ((await heldBytes()) - before) / store.bytes;
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.1);
  });

  it.each([false, true])(
    'of the bodies of a request that is known, streamed %j, is not above what counts',
    async (stream) => {
      const cached = new CachedResponse(response('Hello there.'), 1);
      const adapters: ResponsesAdapter[] = [];
      measured.push(adapters);
      const body = () => {
        const adapter = ResponsesAdapter.of({ input: 'hello', stream }, [user('hello')]);
        cached.body(stream ? adapter.cachedStream : adapter.cachedJson, randomUUID());
        adapters.push(adapter);
      };
      for (let n = 0; n < 100; n += 1) body();
      const before = await heldBytes();
      for (let n = 0; n < 1_000; n += 1) body();
      const each = ((await heldBytes()) - before) / 1_000;
      const counted = adapters[0]?.bytes ?? 0;
      expect(each).toBeLessThan(1.1 * counted);
      expect(each).toBeGreaterThan(0.4 * counted);
    },
  );
});
