import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { requestLimits } from '#lib/http/request-limits';
import { peopleLimits } from '#lib/people/limits/index';
import { runner } from '#lib/runner/index';
import { resetSingleton } from '#lib/singletons';
import { store, storeIfOpen } from '#lib/store/store';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { INSTANCES } from '../support/instances.ts';
import { untilSet, untilUsed } from '../support/known-limits.ts';

/** Limits of people on the routes of every API, with the settings and the database. */

let s: ChatServer;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limits-'));
});
afterAll(async () => {
  await runner().close();
  resetSingleton('runner');
});
afterEach(async () => {
  await s.close();
  await peopleLimits().close();
  await storeIfOpen()?.close();
  resetSingleton('store');
  await rm(folder, { recursive: true });
});

async function start(environment: Record<string, string>): Promise<void> {
  s = await chatServer({ DATA_DIR: join(folder, 'data'), ...environment });
  s.provider.onCall = (call) => void call.say('x').done();
}

function send(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(s.url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
const post = (path: string, body: object) => send('POST', path, { model: 'm', ...body });

const said = (text: string) => ({ messages: [{ role: 'user', content: text }] });
const NATIVE = (message: unknown, name: string) => ({
  error: message,
  code: 'rate_limited',
  data: expect.objectContaining({ reason: 'limit', limit_name: name, retry_after_seconds: expect.any(Number) }),
});
const OPEN_AI = (message: unknown) => ({
  error: { message, type: 'rate_limit_error', param: null, code: 'rate_limited' },
});
const ANTHROPIC = (message: unknown) => ({
  type: 'error',
  error: { type: 'rate_limit_error', message, details: { error_code: 'rate_limited' } },
  request_id: expect.any(String),
});

type ErrorShape = (message: unknown, name: string) => unknown;
const SURFACES: readonly (readonly [string, (text: string) => object, ErrorShape])[] = [
  ['/api/chat-optimized', said, NATIVE],
  ['/api/chat-stream', said, NATIVE],
  ['/api/chat-queue', said, NATIVE],
  ['/v1/chat/completions', said, OPEN_AI],
  ['/v1/completions', (prompt) => ({ prompt }), OPEN_AI],
  ['/v1/responses', (input) => ({ input }), OPEN_AI],
  ['/v1/infill', (input_prefix) => ({ input_prefix }), OPEN_AI],
  ['/v1/messages', (text) => ({ ...said(text), max_tokens: 9 }), ANTHROPIC],
  ['/api/chat', said, NATIVE],
  ['/api/generate', (prompt) => ({ prompt }), NATIVE],
];

describe.each(SURFACES)('%s', (path, body, shape) => {
  it('refuses a used up budget in the error format of its API, also for a stream', async () => {
    await start({ LIMIT_TOKENS_PER_DAY: '8', LIMIT_KIND: 'hard' });
    await (await post(path, body('first'))).arrayBuffer();
    await vi.waitFor(() => expect(s.engine.load).toEqual({ running: 0, waiting: 0 }));
    await untilUsed(s.url, 'tokens_per_day', 8);
    for (const stream of path === '/api/chat-queue' ? [undefined] : [true, false]) {
      const response = await post(path, { ...body('second'), ...(stream === undefined ? {} : { stream }) });
      expect(response.status).toBe(429);
      const seconds = Number(response.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(25 * 3_600);
      const sentence = expect.stringMatching(
        /^Your limit of 8 tokens a day is used up \(8 used\)\. It resets in .+, at \d{4}-\d\d-\d\d \d\d:\d\d\.$/,
      );
      expect(await response.json()).toEqual(shape(sentence, 'tokens_per_day'));
    }
    expect(s.provider.calls).toHaveLength(1);
  });

  it('refuses more requests a minute than the limit, of which a malformed one is none', async () => {
    await start({ LIMIT_REQUESTS_PER_MINUTE: '2' });
    expect((await send('POST', path, { model: 7 })).status).toBe(400);
    for (const text of ['one', 'two']) expect((await post(path, body(text))).status).toBeLessThan(300);
    await untilUsed(s.url, 'requests_per_minute', 2);
    const response = await post(path, body('three'));
    expect([response.status, Number(response.headers.get('retry-after')) <= 60]).toEqual([429, true]);
    const sentence = expect.stringMatching(
      /^Your limit of 2 chat requests a minute is reached\. Try again in \d+ s\.$/,
    );
    expect(await response.json()).toEqual(shape(sentence, 'requests_per_minute'));
  });
});

describe('a rate limit of all callers', () => {
  it('holds next to the limit of people: the stricter one refuses', async () => {
    await start({ LIMIT_REQUESTS_PER_MINUTE: '5', RATE_LIMIT_CHAT: '1' });
    await post('/api/chat-optimized', said('one'));
    const body = await (await post('/api/chat-optimized', said('two'))).json();
    expect(body.error).toMatch(/^Rate limit: 1 chat requests per minute/);
  });
});

describe('several choices', () => {
  it('count as one request each, and none of them runs if they do not fit', async () => {
    await start({ LIMIT_REQUESTS_PER_MINUTE: '3' });
    expect((await post('/v1/chat/completions', { ...said('four'), n: 4 })).status).toBe(429);
    expect(s.provider.calls).toHaveLength(0);
    expect((await post('/v1/chat/completions', { ...said('two'), n: 2 })).status).toBe(200);
    await untilUsed(s.url, 'requests_per_minute', 2);
    expect((await post('/v1/chat/completions', said('one more'))).status).toBe(429);
  });
});

describe('several choices above the rate limit of all callers', () => {
  it('are not counted for the limit of people either', async () => {
    await start({ LIMIT_REQUESTS_PER_MINUTE: '4', RATE_LIMIT_CHAT: '3' });
    expect((await post('/v1/chat/completions', { ...said('four'), n: 4 })).status).toBe(429);
    expect((await post('/v1/chat/completions', said('one'))).status).toBe(200);
  });
});

describe('code', () => {
  it('has its own limit a minute, and chat is not counted for it', async () => {
    await start({ LIMIT_CODE_RUNS_PER_MINUTE: '1' });
    const run = { language: 'no-such-language', code: 'x' };
    await post('/api/chat-optimized', said('chat'));
    // A malformed run gives its place back.
    for (let time = 0; time < 3; time++) expect((await send('POST', '/api/v1/code/run', run)).status).toBe(400);
    const valid = { language: 'python', code: 'print(1)' };
    const first = await send('POST', '/api/v1/code/run', valid);
    expect([first.status, await first.json()]).toMatchObject([200, { stdout: '1\n' }]);
    await untilUsed(s.url, 'code_runs_per_minute', 1);
    const second = await send('POST', '/api/v1/code/run', valid);
    expect(second.status).toBe(429);
    expect((await second.json()).data).toMatchObject({ limit_name: 'code_runs_per_minute', limit: 1 });
  });
});

describe('the time of programs', () => {
  it('is counted by their CPU, and refused when a day’s is used up, also where output is streamed', async () => {
    await start({ LIMIT_CODE_SECONDS_PER_DAY: '1' });
    const code = 'import time\nwhile time.process_time() < 1.2: pass';
    const run = { language: 'python', code, timeout: 20 };
    const first = await send('POST', '/api/v1/code/run', run);
    expect([first.status, (await first.json()).status]).toEqual([200, 'success']);
    await untilUsed(s.url, 'code_seconds_per_day', 1);
    const refusals = [
      await send('POST', '/api/v1/code/run', run),
      await send('POST', '/api/v1/code/run', run, { accept: 'text/event-stream' }),
      await send('POST', '/api/executors/python/execute', { code: 'print(1)' }),
    ];
    for (const refused of refusals) {
      expect(refused.status).toBe(429);
      expect(await refused.json()).toEqual(
        NATIVE(
          expect.stringMatching(/^Your limit of 1 seconds of program time a day is used up/),
          'code_seconds_per_day',
        ),
      );
    }
  });
});

describe('embeddings and passed-on requests', () => {
  it('are refused when the budget is used up', async () => {
    await start({ LIMIT_TOKENS_PER_DAY: '8', LIMIT_KIND: 'hard' });
    await (await post('/api/chat-optimized', said('first'))).arrayBuffer();
    await untilUsed(s.url, 'tokens_per_day', 8);
    Object.assign(s.provider, { embed: async () => ({ vectors: [[1]], promptTokens: 1 }) });
    const response = await post('/v1/embeddings', { input: 'text' });
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject(OPEN_AI(expect.stringMatching(/8 tokens a day/)));
  });
});

describe('a share that is used up', () => {
  it('refuses nothing, and stands in the events and the entry of a waiting request', async () => {
    await start({ LIMIT_TOKENS_PER_DAY: '4', QUEUE_MAX_CONCURRENT: '1' });
    await (await post('/api/chat-optimized', said('first'))).arrayBuffer();
    await untilUsed(s.url, 'tokens_per_day', 8);
    s.provider.onCall = undefined;
    void post('/api/chat-optimized', said('runs'));
    await vi.waitFor(() => expect(s.engine.load.running).toBe(1));
    const share = { name: 'tokens_per_day', used: 8, limit: 4, over_percent: 100, ahead: 0 };
    const { request_id: id, status } = await (await post('/api/chat-queue', said('waits'))).json();
    expect(status).toMatchObject({ queue_position: 1, share });
    const entry = await (await send('GET', `/api/chat-queue?requestId=${id}`)).json();
    expect(entry).toMatchObject({ status: 'queued', share });
    const overview = await (await send('GET', '/api/chat-queue')).json();
    expect(overview.pending).toMatchObject([{ priority: -2 }]);
    const stream = (await post('/api/chat-optimized', said('waits, too'))).body?.getReader();
    const event = new TextDecoder().decode((await stream?.read())?.value);
    expect(JSON.parse(event.replace(/^data: /, ''))).toMatchObject({ status: 'queued', queue_position: 2, share });
    await stream?.cancel();
    s.provider.onCall = (call) => void call.say('x').done();
    s.provider.last.say('x').done();
    await vi.waitFor(() => expect(s.engine.load.running).toBe(0));
  });
});

describe('limits of context and output', () => {
  it('lower what a request asks for, and name the fields', async () => {
    await start({ LIMIT_OUTPUT_TOKENS: '50', LIMIT_CONTEXT_TOKENS: '2048' });
    const native = await post('/api/chat-optimized', {
      ...said('native'),
      options: { num_predict: 51, num_ctx: 4_096 },
      stream: false,
    });
    expect(native.headers.get('x-ignored-fields')).toBe('options.num_ctx, options.num_predict');
    expect(s.provider.last.request.options).toMatchObject({ num_predict: 50, num_ctx: 2_048 });
    const anthropic = await post('/v1/messages', { ...said('anthropic'), max_tokens: 4_000 });
    expect(anthropic.headers.get('x-ignored-fields')).toBe('max_tokens');
    const openAi = await post('/v1/chat/completions', { ...said('open'), max_completion_tokens: 40 });
    expect([openAi.headers.get('x-ignored-fields'), s.provider.last.request.options]).toEqual([
      null,
      { num_predict: 40 },
    ]);
    const bare = await post('/v1/chat/completions', said('bare'));
    expect([bare.headers.get('x-ignored-fields'), s.provider.last.request.options]).toEqual([
      null,
      { num_predict: 50 },
    ]);
  });

  it('hold for the same bytes that were cached before them', async () => {
    await start({});
    const body = { ...said('the same'), options: { num_predict: 500 }, stream: false };
    for (const cache of ['miss', 'hit', 'hit'])
      expect((await post('/api/chat-optimized', body)).headers.get('x-cache')).toBe(cache);
    await setLimits('PUT', { scope: { kind: 'default' }, limits: { output_tokens: 50 } });
    await untilSet(s.url, 'output_tokens', 50);
    const response = await post('/api/chat-optimized', body);
    expect([response.headers.get('x-cache'), response.headers.get('x-ignored-fields')]).toEqual([
      'miss',
      'options.num_predict',
    ]);
  });
});

const setLimits = (method: string, body: object) => send(method, '/api/admin/limits', body);

describe('/api/admin/limits', () => {
  it('sets limits that hold at once, changes and removes them', async () => {
    await start({});
    expect(requestLimits()).toBeUndefined();
    const scope = { kind: 'default', id: '' };
    const put = await setLimits('PUT', {
      scope: { kind: 'default' },
      limits: { requests_per_minute: 1, tokens_per_day: { limit: 50, kind: 'hard' } },
    });
    expect([put.status, await put.json()]).toEqual([
      200,
      {
        scope,
        limits: { requests_per_minute: { limit: 1, kind: 'hard' }, tokens_per_day: { limit: 50, kind: 'hard' } },
        locked: [],
        updated_at: expect.stringMatching(/^\d{4}-/),
      },
    ]);
    await untilSet(s.url, 'requests_per_minute', 1);
    await post('/api/chat-optimized', said('one'));
    await untilUsed(s.url, 'requests_per_minute', 1);
    expect((await post('/api/chat-optimized', said('two'))).status).toBe(429);
    const patch = await setLimits('PATCH', { scope, limits: { requests_per_minute: null, tokens_per_day: 60 } });
    expect((await patch.json()).limits).toEqual({ tokens_per_day: { limit: 60, kind: 'hard' } });
    await untilSet(s.url, 'requests_per_minute', undefined);
    expect((await post('/api/chat-optimized', said('three'))).status).toBe(200);
    for (let time = 0; time < 2; time++)
      expect((await send('DELETE', '/api/admin/limits?kind=default')).status).toBe(204);
    await untilSet(s.url, 'tokens_per_day', undefined);
    // Without any limit, requests ask no one.
    expect(requestLimits()).toBeUndefined();
    const list = await (await send('GET', '/api/admin/limits')).json();
    expect(list).toEqual({ limits: [{ scope, limits: {}, locked: [], updated_at: null }], next_cursor: null });
  });

  it('keeps them over a restart, and records each change', async () => {
    await start({});
    const scope = { kind: 'user', id: 'ann' };
    await setLimits('PUT', { scope, limits: { output_tokens: 10 } });
    await setLimits('PATCH', { scope, limits: { output_tokens: 20 } });
    const summary = 'changed the limits of user:ann';
    const { db } = await store();
    const audit = await db.selectFrom('audit_log').selectAll().orderBy('id').execute();
    expect(audit.map(({ action, actor, target, detail }) => [action, actor, target, JSON.parse(detail ?? '')])).toEqual(
      [
        [
          'limits.change',
          '127.0.0.1',
          'user:ann',
          { summary, before: {}, after: { output_tokens: { limit: 10, kind: 'hard' } } },
        ],
        [
          'limits.change',
          '127.0.0.1',
          'user:ann',
          {
            summary,
            before: { output_tokens: { limit: 10, kind: 'hard' } },
            after: { output_tokens: { limit: 20, kind: 'hard' } },
          },
        ],
      ],
    );
    await s.close();
    await peopleLimits().close();
    await storeIfOpen()?.close();
    resetSingleton('store');
    await start({ LIMIT_TOKENS_PER_DAY: '1000' });
    await post('/api/chat-optimized', said('opens the database'));
    const read = async () => (await send('GET', '/api/admin/limits?kind=user&id=ann')).json();
    await expect
      .poll(read)
      .toMatchObject({ limits: [{ scope, limits: { output_tokens: { limit: 20, kind: 'hard' } } }] });
  });

  it('shows what the environment sets, and does not change it', async () => {
    await start({ LIMIT_TOKENS_PER_DAY: '70' });
    const list = await (await send('GET', '/api/admin/limits')).json();
    expect(list.limits).toMatchObject([
      { limits: { tokens_per_day: { limit: 70, kind: 'share' } }, locked: ['tokens_per_day'] },
    ]);
    const refused = await setLimits('PATCH', { scope: { kind: 'default' }, limits: { tokens_per_day: 5 } });
    expect([refused.status, await refused.json()]).toMatchObject([
      422,
      { code: 'unsupported_value', error: expect.stringMatching(/^LIMIT_TOKENS_PER_DAY is set in the environment/) },
    ]);
  });

  it('pages by a cursor, in the order of kinds and ids', async () => {
    await start({});
    const ids = Array.from({ length: 130 }, (_, index) => `user-${String(index).padStart(3, '0')}`);
    for (const id of ids.toReversed())
      await setLimits('PUT', { scope: { kind: 'user', id }, limits: { output_tokens: 1 } });
    await setLimits('PUT', { scope: { kind: 'group', id: 'z' }, limits: { output_tokens: 1 } });
    const page = async (query = '') => await (await send('GET', `/api/admin/limits${query}`)).json();
    const scopesOf = ({ limits }: { limits: { scope: { kind: string } }[] }) => limits.map(({ scope }) => scope.kind);
    const lists = () => Promise.all(Array.from({ length: INSTANCES }, async () => scopesOf(await page())));
    await expect.poll(async () => (await lists()).every((kinds) => kinds.includes('group'))).toBe(true);
    const first = await page();
    await send('DELETE', `/api/admin/limits?kind=user&id=${first.limits.at(-1).scope.id}`);
    const second = await page(`?cursor=${first.next_cursor}`);
    const shown = [...first.limits, ...second.limits].map(({ scope }) => scope.id);
    expect([first.limits.length, second.next_cursor, shown]).toEqual([100, null, ['', 'z', ...ids]]);
  });

  it.each([
    ['an unknown limit', { scope: { kind: 'default' }, limits: { tokens: 1 } }, /tokens/],
    [
      'a share of requests',
      { scope: { kind: 'default' }, limits: { requests_per_minute: { limit: 1, kind: 'share' } } },
      /only tokens are shared/,
    ],
    ['a negative limit', { scope: { kind: 'default' }, limits: { tokens_per_day: -1 } }, /tokens_per_day/],
    ['a group without an id', { scope: { kind: 'group' }, limits: {} }, /id/],
    ['defaults with an id', { scope: { kind: 'default', id: 'x' }, limits: {} }, /id/],
    ['an unknown kind', { scope: { kind: 'room', id: 'x' }, limits: {} }, /kind/],
  ])('refuses %s', async (_title, body, sentence) => {
    await start({});
    for (const method of ['PUT', 'PATCH']) {
      const response = await setLimits(method, body);
      expect([response.status, (await response.json()).error]).toEqual([400, expect.stringMatching(sentence)]);
    }
  });

  it('refuses a cursor and a scope that it did not give', async () => {
    await start({});
    for (const query of ['?cursor=x', '?kind=room&id=x', '?id=x'])
      expect((await send('GET', `/api/admin/limits${query}`)).status).toBe(400);
    expect((await send('DELETE', '/api/admin/limits')).status).toBe(400);
  });
});
