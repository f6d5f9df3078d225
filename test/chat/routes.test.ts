import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '#lib/errors';
import { type ChatEvent, chatEventSchema, chatResponseSchema } from '#lib/wire/chat';
import { queueEntrySchema, queueOverviewSchema, queueSubmittedSchema } from '#lib/wire/chat-queue';
import { type ChatServer, chatServer, failureOf, postJson } from '../support/chat-server.ts';

let s: ChatServer;

afterEach(async () => {
  await s.close();
  expect(s.provider.open).toBe(0);
});

const HELLO = { messages: [{ role: 'user', content: 'hello' }] };

const post = (path: string, ...rest: [unknown, Record<string, string>?, AbortSignal?]) =>
  postJson(s.url + path, ...rest);

const chat = (body: object, headers?: Record<string, string>) => post('/api/chat-optimized', body, headers);
const queue = (query = '', init: RequestInit = {}) => fetch(`${s.url}/api/chat-queue${query}`, init);

function dataLines(body: string): ChatEvent[] {
  return body.split('\n').flatMap((line) => {
    if (line === '') return [];
    expect(line.startsWith('data: ')).toBe(true);
    return [chatEventSchema.parse(JSON.parse(line.slice(6)))];
  });
}

/** Lets the model say one thing to every call, at once. */
function says(text: string) {
  s.provider.onCall = (call) => void call.say(text).done();
}

describe('POST /api/chat-optimized', () => {
  it('responds with JSON, and the second time from the cache', async () => {
    s = await chatServer();
    says('Rust\n```rs\nfn main() {}\n```');
    const first = await chat({ ...HELLO, stream: false });
    expect([first.status, first.headers.get('x-cache')]).toEqual([200, 'miss']);
    const response = chatResponseSchema.parse(await first.json());
    expect(response).toMatchObject({ cached: false, message: { content: 'Rust\n```rs\nfn main() {}\n```' } });
    const second = await chat({ ...HELLO, stream: false });
    expect(second.headers.get('x-cache')).toBe('hit');
    const again = chatResponseSchema.parse(await second.json());
    expect(again).toMatchObject({ cached: true, message: response.message, usage: response.usage });
    expect(again.request_id).not.toBe(response.request_id);
    expect(s.provider.calls).toHaveLength(1);
  });

  it.each(['/api/chat-optimized', '/api/chat-stream'])(
    'streams at %s, replayed byte for byte from the cache',
    async (path) => {
      s = await chatServer();
      s.provider.onCall = (call) => void call.think('hm').say('a\n').say('\tb "c"\r\n').done();
      const first = await post(path, HELLO);
      expect(first.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      expect(first.headers.get('cache-control')).toBe('no-cache, no-transform');
      expect(first.headers.get('x-accel-buffering')).toBe('no');
      const events = dataLines(await first.text());
      expect(events.at(-1)).toMatchObject({ done: true, cached: false, done_reason: 'stop', model: 'default-model' });
      const second = await post(path, HELLO);
      expect(second.headers.get('x-cache')).toBe('hit');
      const replayed = dataLines(await second.text());
      for (const field of ['content', 'thinking'] as const)
        expect(replayed.map((event) => event[field] ?? '').join('')).toBe(
          events.map((event) => event[field] ?? '').join(''),
        );
      expect(replayed.every(({ cached }) => cached === true)).toBe(true);
      expect(replayed.filter(({ done }) => done)).toHaveLength(1);
    },
  );

  it('accepts camelCase, and bypasses or renews the cache on request', async () => {
    s = await chatServer();
    says('x');
    await chat({ ...HELLO, stream: false });
    const unused = await chat({ ...HELLO, stream: false, useCache: false, systemPrompt: '' });
    expect(unused.headers.get('x-cache')).toBe('bypass');
    says('new');
    const renewed = await chat({ ...HELLO, stream: false }, { 'cache-control': 'no-cache' });
    expect(renewed.headers.get('x-cache')).toBe('bypass');
    const hit = await chat({ ...HELLO, stream: false });
    expect(await hit.json()).toMatchObject({ cached: true, message: { content: 'new' } });
    expect(s.provider.calls).toHaveLength(3);
  });

  it('joins identical requests: one call, however many callers', async () => {
    s = await chatServer();
    const replys = Array.from({ length: 50 }, () => chat({ ...HELLO, stream: false }));
    await vi.waitFor(() => expect(s.engine.stats().batch_processor.total_requests).toBe(50));
    s.provider.last.say('one').done();
    const responses = await Promise.all(replys);
    expect(responses.filter((one) => one.headers.get('x-cache') === 'joined')).toHaveLength(49);
    expect(new Set(await Promise.all(responses.map(async (one) => (await one.json()).message.content)))).toEqual(
      new Set(['one']),
    );
    expect(s.provider.calls).toHaveLength(1);
  });

  it('names every bad field, and refuses what is too large, no JSON, or for another method', async () => {
    s = await chatServer();
    const bad = await failureOf(chat({ messages: [{ role: 'king', content: 1 }], priority: 11, stream: 'yes' }));
    expect([bad.status, bad.code]).toEqual([400, 'invalid_request']);
    expect(bad.details?.map(({ field }) => field)).toEqual([
      'messages.0.role',
      'messages.0.content',
      'stream',
      'priority',
    ]);
    const last = await failureOf(chat({ messages: [{ role: 'assistant', content: '' }] }));
    expect(last.details?.[0]?.message).toMatch(/last message/);
    expect(await failureOf(post('/api/chat-optimized', '{'))).toMatchObject({ status: 400, code: 'invalid_json' });
    expect(await failureOf(post('/api/chat-optimized', '{}', { 'content-type': 'text/plain' }))).toMatchObject({
      status: 415,
    });
    expect(await failureOf(chat({ messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] }))).toMatchObject({
      status: 413,
      code: 'body_too_large',
    });
    const wrong = await failureOf(fetch(`${s.url}/api/chat-optimized`));
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });

  it('takes larger bodies where images are attached', async () => {
    s = await chatServer();
    says('a cat');
    const images = [Buffer.alloc(3_000_000).toString('base64')];
    const response = await chat({ stream: false, messages: [{ role: 'user', content: 'what?', images }] });
    expect(response.status).toBe(200);
    expect(s.provider.last.request.messages[0]?.images).toEqual(images);
  });

  it('gives a failure before the first token its status, and one after it its event', async () => {
    s = await chatServer();
    s.provider.onCall = (call) => void call.fail(new AppError('model_not_found', 'Get it with `ollama pull x`.'));
    expect(await failureOf(chat(HELLO))).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(await failureOf(chat({ ...HELLO, stream: false }))).toMatchObject({ status: 404 });
    s.provider.onCall = (call) => void call.say('x').end();
    expect(dataLines(await (await chat(HELLO)).text()).at(-1)).toMatchObject({
      done: true,
      code: 'upstream_truncated',
    });
    expect(await failureOf(chat({ ...HELLO, stream: false }))).toMatchObject({
      status: 502,
      code: 'upstream_truncated',
    });
  });

  it('attaches to a request by its id, which can be chosen as X-Request-Id', async () => {
    s = await chatServer();
    const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
    const first = chat(HELLO, { 'x-request-id': id });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    s.provider.last.say('so ');
    const second = chat({ requestId: id });
    const third = chat({ request_id: id, stream: false });
    s.provider.last.say('far').done();
    for (const one of [await first, await second])
      expect(
        dataLines(await one.text())
          .map(({ content }) => content ?? '')
          .join(''),
      ).toBe('so far');
    expect(await (await third).json()).toMatchObject({ request_id: id, message: { content: 'so far' } });
    expect(await failureOf(chat({ request_id: '0f8fad5b-d9cb-469f-a165-000000000000' }))).toMatchObject({
      status: 404,
    });
    expect(await failureOf(chat({ request_id: 'x' }))).toMatchObject({ status: 400 });
  });

  it.each([
    ['/api/chat-optimized', { ...HELLO, stream: false, use_cache: false }],
    ['/api/chat-optimized', { ...HELLO, use_cache: false }],
    ['/api/chat-optimized', { ...HELLO, stream: false }],
    ['/api/chat-queue', { ...HELLO, use_cache: false }],
    ['/v1/chat/completions', HELLO],
    ['/api/chat', { ...HELLO, model: 'other:7b', stream: false }],
  ])('has one id for a request of %s, also where the one that was asked for is taken', async (path, body) => {
    s = await chatServer();
    says('x');
    const taken = '0f8fad5b-d9cb-469f-a165-70867728950e';
    const headers = { 'x-request-id': taken };
    await (await chat({ ...HELLO, stream: false }, headers)).text();
    const reply = await post(path, body, headers);
    const id = reply.headers.get('x-request-id');
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(id).not.toBe(taken);
    const text = await reply.text();
    if (path !== '/api/chat') expect(text).toContain(path.startsWith('/v1') ? `chatcmpl-${id}` : `"${id}"`);
    // A cached response leaves nothing to look up.
    expect((await queue(`?requestId=${id}`)).status).toBe(reply.headers.get('x-cache') === 'hit' ? 404 : 200);
    const free = '0f8fad5b-d9cb-469f-a165-70867728950f';
    expect((await post(path, body, { 'x-request-id': free })).headers.get('x-request-id')).toBe(free);
  });

  it('ends the call after the grace of a disconnected client, and not before', async () => {
    s = await chatServer();
    for (const stream of [true, false]) {
      const client = new AbortController();
      const asked = post('/api/chat-optimized', { ...HELLO, stream, use_cache: false }, {}, client.signal);
      asked.catch(() => {});
      await vi.waitFor(() => expect(s.engine.stats().is_processing).toBe(true));
      const call = s.provider.last;
      call.say('x');
      if (stream) await asked;
      const alarms = s.clock.pending;
      client.abort();
      // The heartbeat's alarm goes with its reader, the grace's alarm comes.
      await vi.waitFor(() => expect(s.clock.pending).toBe(stream ? alarms : alarms + 1));
      await vi.waitFor(async () => {
        await s.clock.advance(9_000);
        expect(call.signal.aborted).toBe(true);
      });
      await vi.waitFor(() => expect(s.engine.stats().is_processing).toBe(false));
    }
  });

  it('says when to come back where the queue is full', async () => {
    s = await chatServer({ QUEUE_MAX_SIZE: '0' });
    const first = chat({ ...HELLO, stream: false });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    const full = await failureOf(chat({ messages: [{ role: 'user', content: 'other' }] }));
    expect([full.status, full.code, full.headers.get('retry-after')]).toEqual([503, 'queue_full', '30']);
    s.provider.last.say('x').done();
    await first;
  });
});

describe('/api/chat-queue', () => {
  it('accepts a request, reports its state, and keeps its result', async () => {
    s = await chatServer();
    const submitted = await post('/api/chat-queue', HELLO);
    expect(submitted.status).toBe(202);
    const running = queueSubmittedSchema.parse(await submitted.json());
    expect(running.status).toEqual({ queue_position: 0, queue_length: 0, estimated_wait_time: 0, is_processing: true });
    const waiting = queueSubmittedSchema.parse(
      await (await post('/api/chat-queue', { messages: [{ role: 'user', content: 'two' }] })).json(),
    );
    expect(waiting.status).toEqual({
      queue_position: 1,
      queue_length: 1,
      estimated_wait_time: 30_000,
      is_processing: false,
    });
    const overview = queueOverviewSchema.parse(await (await queue()).json());
    expect(overview.pending.map(({ request_id }) => request_id)).toEqual([waiting.request_id]);
    s.provider.last.think('hm').say('done').done();
    await vi.waitFor(async () => {
      const entry = queueEntrySchema.parse(await (await queue(`?requestId=${running.request_id}`)).json());
      expect(entry).toMatchObject({
        status: 'completed',
        completed: true,
        message: { content: 'done', thinking: 'hm' },
      });
    });
    const hit = queueSubmittedSchema.parse(await (await post('/api/chat-queue', HELLO)).json());
    expect(hit).toMatchObject({ completed: true, cached: true });
    expect(await failureOf(queue('?request_id=0f8fad5b-d9cb-469f-a165-000000000000'))).toMatchObject({ status: 404 });
    expect(await failureOf(queue('?request_id=x'))).toMatchObject({ status: 400 });
  });

  it('honours an Idempotency-Key', async () => {
    s = await chatServer();
    const headers = { 'idempotency-key': 'k' };
    const ids = await Promise.all(
      [1, 2].map(async () => (await (await post('/api/chat-queue', HELLO, headers)).json()).request_id),
    );
    expect(ids[0]).toBe(ids[1]);
    const other = failureOf(post('/api/chat-queue', { messages: [{ role: 'user', content: 'x' }] }, headers));
    expect(await other).toMatchObject({ status: 409, code: 'idempotency_conflict' });
  });

  it('cancels what waits or runs, once', async () => {
    s = await chatServer();
    const ids: string[] = [];
    for (const content of ['a', 'b']) {
      const body = await (await post('/api/chat-queue', { messages: [{ role: 'user', content }] })).json();
      ids.push(body.request_id);
    }
    for (const id of ids.reverse()) {
      const response = await queue(`?requestId=${id}`, { method: 'DELETE' });
      expect(await response.json()).toEqual({ request_id: id, status: 'cancelled', cancelled: true });
      expect(await failureOf(queue(`?requestId=${id}`, { method: 'DELETE' }))).toMatchObject({ status: 409 });
      expect(await (await queue(`?requestId=${id}`)).json()).toMatchObject({ status: 'cancelled', code: 'cancelled' });
    }
    expect(s.provider.calls.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(await failureOf(queue('', { method: 'DELETE' }))).toMatchObject({ status: 400 });
  });

  it('reports to the readers of a request that the operator cancelled it', async () => {
    s = await chatServer();
    const { request_id: id } = await (await post('/api/chat-queue', HELLO)).json();
    const live = queue(`?requestId=${id}`, { headers: { accept: 'text/event-stream' } });
    expect(await failureOf(queue(`?requestId=${id}&cancelled_by=me`, { method: 'DELETE' }))).toMatchObject({
      status: 400,
    });
    await queue(`?requestId=${id}&cancelled_by=operator`, { method: 'DELETE' });
    expect(await (await live).text()).toMatch(
      /"done":true.*"code":"cancelled","data":\{"cancelled_by":"operator"\}\}\n\n$/,
    );
  });

  it('reports the cancellation of an own request as that of its user', async () => {
    s = await chatServer({ API_KEYS: 'key-one,key-two' });
    const headers = { authorization: 'Bearer key-one' };
    const { request_id: id } = await (await post('/api/chat-queue', HELLO, headers)).json();
    const live = queue(`?requestId=${id}`, { headers: { ...headers, accept: 'text/event-stream' } });
    await queue(`?requestId=${id}&cancelled_by=operator`, { method: 'DELETE', headers });
    expect(await (await live).text()).toMatch(/"done":true.*"code":"cancelled"\}\n\n$/);
  });

  it('continues a last message of the assistant, and stores both as one in a conversation', async () => {
    s = await chatServer();
    says('three');
    const messages = [
      { role: 'user', content: 'count' },
      { role: 'assistant', content: 'one, two, ' },
    ];
    const response = await (await chat({ messages, conversation_id: 'c', stream: false })).json();
    expect(response.message.content).toBe('three');
    says('ok');
    await chat({ messages: [{ role: 'user', content: 'thanks' }], conversation_id: 'c', stream: false });
    expect(s.provider.calls.at(-1)?.request.messages.map(({ content }) => content)).toEqual([
      'count',
      'one, two, three',
      'thanks',
    ]);
  });

  it('streams with ids, and goes on after the last one that arrived', async () => {
    s = await chatServer();
    const { request_id: id } = await (await post('/api/chat-queue', HELLO)).json();
    const live = await queue(`?requestId=${id}`, { headers: { accept: 'text/event-stream' } });
    s.provider.last.say('a').say('b').done();
    const body = await live.text();
    // A status has no id: the ids do not depend on what a reader saw of the queue.
    expect(body.match(/^(?:id|event): .*$/gm)).toEqual([
      'event: status',
      'id: 1',
      'event: content',
      'id: 2',
      'event: content',
      'id: 3',
      'event: done',
    ]);
    const accept = 'text/event-stream';
    const rest = await (await queue(`?requestId=${id}`, { headers: { accept, 'last-event-id': '1' } })).text();
    expect(rest.match(/^id: .*$/gm)).toEqual(['id: 2', 'id: 3']);
    const nothing = await queue(`?requestId=${id}`, { headers: { accept, 'last-event-id': '3' } });
    expect(nothing.status).toBe(204);
  });
});
