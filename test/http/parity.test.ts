import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startApp } from '../support/running-app.ts';

/**
 * The same route files behind `next dev`, `next start` and `server.ts` must give the same
 * responses, and in each of them all routes must see one state. Needs the built app; `npm test`
 * builds it first.
 */
const MODES = ['server', 'next start', 'next dev'] as const;
const apps = new Map<string, RunningApp>();

beforeAll(async () => {
  const started = await Promise.all(
    MODES.map(async (mode) => [mode, await startApp(mode, { LOG_LEVEL: 'silent' })] as const),
  );
  for (const [mode, app] of started) apps.set(mode, app);
}, 180_000);

afterAll(async () => {
  await Promise.all([...apps.values()].map((app) => app.stop()));
}, 60_000);

const COMPARED_HEADERS = [
  'content-type',
  'cache-control',
  'allow',
  'x-cache',
  'x-content-type-options',
  'x-request-id',
  'access-control-allow-origin',
  'access-control-allow-methods',
  'access-control-max-age',
];

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
});
const HELLO = 'Say hello in five words.';
const CHAT = { messages: [{ role: 'user', content: HELLO }], options: { temperature: 0, seed: 7 } };
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

const CASES: [name: string, path: string, init: RequestInit][] = [
  ['health', '/health', {}],
  ['a HEAD of health', '/health', { method: 'HEAD' }],
  ['a method that is not allowed', '/health', { method: 'DELETE' }],
  ['a preflight', '/api/chat-optimized', { method: 'OPTIONS', headers: { origin: 'http://localhost:3000' } }],
  [
    'a foreign origin',
    '/api/chat-optimized',
    { ...json(CHAT), headers: { 'content-type': 'application/json', origin: 'https://evil.example' } },
  ],
  ['a chat that is not valid', '/api/chat-optimized', json({ messages: [], stream: 'yes' })],
  ['a body that is not JSON', '/api/chat-optimized', json('{"messages":')],
  ['a body of another type', '/api/chat-optimized', { method: 'POST', body: 'hello' }],
  [
    'a body that is too large',
    '/api/chat-optimized',
    json({ messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] }),
  ],
  ['an unknown request', `/api/chat-queue?requestId=${UNKNOWN}`, {}],
  ['a cancel of an unknown request', `/api/chat-queue?requestId=${UNKNOWN}`, { method: 'DELETE' }],
  ['an unknown action', '/api/cache-stats', json({ action: 'explode' })],
  ['the runner', '/api/v1/health', {}],
  ['an unknown language', '/api/v1/code/run', json({ language: 'cobol', code: 'x' })],
];

describe.each(MODES.filter((mode) => mode !== 'server'))('%s', (mode) => {
  it.each(CASES)('serves %s as server.ts does', async (_name, path, init) => {
    const [expected, actual] = await Promise.all(['server', mode].map((one) => ask(one, path, init)));
    expect(actual).toEqual(expected);
  });

  it('serves a chat from its model as server.ts does, and then from its cache', async () => {
    const [expected, actual] = await Promise.all(['server', mode].map((one) => chat(one)));
    expect(actual).toMatchObject({ status: 200, content: expected?.content });
    expect(await chat(mode)).toEqual({ status: 200, content: expected?.content, cached: true });
  }, 90_000);
});

it.each(MODES)(
  '%s has one state: what one route did, the others know',
  async (mode) => {
    const before = await stats(mode);
    await chat(mode, 'Say goodbye in five words.');
    await chat(mode, 'Say goodbye in five words.');
    const run = await fetch(`${url(mode)}/api/v1/code/run`, json({ language: 'python', code: 'print(6 * 7)' }));
    expect(await run.json()).toMatchObject({ stdout: '42\n', status: 'success' });
    const after = await stats(mode);
    expect(after.response_cache.hits).toBe(before.response_cache.hits + 1);
    expect(after.runner.total_runs).toBe(before.runner.total_runs + 1);
    const metrics = await (await fetch(`${url(mode)}/api/metrics`)).text();
    expect(metrics).toMatch(new RegExp(`chill_space_cache_lookups_total{result="hit"} ${after.response_cache.hits}\n`));
    expect(metrics).toContain(`chill_space_cache_entries{cache="response"} ${after.response_cache.total_entries}\n`);
    expect(metrics).toContain(
      `chill_space_chat_requests{answered="cache"} ${after.batch_processor.cached_responses}\n`,
    );
    expect(metrics).toContain(`chill_space_batches ${after.batch_processor.batches_processed}\n`);
    expect(metrics).toContain('chill_space_code_runs_total{language="python",status="success"} 1');
  },
  90_000,
);

async function ask(mode: string, path: string, init: RequestInit) {
  const headers = { 'x-request-id': 'parity-1', ...Object.fromEntries(new Headers(init.headers)) };
  const reply = await fetch(url(mode) + path, { ...init, headers });
  const text = await reply.text();
  const compared = Object.fromEntries(COMPARED_HEADERS.map((name) => [name, reply.headers.get(name)]));
  return { status: reply.status, headers: compared, body: text };
}

async function chat(mode: string, content = HELLO) {
  const body = { ...CHAT, messages: [{ role: 'user', content }], stream: false };
  const response = await fetch(`${url(mode)}/api/chat-optimized`, json(body));
  const { message, cached } = await response.json();
  return { status: response.status, content: message.content, cached };
}

async function stats(mode: string) {
  return await (await fetch(`${url(mode)}/api/cache-stats`)).json();
}

function url(mode: string): string {
  const app = apps.get(mode);
  if (app === undefined) throw new Error(`${mode} is not running`);
  return app.url;
}
