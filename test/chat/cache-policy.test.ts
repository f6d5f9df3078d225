import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

/** Who reads the cache, who joins a running generation, and what headers change about it. */

let s: ChatServer;
afterEach(() => s.close());

type Headers = Record<string, string>;

function post(path: string, body: object, headers: Headers = {}): Promise<Response> {
  return fetch(s.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function cacheOf(reply: Promise<Response>): Promise<string | null> {
  const response = await reply;
  expect(response.status, await response.clone().text()).toBe(200);
  await response.arrayBuffer();
  return response.headers.get('x-cache');
}

/** Every response is another one. */
function samples(): void {
  let count = 0;
  s.provider.onCall = (call) => void call.say(`sample ${++count}`).done();
}

const messages = [{ role: 'user' as const, content: 'hello' }];
const SURFACES = [
  ['/v1/chat/completions', { model: 'm', messages }, (sampling: object) => sampling],
  ['/api/chat', { model: 'm', messages, stream: false }, (sampling: object) => ({ options: sampling })],
  ['/api/generate', { model: 'm', prompt: 'hello', stream: false }, (sampling: object) => ({ options: sampling })],
  ['/v1/completions', { model: 'm', prompt: 'hello' }, (sampling: object) => sampling],
  ['/v1/completions', { model: 'm', prompt: 'hello', stream: true }, (sampling: object) => sampling],
  ['/v1/infill', { model: 'm', input_prefix: 'hello' }, (sampling: object) => sampling],
  ['/v1/infill', { model: 'm', input_prefix: 'a', response_fields: ['content'] }, (sampling: object) => sampling],
] as const;

/** They have no seed. */
const SEEDLESS_SURFACES = [
  ['/v1/messages', { model: 'm', max_tokens: 9, messages }],
  ['/v1/responses', { model: 'm', input: 'hello' }],
] as const;

describe.each(SEEDLESS_SURFACES)('%s', (path, body) => {
  it('generates each time for random sampling, and reads the cache for temperature 0', async () => {
    s = await chatServer();
    samples();
    const caches = [];
    for (const fields of [{}, {}, { temperature: 1 }, { temperature: 0 }, { temperature: 0 }])
      caches.push(await cacheOf(post(path, { ...body, ...fields })));
    expect(caches).toEqual(['bypass', 'bypass', 'bypass', 'miss', 'hit']);
  });

  it('reads the cache if the request says so, in its body or a header', async () => {
    s = await chatServer({ CACHE_SDK: 'never' });
    samples();
    const fixed = { ...body, temperature: 0 };
    expect(await cacheOf(post(path, fixed))).toBe('bypass');
    expect(await cacheOf(post(path, { ...fixed, cache: 'on' }))).toBe('miss');
    for (const _ of [1, 2]) expect(await cacheOf(post(path, fixed, { 'x-cache-policy': 'on' }))).toBe('hit');
    expect(await cacheOf(post(path, { ...fixed, cache: 'off' }, { 'x-cache-policy': 'on' }))).toBe('bypass');
    expect(await cacheOf(post(path, fixed, { 'x-cache-policy': 'on', 'cache-control': 'no-cache' }))).toBe('bypass');
    const old = await post(path, { ...fixed, cache: 'on' });
    expect([old.headers.get('x-cache'), old.headers.get('age')]).toEqual(['hit', '0']);
  });

  it('reads it for all with CACHE_SDK=always', async () => {
    s = await chatServer({ CACHE_SDK: 'always' });
    samples();
    expect([await cacheOf(post(path, body)), await cacheOf(post(path, body))]).toEqual(['miss', 'hit']);
  });
});

describe.each(SURFACES)('%s', (path, body, sampling) => {
  it('generates each time for random sampling', async () => {
    s = await chatServer();
    samples();
    for (const fields of [{}, { temperature: 1 }, { seed: -1 }]) {
      const caches = [];
      for (const _ of [1, 2, 3]) caches.push(await cacheOf(post(path, { ...body, ...sampling(fields) })));
      expect(caches).toEqual(['bypass', 'bypass', 'bypass']);
    }
    expect(s.provider.calls).toHaveLength(9);
  });

  it.each([{ temperature: 0 }, { seed: 7 }, { temperature: 1, seed: 7 }])('reads the cache for %j', async (fields) => {
    s = await chatServer();
    samples();
    const caches = [];
    for (const _ of [1, 2, 3]) caches.push(await cacheOf(post(path, { ...body, ...sampling(fields) })));
    expect(caches).toEqual(['miss', 'hit', 'hit']);
    expect(s.provider.calls).toHaveLength(1);
  });

  it.each([
    ['always', {}, ['miss', 'hit']],
    ['never', { temperature: 0 }, ['bypass', 'bypass']],
  ])('reads the cache as CACHE_SDK=%s says', async (setting, fields, expected) => {
    s = await chatServer({ CACHE_SDK: setting });
    samples();
    const request = { ...body, ...sampling(fields) };
    expect([await cacheOf(post(path, request)), await cacheOf(post(path, request))]).toEqual(expected);
  });

  it('reads the cache for random sampling if the request says so, in its body or a header', async () => {
    s = await chatServer();
    samples();
    expect(await cacheOf(post(path, body))).toBe('bypass');
    expect(await cacheOf(post(path, { ...body, cache: 'on' }))).toBe('hit');
    for (const _ of [1, 2]) expect(await cacheOf(post(path, body, { 'x-cache-policy': 'on' }))).toBe('hit');
    expect(await cacheOf(post(path, body))).toBe('bypass');
    const fixed = { ...body, ...sampling({ seed: 1 }) };
    expect(await cacheOf(post(path, fixed))).toBe('miss');
    expect(await cacheOf(post(path, fixed, { 'x-cache-policy': 'off' }))).toBe('bypass');
    expect(await cacheOf(post(path, { ...fixed, cache: 'off' }))).toBe('bypass');
    // The body is closer to the request than a client's default headers.
    expect(await cacheOf(post(path, { ...fixed, cache: 'on' }, { 'x-cache-policy': 'off' }))).toBe('hit');
    expect(await cacheOf(post(path, fixed))).toBe('hit');
  });

  it('joins running requests by the same rule', async () => {
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '8' });
    const random = [1, 2, 3].map(() => cacheOf(post(path, body)));
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(3));
    const fixed = [1, 2, 3].map(() => cacheOf(post(path, { ...body, ...sampling({ temperature: 0 }) })));
    await vi.waitFor(() => expect(s.engine.stats().batch_processor.total_requests).toBe(6));
    expect(s.provider.calls).toHaveLength(4);
    for (const call of s.provider.calls) call.say('x').done();
    expect(await Promise.all(random)).toEqual(['bypass', 'bypass', 'bypass']);
    expect((await Promise.all(fixed)).sort()).toEqual(['joined', 'joined', 'miss']);
  });
});

describe('the native routes', () => {
  const native = (fields: object = {}, headers: Headers = {}) =>
    post('/api/chat-optimized', { model: 'm', messages, stream: false, ...fields }, headers);

  it('read the cache for random sampling, whatever CACHE_SDK says', async () => {
    s = await chatServer({ CACHE_SDK: 'never' });
    samples();
    expect([await cacheOf(native()), await cacheOf(native())]).toEqual(['miss', 'hit']);
    const queued = await post('/api/chat-queue', { model: 'm', messages });
    expect(queued.headers.get('x-cache')).toBe('hit');
    expect(queued.headers.get('age')).toBe('0');
  });

  it('may read what random sampling of an SDK has stored', async () => {
    s = await chatServer();
    samples();
    await cacheOf(post('/v1/chat/completions', { model: 'm', messages }));
    expect(await cacheOf(native())).toBe('hit');
  });

  it('take cache: off as use_cache: false, and refuse a contradiction', async () => {
    s = await chatServer();
    samples();
    await cacheOf(native());
    expect(await cacheOf(native({ cache: 'off' }))).toBe('bypass');
    expect(await cacheOf(native({ use_cache: false }))).toBe('bypass');
    expect(await cacheOf(native({ use_cache: false, cache: 'off' }))).toBe('bypass');
    const both = await native({ use_cache: false, cache: 'on' });
    expect([both.status, (await both.json()).details[0].field]).toEqual([400, 'cache']);
    expect(await (await native()).json()).toMatchObject({ cached: true, message: { content: 'sample 1' } });
  });

  it.each([
    ['X-Cache-Policy', 'sometimes', /must be auto, on or off/],
    ['X-Drop-Params', 'perhaps', /must be true or false/],
  ])('refuse the header %s: %s', async (name, value, sentence) => {
    s = await chatServer();
    const refused = await native({}, { [name]: value });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      code: 'invalid_request',
      error: expect.stringMatching(sentence),
      details: [{ field: name }],
    });
  });
});

describe('Cache-Control', () => {
  const fixed = { model: 'm', messages, seed: 1 };
  const ask = (control?: string) =>
    post('/v1/chat/completions', fixed, control === undefined ? {} : { 'cache-control': control });
  const text = async (reply: Promise<Response>) => (await (await reply).json()).choices[0].message.content;

  it('no-store neither reads, joins nor stores', async () => {
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '8' });
    samples();
    expect(await cacheOf(ask('no-store'))).toBe('bypass');
    expect(await cacheOf(ask())).toBe('miss');
    expect(await cacheOf(ask('no-store'))).toBe('bypass');
    expect(await text(ask())).toBe('sample 2');
    s.provider.onCall = undefined;
    const running = [ask('no-store'), ask('no-store')];
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(5));
    for (const call of s.provider.calls.slice(3)) call.say('x').done();
    for (const reply of running) expect(await cacheOf(reply)).toBe('bypass');
  });

  it.each(['no-cache', 'max-age=0'])('%s generates and stores', async (control) => {
    s = await chatServer();
    samples();
    await cacheOf(ask());
    expect(await cacheOf(ask(control))).toBe('bypass');
    expect(await text(ask())).toBe('sample 2');
  });

  it('max-age reads no older response, and Age says how old it is', async () => {
    s = await chatServer();
    samples();
    await cacheOf(ask());
    await s.clock.advance(30_900);
    for (const _ of [1, 2]) {
      const hit = await ask('max-age=31');
      expect([hit.headers.get('x-cache'), hit.headers.get('age')]).toEqual(['hit', '30']);
    }
    const renewed = await ask('max-age=30');
    expect([renewed.headers.get('x-cache'), renewed.headers.get('age')]).toEqual(['miss', null]);
    const again = await ask('max-age=30');
    expect([again.headers.get('x-cache'), again.headers.get('age')]).toEqual(['hit', '0']);
    expect(s.engine.stats().response_cache).toMatchObject({ hits: 3, misses: 1 });
  });

  it('gives streams from the cache an age too', async () => {
    s = await chatServer();
    samples();
    const streamed = { ...fixed, stream: true };
    await cacheOf(post('/v1/chat/completions', streamed));
    await s.clock.advance(5_000);
    for (const _ of [1, 2]) {
      const hit = await post('/v1/chat/completions', streamed);
      expect([hit.headers.get('x-cache'), hit.headers.get('age')]).toEqual(['hit', '5']);
      await hit.text();
    }
  });

  it('only-if-cached is 504 without a cached response, in the error shape of the API', async () => {
    s = await chatServer();
    samples();
    for (const _ of [1, 2]) {
      const missing = await ask('only-if-cached');
      expect([missing.status, (await missing.json()).error.code]).toEqual([504, 'not_cached']);
    }
    expect(s.provider.calls).toHaveLength(0);
    await cacheOf(ask());
    expect(await cacheOf(ask('only-if-cached'))).toBe('hit');
    await cacheOf(post('/v1/chat/completions', { model: 'm', messages }));
    const random = post('/v1/chat/completions', { model: 'm', messages }, { 'cache-control': 'only-if-cached' });
    expect(await cacheOf(random)).toBe('hit');
    expect(s.provider.calls).toHaveLength(2);
  });

  it('only-if-cached does not join a running request', async () => {
    s = await chatServer();
    const running = ask();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    expect((await ask('only-if-cached')).status).toBe(504);
    s.provider.last.say('x').done();
    await cacheOf(running);
  });
});

describe('the official SDKs', () => {
  it('send the cache policy as an extra field or header', async () => {
    s = await chatServer();
    samples();
    const openai = new OpenAI({
      baseURL: `${s.url}/v1`,
      apiKey: 'none',
      maxRetries: 0,
      defaultHeaders: { 'X-Cache-Policy': 'on' },
    });
    const ask = () => openai.chat.completions.create({ model: 'm', messages }).withResponse();
    await ask();
    expect((await ask()).response.headers.get('x-cache')).toBe('hit');
    const extra = { model: 'm', messages, cache: 'off' };
    expect((await openai.chat.completions.create(extra).withResponse()).response.headers.get('x-cache')).toBe('bypass');
    const ollama = new Ollama({ host: s.url });
    const cached = { model: 'm', messages, cache: 'on' };
    expect((await ollama.chat(cached)).message.content).toBe('sample 1');
  });

  it('get as many samples as they ask for', async () => {
    s = await chatServer();
    samples();
    const openai = new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const texts = [];
    for (const _ of Array(10).keys())
      texts.push((await openai.chat.completions.create({ model: 'm', messages })).choices[0]?.message.content);
    expect(new Set(texts).size).toBe(10);
  });
});
