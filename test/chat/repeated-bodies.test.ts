import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScriptedCall } from '../support/chat.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

/** Bodies that came before, and are recognised by their digest. */

let s: ChatServer;
afterEach(() => s.close());

const LONG = 'a "long" text, größer\n'.repeat(4_000);

function post(path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  return fetch(s.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

async function ask(path: string, body: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>) {
  const response = await post(path, body, headers);
  return { status: response.status, cache: response.headers.get('x-cache'), text: await response.text() };
}

/** Without what differs between two requests: ids and times. */
const constant = (text: string) =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
    .replace(/"created(?:_at)?":("[^"]*"|\d+)/g, '')
    .replace(/"timings":\{[^}]*\}/g, '');

function question(text: string, fields: object = {}): string {
  return JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }], stream: false, ...fields });
}

/** The model repeats how long the question was, and its end. */
function playEcho(): void {
  s.provider.onCall = (call: ScriptedCall) => {
    const { messages, completion } = call.request;
    const content = messages.at(-1)?.content ?? String(completion?.prompt ?? '');
    call.say(`${content.length} ${content.slice(-12)}`).done();
  };
}

describe('a repeated body', () => {
  it.each([
    ['/api/chat-optimized', question('short')],
    ['/v1/chat/completions', question('short')],
    ['/v1/messages', question('short')],
    ['/v1/messages', question(LONG, { stream: true })],
    ['/api/chat', question('short', { stream: true })],
    ['/api/chat-optimized', question(LONG)],
    ['/api/chat-optimized', question(LONG, { stream: true })],
    ['/v1/chat/completions', question(LONG)],
    ['/v1/chat/completions', question(LONG, { stream: true, stream_options: { include_usage: true } })],
    ['/api/chat', question(LONG)],
    ['/api/generate', JSON.stringify({ model: 'm', prompt: LONG, stream: false })],
    ['/v1/completions', JSON.stringify({ model: 'm', prompt: LONG })],
    ['/v1/completions', JSON.stringify({ model: 'm', prompt: 'short', stream: true })],
    ['/v1/responses', JSON.stringify({ model: 'm', input: 'short', metadata: { a: 'b' } })],
    ['/v1/responses', JSON.stringify({ model: 'm', input: 'short', stream: true, store: false })],
    ['/v1/responses', JSON.stringify({ model: 'm', input: LONG, stream: true })],
  ])('of %s gets the response that other bytes of the same request get', async (path, body) => {
    s = await chatServer({ CACHE_SDK: 'always' });
    playEcho();
    expect((await ask(path, body)).cache).toBe('miss');
    const [again, third, spaced] = [await ask(path, body), await ask(path, body), await ask(path, ` ${body}`)];
    expect([again.cache, third.cache, spaced.cache]).toEqual(['hit', 'hit', 'hit']);
    expect(constant(again.text)).toBe(constant(spaced.text));
    expect(constant(third.text)).toBe(constant(spaced.text));
    expect(again.text).toContain(`${body.includes('short') ? 5 : LONG.length} `);
    expect(s.provider.calls).toHaveLength(1);
    const { hits, misses } = s.engine.stats().response_cache;
    expect([hits, misses]).toEqual([3, 1]);
  });

  it('is another request to another API', async () => {
    s = await chatServer({ CACHE_SDK: 'always' });
    playEcho();
    const body = question(LONG);
    const texts: string[] = [];
    for (const path of ['/api/chat-optimized', '/v1/chat/completions', '/api/chat'])
      for (const _ of [1, 2]) texts.push((await ask(path, body)).text);
    expect(texts.map((text) => Object.keys(JSON.parse(text))[0])).toEqual([
      'message',
      'message',
      'id',
      'id',
      'model',
      'model',
    ]);
    expect(s.provider.calls).toHaveLength(1);
  });

  it('that differs in one byte gets its own response', async () => {
    s = await chatServer();
    playEcho();
    for (const end of ['a', 'b', 'a', 'b'])
      expect(JSON.parse((await ask('/api/chat-optimized', question(LONG + end))).text).message.content).toBe(
        `${LONG.length + 1} ${(LONG + end).slice(-12)}`,
      );
    expect(s.provider.calls).toHaveLength(2);
  });

  it('reaches the model whole once its response is not cached any more', async () => {
    s = await chatServer();
    playEcho();
    const body = question(LONG);
    await ask('/api/chat-optimized', body);
    await ask('/api/chat-optimized', body);
    s.engine.clearResponses();
    expect((await ask('/api/chat-optimized', body)).cache).toBe('miss');
    expect(s.provider.calls.map(({ request }) => request.messages.at(-1)?.content)).toEqual([LONG, LONG]);
  });

  it('bypasses the cache when the client asks for that', async () => {
    s = await chatServer();
    playEcho();
    const body = question(LONG);
    const statuses = [
      await ask('/api/chat-optimized', body),
      await ask('/api/chat-optimized', body, { 'cache-control': 'no-cache' }),
      await ask('/api/chat-optimized', body),
      await ask('/api/chat-optimized', question(LONG, { use_cache: false })),
      await ask('/api/chat-optimized', question(LONG, { use_cache: false })),
    ];
    expect(statuses.map(({ cache }) => cache)).toEqual(['miss', 'bypass', 'hit', 'bypass', 'bypass']);
  });

  it('shares no response between callers if each has its own cache', async () => {
    s = await chatServer({ CACHE_SCOPE: 'caller', API_KEYS: 'first-key-of-all,second-key-of-all' });
    playEcho();
    const statuses: (string | null)[] = [];
    for (const key of ['first-key-of-all', 'second-key-of-all', 'first-key-of-all', 'second-key-of-all'])
      statuses.push((await ask('/api/chat-optimized', question(LONG), { authorization: `Bearer ${key}` })).cache);
    expect(statuses).toEqual(['miss', 'miss', 'hit', 'hit']);
  });

  it('of a conversation is read with the messages before it each time', async () => {
    s = await chatServer();
    playEcho();
    const body = question(LONG, { conversation_id: 'c' });
    for (const _ of [1, 2, 3]) await ask('/api/chat-optimized', body);
    expect(s.provider.calls.map(({ request }) => request.messages.length)).toEqual([1, 3, 5]);
  });

  it.each([
    ['cut short', Buffer.from(question(LONG)).subarray(0, -2), 400],
    ['invalid UTF-8', Buffer.concat([Buffer.from(question(LONG)).subarray(0, -30), Buffer.of(0xff)]), 400],
    ['nested too deep', Buffer.from(question(LONG, { format: JSON.parse('['.repeat(200) + ']'.repeat(200)) })), 400],
    ['of no messages', Buffer.from(JSON.stringify({ system_prompt: LONG })), 400],
  ])('that is %s is refused each time, and leaves no trace', async (_, body, status) => {
    s = await chatServer();
    playEcho();
    const refused = [await ask('/api/chat-optimized', body), await ask('/api/chat-optimized', body)];
    expect(refused.map((reply) => reply.status)).toEqual([status, status]);
    expect(constant(refused[0]?.text ?? '')).toBe(constant(refused[1]?.text ?? ''));
    expect((await ask('/api/chat-optimized', question(LONG))).status).toBe(200);
    expect(s.provider.calls).toHaveLength(1);
  });

  it('with a duplicate key has the last value, also from the cache', async () => {
    s = await chatServer();
    playEcho();
    const twice = `{"messages":[{"role":"user","content":"first"}],${question(LONG).slice(1)}`;
    for (const _ of [1, 2, 3])
      expect(JSON.parse((await ask('/api/chat-optimized', twice)).text).message.content).toContain(`${LONG.length} `);
    expect(s.provider.calls).toHaveLength(1);
  });
});

describe('bodies that arrive at the same time', () => {
  it('keep their own bytes while buffers are used again, also if one stops half-way', async () => {
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '16' });
    playEcho();
    const texts = Array.from(
      { length: 12 },
      (_, at) => `${String.fromCharCode(97 + at).repeat(70_000 + at * 30_000)} ${at}`,
    );
    const path = '/api/chat-optimized';
    // Fills the spare buffers.
    for (const text of texts.slice(0, 4)) await ask(path, question(text));
    const slow = Buffer.from(question(`ö${'slow '.repeat(60_000)}end`));
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const headers = { 'content-type': 'application/json', 'content-length': String(slow.byteLength) };
    const half = httpRequest(s.url + path, { method: 'POST', headers }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
    // Splits the two bytes of the ö.
    const cut = slow.indexOf(0xc3) + 1;
    half.write(slow.subarray(0, cut));
    const left = httpRequest(s.url + path, { method: 'POST', headers }).on('error', () => {});
    left.write(slow.subarray(0, 100_000));
    for (const _ of [1, 2]) {
      const replies = await Promise.all(texts.map((text) => ask(path, question(text))));
      for (const [at, { text }] of replies.entries())
        expect(JSON.parse(text).message.content).toBe(`${texts[at]?.length} ${texts[at]?.slice(-12)}`);
    }
    left.destroy();
    half.write(slow.subarray(cut, 200_000));
    await Promise.all(texts.map((text) => ask(path, question(`${text}!`))));
    half.end(slow.subarray(200_000));
    expect(JSON.parse(await promise).message.content).toBe('300004 low slow end');
    const sent = s.provider.calls.map(({ request }) => request.messages.at(-1)?.content);
    for (const text of texts) expect(sent).toContain(text);
  });
});
