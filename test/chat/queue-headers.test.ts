import OpenAI from 'openai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HEARTBEAT_MS } from '#lib/chat/generation/log-reader';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

/** What a caller of any API learns about its place in the queue. */

let s: ChatServer;
afterEach(() => s.close());

const AVERAGE_MS = 4_000;
const ENVIRONMENT = { QUEUE_MAX_CONCURRENT: '1', QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: String(AVERAGE_MS) };

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(s.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'm', ...body }),
  });
}

const said = (text: string) => ({ messages: [{ role: 'user' as const, content: text }] });

/** A request that takes the only slot. */
async function occupy(count = 1): Promise<Promise<Response>[]> {
  const replies = [];
  for (let index = 0; index < count; index++) {
    replies.push(post('/api/chat-optimized', { ...said(`first ${index}`), stream: false }));
    await vi.waitFor(() => expect(s.engine.load).toEqual({ running: 1, waiting: index }));
  }
  return replies;
}

const SURFACES = [
  ['/api/chat-optimized', said('second')],
  ['/v1/chat/completions', said('second')],
  ['/api/chat', said('second')],
  ['/api/generate', { prompt: 'second' }],
] as const;

const queueHeaders = ({ headers }: Response) => [headers.get('x-queue-position'), headers.get('x-queue-wait-ms')];

describe.each(SURFACES)('%s', (path, body) => {
  it('names the place at arrival and the measured wait in a whole response', async () => {
    s = await chatServer(ENVIRONMENT);
    await occupy(2);
    const reply = post(path, { ...body, stream: false });
    await vi.waitFor(() => expect(s.engine.load.waiting).toBe(2));
    await s.clock.advance(700);
    for (const calls of [2, 3]) {
      s.provider.last.say('x').done();
      await vi.waitFor(() => expect(s.provider.calls).toHaveLength(calls));
      await s.clock.advance(100);
    }
    s.provider.last.say('y').done();
    expect(queueHeaders(await reply)).toEqual(['2', '800']);
  });

  it('says 0 where nothing waits', async () => {
    s = await chatServer(ENVIRONMENT);
    s.provider.onCall = (call) => void call.say('x').done();
    for (const stream of [false, true]) {
      const response = await post(path, { ...body, stream, cache: 'off' });
      expect(queueHeaders(response)).toEqual(['0', '0']);
      await response.arrayBuffer();
    }
  });

  it('says nothing of a queue for a response from the cache', async () => {
    s = await chatServer(ENVIRONMENT);
    s.provider.onCall = (call) => void call.say('x').done();
    for (const cache of ['miss', 'hit']) {
      const response = await post(path, { ...body, stream: false, cache: 'on' });
      expect([response.headers.get('x-cache'), response.headers.has('x-queue-position')]).toEqual([
        cache,
        cache === 'miss',
      ]);
      await response.arrayBuffer();
    }
  });
});

describe('a stream of OpenAI’s API', () => {
  it('says its place at once, whenever it changes, and as its heartbeat', async () => {
    s = await chatServer(ENVIRONMENT);
    await occupy(2);
    const response = await post('/v1/chat/completions', { ...said('second'), stream: true });
    expect(queueHeaders(response)).toEqual(['2', String(2 * AVERAGE_MS)]);
    const lines = linesOf(response);
    expect(await lines.next()).toBe(`: queued position=2 wait_ms=${2 * AVERAGE_MS}`);
    await s.clock.advance(HEARTBEAT_MS);
    expect(await lines.next()).toBe(`: queued position=2 wait_ms=${2 * AVERAGE_MS}`);
    s.provider.last.say('x').done();
    expect(await lines.next()).toMatch(/^: queued position=1 wait_ms=\d+$/);
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    s.provider.last.say('x').done();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(3));
    await s.clock.advance(HEARTBEAT_MS);
    expect(await lines.next()).toBe(': waiting');
    s.provider.last.say('y').done();
    expect(await lines.next()).toMatch(/^data: .*"content":"y"/);
    await lines.rest();
  });

  it('is read by the official client as if there were no comments', async () => {
    s = await chatServer(ENVIRONMENT);
    await occupy();
    const client = new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'm', ...said('second'), stream: true })
      .withResponse();
    expect(queueHeaders(response)).toEqual(['1', String(AVERAGE_MS)]);
    s.provider.last.say('x').done();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    s.provider.last.say('Ru').say('st').done();
    let text = '';
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
    expect(text).toBe('Rust');
  });

  it('has no comment if it does not wait', async () => {
    s = await chatServer(ENVIRONMENT);
    s.provider.onCall = (call) => void call.say('x').done();
    const text = await (await post('/v1/chat/completions', { ...said('second'), stream: true })).text();
    expect(text.split('\n').filter((line) => line.startsWith(':'))).toEqual([]);
  });
});

describe('a stream whose clients read every line', () => {
  it.each([
    ['/api/chat-optimized', /^data: \{/],
    ['/api/chat', /^\{/],
  ])('of %s has headers about the queue and no comments', async (path, line) => {
    s = await chatServer(ENVIRONMENT);
    await occupy();
    const reply = post(path, { ...said('second'), stream: true });
    await vi.waitFor(() => expect(s.engine.load.waiting).toBe(1));
    await s.clock.advance(HEARTBEAT_MS);
    const response = await reply;
    expect(response.headers.get('x-queue-position')).toBe('1');
    s.provider.last.say('x').done();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    s.provider.last.say('y').done();
    const lines = (await response.text()).split('\n').filter((text) => text !== '');
    for (const text of lines) expect(text).toMatch(line);
  });
});

describe('a page of another origin', () => {
  it('may read the headers, and send those of a request', async () => {
    s = await chatServer({ ...ENVIRONMENT, CORS_ALLOWED_ORIGINS: 'https://app.example' });
    s.provider.onCall = (call) => void call.say('x').done();
    const headers = { origin: 'https://app.example' };
    const response = await post('/v1/chat/completions', said('hello'), headers);
    const exposed = response.headers.get('access-control-expose-headers')?.split(', ');
    for (const name of ['X-Cache', 'Age', 'X-Dropped-Params', 'X-Queue-Position', 'X-Queue-Wait-Ms'])
      expect(exposed).toContain(name);
    const preflight = await fetch(`${s.url}/v1/chat/completions`, { method: 'OPTIONS', headers });
    const allowed = preflight.headers.get('access-control-allow-headers')?.split(', ');
    for (const name of ['Cache-Control', 'X-Cache-Policy', 'X-Drop-Params']) expect(allowed).toContain(name);
  });
});

/** Reads a stream line by line, without the blank ones. */
function linesOf({ body }: Response) {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  const more = async () => {
    const { value = '', done = true } = (await reader?.read()) ?? {};
    held += value;
    return !done;
  };
  return {
    async next(): Promise<string | undefined> {
      for (;;) {
        held = held.replace(/^\n+/, '');
        const end = held.indexOf('\n');
        if (end >= 0) {
          const line = held.slice(0, end);
          held = held.slice(end + 1);
          return line;
        }
        if (!(await more())) return undefined;
      }
    },
    async rest(): Promise<string> {
      while (await more());
      return held;
    },
  };
}
