import OpenAI from 'openai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HEARTBEAT_MS } from '#lib/chat/generation/log-reader';
import { AppError } from '#lib/errors';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { needsOneServer } from '../support/instances.ts';

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
  ['/v1/messages', { ...said('second'), max_tokens: 9 }],
  ['/v1/responses', { input: 'second' }],
  ['/v1/completions', { prompt: 'second' }],
  ['/v1/infill', { input_prefix: 'second' }],
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
    needsOneServer('measures no time by a clock that stands still');
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

describe.each([
  ['/v1/chat/completions', said('second'), /^data: .*"content":"y"/],
  ['/v1/completions', { prompt: 'second' }, /^data: .*"text":"y"/],
  ['/v1/infill', { input_prefix: 'second' }, /^data: .*"content":"y"/],
  ['/v1/responses', { input: 'second' }, /^data: .*"delta":"y"/],
] as const)('a stream of %s', (path, body, text) => {
  /** Comments, and the data of events that have a text. */
  async function nextOf(lines: ReturnType<typeof linesOf>): Promise<string | undefined> {
    for (;;) {
      const line = await lines.next();
      if (line === undefined || line.startsWith(':') || text.test(line)) return line;
    }
  }

  it('says its place at once, whenever it changes, and as its heartbeat', async () => {
    s = await chatServer(ENVIRONMENT);
    await occupy(2);
    const response = await post(path, { ...body, stream: true });
    expect(queueHeaders(response)).toEqual(['2', String(2 * AVERAGE_MS)]);
    const lines = linesOf(response);
    expect(await nextOf(lines)).toBe(`: queued position=2 wait_ms=${2 * AVERAGE_MS}`);
    await s.clock.advance(HEARTBEAT_MS);
    expect(await nextOf(lines)).toBe(`: queued position=2 wait_ms=${2 * AVERAGE_MS}`);
    s.provider.last.say('x').done();
    expect(await nextOf(lines)).toMatch(/^: queued position=1 wait_ms=\d+$/);
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    s.provider.last.say('x').done();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(3));
    await s.clock.advance(HEARTBEAT_MS);
    expect(await nextOf(lines)).toBe(': waiting');
    s.provider.last.say('y').done();
    expect(await nextOf(lines)).toMatch(text);
    await lines.rest();
  });

  it('has no comment if it does not wait', async () => {
    s = await chatServer(ENVIRONMENT);
    s.provider.onCall = (call) => void call.say('x').done();
    const all = await (await post(path, { ...body, stream: true })).text();
    expect(all.split('\n').filter((line) => line.startsWith(':'))).toEqual([]);
  });
});

describe('a stream of OpenAI’s API', () => {
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

  it('is read by the official client of completions and responses too', async () => {
    s = await chatServer(ENVIRONMENT);
    const client = new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });
    await occupy();
    const completion = await client.completions.create({ model: 'm', prompt: 'second', stream: true });
    s.provider.last.say('x').done();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    const response = await client.responses.create({ model: 'm', input: 'third', stream: true });
    s.provider.last.say('Ru').say('st').done();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(3));
    s.provider.last.say('Ru').say('st').done();
    let text = '';
    for await (const { choices } of completion) text += choices[0]?.text ?? '';
    for await (const event of response) if (event.type === 'response.output_text.delta') text += event.delta;
    expect(text).toBe('RustRust');
  });
});

describe('a stream of Anthropic’s API', () => {
  it('has pings instead of comments', async () => {
    s = await chatServer(ENVIRONMENT);
    await occupy();
    const reply = post('/v1/messages', { ...said('second'), max_tokens: 9, stream: true });
    await vi.waitFor(() => expect(s.engine.load.waiting).toBe(1));
    await s.clock.advance(HEARTBEAT_MS);
    const response = await reply;
    expect(queueHeaders(response)[0]).toBe('1');
    s.provider.last.say('x').done();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    s.provider.last.say('y').done();
    const lines = (await response.text()).split('\n').filter((text) => text !== '');
    expect(lines[0]).toBe('event: ping');
    for (const text of lines) expect(text).toMatch(/^(?:event|data): /);
  });

  it('has the status of a failure before the first token, also after the queue', async () => {
    s = await chatServer(ENVIRONMENT);
    await occupy();
    const failing = post('/v1/messages', { ...said('third'), max_tokens: 9, stream: true });
    await vi.waitFor(() => expect(s.engine.load.waiting).toBe(1));
    s.provider.last.say('x').done();
    await vi.waitFor(() => expect(s.engine.load.waiting).toBe(0));
    s.provider.last.fail(new AppError('provider_unavailable', 'It is busy.'));
    expect((await failing).status).toBe(503);
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

describe('several prompts of one completion', () => {
  it('have the place and the wait of the last of them', async () => {
    s = await chatServer(ENVIRONMENT);
    const reply = post('/v1/completions', { prompt: ['first', 'second'], n: 2 });
    await vi.waitFor(() => expect(s.engine.load).toEqual({ running: 1, waiting: 3 }));
    for (const calls of [2, 3, 4]) {
      await s.clock.advance(1_000);
      s.provider.last.say('x').done();
      await vi.waitFor(() => expect(s.provider.calls).toHaveLength(calls));
    }
    s.provider.last.say('x').done();
    expect(queueHeaders(await reply)).toEqual(['3', '3000']);
  });
});

describe('a page of another origin', () => {
  it('may read the headers, and send those of a request', async () => {
    s = await chatServer({ ...ENVIRONMENT, CORS_ALLOWED_ORIGINS: 'https://app.example' });
    s.provider.onCall = (call) => void call.say('x').done();
    const headers = { origin: 'https://app.example' };
    const response = await post('/v1/chat/completions', said('hello'), headers);
    const exposed = response.headers.get('access-control-expose-headers')?.split(', ');
    for (const name of ['X-Cache', 'Age', 'X-Dropped-Params', 'X-Queue-Position', 'X-Queue-Wait-Ms', 'X-Degraded'])
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
