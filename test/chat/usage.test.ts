import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '#lib/errors';
import type { EmbedRequest } from '#lib/models/embedding';
import { usageRecorder } from '#lib/people/usage/usage-recorder';
import { UsageTotals } from '#lib/people/usage/usage-totals';
import type { ScriptedCall } from '../support/chat.ts';
import { settled } from '../support/chat.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { essenceOf } from '../support/usage.ts';

/** What is recorded of requests to each API, however they end. */

const KEY = 'a-key-of-sixteen-characters';
const messages = [{ role: 'user', content: 'hello' }];
const SURFACES: [string, object][] = [
  ['/api/chat-optimized', { messages, stream: false }],
  ['/api/chat-stream', { messages }],
  ['/v1/chat/completions', { model: 'm', messages }],
  ['/v1/chat/completions', { model: 'm', messages, stream: true }],
  ['/v1/completions', { model: 'm', prompt: 'hello' }],
  ['/v1/messages', { model: 'm', messages, max_tokens: 99 }],
  ['/v1/responses', { model: 'm', input: 'hello' }],
  ['/api/chat', { model: 'm', messages, stream: false }],
  ['/api/generate', { model: 'm', prompt: 'hello', stream: false }],
  ['/v1/infill', { input_prefix: 'hello' }],
];

let s: ChatServer;
let totals: UsageTotals;
let unsubscribe: () => void;

beforeEach(async () => {
  totals = new UsageTotals({ now: Date.now });
  unsubscribe = usageRecorder().subscribe(totals);
  s = await chatServer({ CACHE_SDK: 'always', API_KEYS: KEY, QUEUE_MAX_CONCURRENT: '9', DISCONNECT_GRACE_MS: '10' });
});

afterEach(async () => {
  unsubscribe();
  await s.close();
});

const complete = (call: ScriptedCall) => void call.say('Hel').say('lo').done();

function post(path: string, body: object, init: RequestInit = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
  return fetch(s.url + path, { method: 'POST', headers, body: JSON.stringify(body), ...init });
}

const ask = async (path: string, body: object) => await (await post(path, body)).text();

/** The rows without what all of them have: the key, the model and its server. */
function rows(): Record<string, unknown>[] {
  return totals.take().map((row) => {
    const { key_id, model, server, ...rest } = essenceOf(row);
    expect(key_id).toMatch(/^[0-9a-f]{12}$/);
    return { ...rest, ...(server === undefined ? { server: 'none' } : {}) };
  });
}

const GENERATED = { requests: 1, prompt_tokens: 3, completion_tokens: 5 };

describe.each(SURFACES)('a request to %s %j', (path, body) => {
  it('is recorded with its tokens, and from the cache with those that it saved', async () => {
    s.provider.onCall = complete;
    await ask(path, body);
    expect(rows()).toEqual([GENERATED]);
    for (const _ of [1, 2, 3]) await ask(path, body);
    expect(rows()).toEqual([{ server: 'none', requests: 3, cached: 3, tokens_saved: 24 }]);
    expect(s.provider.calls).toHaveLength(1);
  });

  it('is recorded as joined if it shares a generation, whose tokens are counted once', async () => {
    const all = [ask(path, body), ask(path, body), ask(path, body)];
    await vi.waitFor(() => expect(s.metrics.cacheLookups.joined).toBe(2));
    complete(s.provider.last);
    await Promise.all(all);
    expect(rows()).toEqual([{ requests: 3, joined: 2, prompt_tokens: 3, completion_tokens: 5, tokens_saved: 16 }]);
  });

  it('is recorded as an error if the model fails', async () => {
    s.provider.onCall = (call) => void call.fail(new AppError('upstream_failed', 'The model server failed.'));
    await ask(path, body);
    expect(rows()).toEqual([{ requests: 1, errors: 1 }]);
  });

  it('is recorded with the tokens so far if its client leaves', async () => {
    const left = new AbortController();
    s.provider.onCall = (call) => void call.say('one').say('two');
    const response = post(path, body, { signal: left.signal });
    response.catch(() => undefined);
    await vi.waitFor(() => expect(s.engine.load.running).toBe(1));
    await settled();
    left.abort();
    await vi.waitFor(async () => {
      await s.clock.advance(20);
      expect(totals.size).toBe(1);
    });
    const [row, ...others] = rows();
    expect(others).toEqual([]);
    expect(row).toMatchObject({ requests: 1, completion_tokens: 2 });
    expect(row?.prompt_tokens).toBeGreaterThan(0);
    expect(row?.errors).toBeUndefined();
  });
});

describe('the usage of a request', () => {
  it('with several choices is that of each of them', async () => {
    s.provider.onCall = complete;
    await ask('/v1/chat/completions', { model: 'm', messages, n: 3 });
    expect(rows()).toEqual([{ requests: 3, prompt_tokens: 9, completion_tokens: 15 }]);
  });

  it('with several prompts is that of each of them', async () => {
    s.provider.onCall = complete;
    await ask('/v1/completions', { model: 'm', prompt: ['one', 'two'], seed: 1 });
    expect(rows()).toEqual([{ requests: 2, prompt_tokens: 6, completion_tokens: 10 }]);
    await ask('/v1/completions', { model: 'm', prompt: ['two', 'three'], seed: 1 });
    expect(rows()).toEqual([
      { server: 'none', requests: 1, cached: 1, tokens_saved: 8 },
      { requests: 1, prompt_tokens: 3, completion_tokens: 5 },
    ]);
  });

  it('that was enqueued is recorded when its generation ends', async () => {
    const { request_id } = JSON.parse(await ask('/api/chat-queue', { messages }));
    expect(rows()).toEqual([]);
    complete(s.provider.last);
    await settled();
    expect(rows()).toEqual([GENERATED]);
    await ask('/api/chat-queue', { messages });
    expect(rows()).toEqual([{ server: 'none', requests: 1, cached: 1, tokens_saved: 8 }]);
    expect(request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('that is cancelled passes the generation on to one that has joined', async () => {
    const submit = async () => JSON.parse(await ask('/api/chat-queue', { messages })).request_id;
    const [first] = [await submit(), await submit()];
    const headers = { authorization: `Bearer ${KEY}` };
    await fetch(`${s.url}/api/chat-queue?request_id=${first}`, { method: 'DELETE', headers });
    expect(rows()).toEqual([{ requests: 1 }]);
    complete(s.provider.last);
    await settled();
    expect(rows()).toEqual([GENERATED]);
  });

  it('that is cancelled before it ran has a wait and nothing else', async () => {
    const small = await chatServer({ API_KEYS: KEY, QUEUE_MAX_CONCURRENT: '1' });
    await s.close();
    s = small;
    await ask('/api/chat-queue', { messages: [{ role: 'user', content: 'first' }] });
    const { request_id } = JSON.parse(await ask('/api/chat-queue', { messages }));
    await s.clock.advance(1_500);
    const headers = { authorization: `Bearer ${KEY}` };
    await fetch(`${s.url}/api/chat-queue?request_id=${request_id}`, { method: 'DELETE', headers });
    expect(totals.take()).toMatchObject([{ requests: 1, queue_ms: 1_500, generation_ms: 0, errors: 0 }]);
    s.provider.onCall = complete;
    complete(s.provider.last);
    await settled();
  });

  it('that the full queue refuses is an error', async () => {
    const full = await chatServer({ API_KEYS: KEY, QUEUE_MAX_CONCURRENT: '1', QUEUE_MAX_SIZE: '1' });
    await s.close();
    s = full;
    for (const content of ['first', 'second', 'third'])
      await ask('/api/chat-queue', { messages: [{ role: 'user', content }] });
    expect(rows()).toMatchObject([{ requests: 1, errors: 1 }]);
  });

  it('has the times of its wait and of its generation', async () => {
    await ask('/api/chat-queue', { messages });
    await s.clock.advance(2_000);
    complete(s.provider.last);
    await settled();
    expect(totals.take()).toMatchObject([{ queue_ms: 0, generation_ms: 2_000 }]);
  });

  it('that nothing keeps is recorded without a listener', async () => {
    unsubscribe();
    s.provider.onCall = complete;
    expect(JSON.parse(await ask('/api/chat-optimized', { messages, stream: false }))).toMatchObject({ cached: false });
    expect(totals.size).toBe(0);
  });
});

describe('the usage of embeddings', () => {
  const PATHS: [string, (input: string[]) => object][] = [
    ['/v1/embeddings', (input) => ({ model: 'e', input })],
    ['/api/embed', (input) => ({ model: 'e', input })],
  ];

  function embedBy(embed: (request: EmbedRequest) => Promise<void> | void): void {
    Object.assign(s.provider, {
      async embed(request: EmbedRequest) {
        await embed(request);
        const vectors = request.inputs.map((input) => Float32Array.of(input.length));
        return { vectors, promptTokens: 10 * request.inputs.length };
      },
    });
  }

  it.each(PATHS)('at %s counts inputs that were sent, and saves those that were not', async (path, bodyOf) => {
    embedBy(() => undefined);
    await ask(path, bodyOf(['a', 'b']));
    await vi.waitFor(() => expect(totals.size).toBe(1));
    expect(rows()).toEqual([{ requests: 1, prompt_tokens: 20 }]);
    await ask(path, bodyOf(['b', 'c', 'd']));
    await vi.waitFor(() => expect(totals.size).toBe(1));
    expect(rows()).toEqual([{ requests: 1, prompt_tokens: 20, tokens_saved: 10 }]);
    await ask(path, bodyOf(['a', 'd']));
    await vi.waitFor(() => expect(totals.size).toBe(1));
    expect(rows()).toEqual([{ server: 'none', requests: 1, cached: 1, tokens_saved: 20 }]);
  });

  it.each(PATHS)('at %s counts a batch of many inputs once, and joins it', async (path, bodyOf) => {
    const gate = Promise.withResolvers<void>();
    let batches = 0;
    embedBy(async () => {
      batches += 1;
      await gate.promise;
    });
    const inputs = Array.from({ length: 100 }, (_, index) => `input ${index}`);
    const both = [ask(path, bodyOf(inputs)), ask(path, bodyOf(inputs))];
    await vi.waitFor(() => expect(batches).toBe(2));
    await vi.waitFor(() => expect(s.engine.load.running).toBe(2));
    await settled();
    gate.resolve();
    await Promise.all(both);
    await vi.waitFor(() => expect(totals.size).toBe(2));
    expect(rows()).toEqual(
      expect.arrayContaining([
        { requests: 1, prompt_tokens: 1_000 },
        { server: 'none', requests: 1, joined: 1, tokens_saved: 1_000 },
      ]),
    );
    expect(batches).toBe(2);
  });

  it.each(PATHS)('at %s counts a failure', async (path, bodyOf) => {
    embedBy(() => {
      throw new AppError('context_length_exceeded', 'An input is too long.');
    });
    await ask(path, bodyOf(['a']));
    await vi.waitFor(() => expect(totals.size).toBe(1));
    expect(rows()).toEqual([{ requests: 1, errors: 1 }]);
  });
});
