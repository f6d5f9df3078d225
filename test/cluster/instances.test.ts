import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';
import type { RunningApp } from '../support/running-app.ts';

/** Two real apps over one Redis, one database and one model server. */
const KEYS = ['a-key-of-the-administrator', 'another-key-of-sixteen'];
const [KEY = '', OTHER = ''] = KEYS;
const auth = (key = KEY) => ({ authorization: `Bearer ${key}` });
const eventually = { timeout: 10_000, interval: 20 };
/** What a server writes is in Redis by then, also where its core is busy. */
const SHARED_MS = 500;
let cluster: AppCluster;
let one: RunningApp;
let two: RunningApp;

beforeAll(async () => {
  cluster = await startAppCluster([{}, {}], { API_KEYS: KEYS.join(','), RATE_LIMIT_CHAT: '0' });
  [one, two] = [cluster.at(0), cluster.at(1)];
}, 60_000);

afterAll(async () => {
  await cluster?.close();
});

const redisPart = async (app: RunningApp) => (await readJson(app, '/api/ready')).parts.redis;
const calls = () => cluster.model.requests.length;

it('reports Redis and its connections as up', async () => {
  await expect.poll(() => redisPart(one), eventually).toEqual({ state: 'up' });
  const metrics = await (await fetch(`${one.url}/api/metrics`, { headers: auth() })).text();
  expect(metrics).toMatch(/^chill_space_redis_up\{connection="command"\} 1$/m);
  expect(metrics).toMatch(/^chill_space_redis_up\{connection="hints"\} 1$/m);
  await expect
    .poll(async () => (await fetch(`${one.url}/api/metrics`, { headers: auth() })).text(), eventually)
    .toMatch(/^chill_space_instances\{scope="cluster"\} 2$/m);
});

describe('the response cache', () => {
  it('serves a response of one server from the other, with the same text', async () => {
    const first = await ask(one, 'What is shared?', {}, auth());
    expect(first.cache).toBe('miss');
    const before = calls();
    const second = await ask(two, 'What is shared?', {}, auth());
    expect([second.cache, second.content]).toEqual(['hit', first.content]);
    expect(calls()).toBe(before);
  });

  it('is cleared on both servers by either', async () => {
    await ask(one, 'What is cleared?', {}, auth());
    expect((await ask(two, 'What is cleared?', {}, auth())).cache).toBe('hit');
    const cleared = await fetch(`${two.url}/api/cache-stats`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...auth() },
      body: JSON.stringify({ action: 'clear_response_cache' }),
    });
    expect((await cleared.json()).message).not.toMatch(/cannot be cleared/);
    await expect
      .poll(async () => (await readJson(one, '/api/cache-stats', auth())).response_cache.total_entries, eventually)
      .toBe(0);
    expect((await ask(one, 'What is cleared?', {}, auth())).cache).toBe('miss');
  });

  it('has the newer response on both servers after one has generated it again', async () => {
    await ask(one, 'What is new?', {}, auth());
    expect((await ask(two, 'What is new?', {}, auth())).cache).toBe('hit');
    const again = await ask(one, 'What is new?', {}, { ...auth(), 'cache-control': 'no-cache' });
    await expect.poll(async () => (await ask(two, 'What is new?', {}, auth())).content, eventually).toBe(again.content);
  });
});

it('continues a conversation on the other server', async () => {
  const fields = { conversation_id: 'shared' };
  await ask(one, 'My name is Ada.', fields, auth());
  await delay(SHARED_MS);
  await ask(two, 'What is my name?', fields, auth());
  await delay(SHARED_MS);
  await ask(one, 'Are you sure?', fields, auth());
  const { body } = cluster.model.requests.at(-1) ?? expect.fail();
  expect(JSON.stringify(body)).toMatch(/My name is Ada\..*What is my name\?.*Are you sure\?/);
});

it('ends a session everywhere soon after its sign-out', async () => {
  const signedIn = await fetch(`${one.url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: KEY }),
  });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  const statusAt = async ({ url }: RunningApp) => (await fetch(`${url}/api/models`, { headers: { cookie } })).status;
  expect([await statusAt(one), await statusAt(two)]).toEqual([200, 200]);
  await fetch(`${one.url}/api/session`, { method: 'DELETE', headers: { cookie } });
  expect(await statusAt(one)).toBe(401);
  await expect.poll(() => statusAt(two), eventually).toBe(401);
});

it('has a banner and a setting everywhere soon, and their removal', async () => {
  const send = (app: RunningApp, method: string, path: string, body?: unknown) =>
    fetch(app.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...auth() },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const bannerAt = async (app: RunningApp) => (await readJson(app, '/api/admin/banner', auth())).banner;
  const promptAt = async (app: RunningApp) => {
    const { settings } = await readJson(app, '/api/admin/settings', auth());
    return settings.find(({ name }: { name: string }) => name === 'OLLAMA_SYSTEM_PROMPT')?.value;
  };
  const default_ = await promptAt(two);
  expect((await send(one, 'PUT', '/api/admin/banner', { text: 'Maintenance at six.', kind: 'warn' })).status).toBe(200);
  expect((await send(one, 'PATCH', '/api/admin/settings', { OLLAMA_SYSTEM_PROMPT: 'Be short.' })).status).toBe(200);
  await expect.poll(() => bannerAt(two), eventually).toMatchObject({ text: 'Maintenance at six.' });
  await expect.poll(() => promptAt(two), eventually).toBe('Be short.');
  await send(two, 'DELETE', '/api/admin/banner');
  await send(two, 'PATCH', '/api/admin/settings', { OLLAMA_SYSTEM_PROMPT: null });
  await expect.poll(() => bannerAt(one), eventually).toBeNull();
  await expect.poll(() => promptAt(one), eventually).toBe(default_);
});

describe('an Idempotency-Key', () => {
  const enqueue = async (app: RunningApp, key: string, content: string, caller = KEY) => {
    const headers = { ...auth(caller), 'idempotency-key': key };
    const reply = await ask(app, content, { cache: 'off' }, headers, '/api/chat-queue');
    const { request_id: id } = reply.body as { request_id?: string };
    return { ...reply, id };
  };

  it('runs a request once, wherever its retry arrives, and has its result there', async () => {
    const before = calls();
    const first = await enqueue(one, 'key-1', 'Once, please.');
    expect(first.status).toBe(202);
    await expect.poll(calls, eventually).toBe(before + 1);
    await expect
      .poll(async () => (await enqueue(two, 'key-1', 'Once, please.')).body, eventually)
      .toMatchObject({ request_id: first.id, completed: true });
    expect(calls()).toBe(before + 1);
    const result = await readJson(two, `/api/chat-queue?requestId=${first.id}`, auth());
    expect(JSON.stringify(result)).toContain('response ');
  });

  it('refuses another request with the key of another server', async () => {
    await enqueue(one, 'key-2', 'One question.');
    const other = await enqueue(two, 'key-2', 'Another question.');
    expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
  });

  it('belongs to its caller', async () => {
    const first = await enqueue(one, 'key-3', 'Mine.');
    const other = await enqueue(two, 'key-3', 'Mine.', OTHER);
    expect(other.status).toBe(202);
    expect(other.id).not.toBe(first.id);
  });
});

describe('with a limit of 60 a minute', () => {
  let limited: AppCluster;
  beforeAll(async () => {
    limited = await startAppCluster([{}, {}], { RATE_LIMIT_CHAT: '60' });
  }, 60_000);
  afterAll(async () => {
    await limited?.close();
  });

  it('refuses one of 61 different questions to two servers', async () => {
    const question = (index: number) => ask(limited.at(index), `question ${index}`);
    const replies: Awaited<ReturnType<typeof ask>>[] = [];
    // Servers that have just started are slow for a while, and go on alone if Redis seems away.
    for (let index = 0; index < 30; index++) replies.push(await question(index));
    replies.push(...(await Promise.all(Array.from({ length: 31 }, (_, index) => question(30 + index)))));
    const statuses = replies.map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
    expect(statuses.filter((status) => status === 200)).toHaveLength(60);
    // From then on both refuse, also what they have in their caches: within what 100 ms bring.
    await expect.poll(async () => (await ask(limited.at(0), 'question 0')).status, eventually).toBe(429);
    await expect.poll(async () => (await ask(limited.at(1), 'question 1')).status, eventually).toBe(429);
  });
});
