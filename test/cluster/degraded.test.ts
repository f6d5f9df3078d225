import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ALONE_OFFSET } from '#lib/chat/generation/event-numbers';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';
import { ollama } from '../support/faulty-model-server.ts';
import { questionOf, scriptOf } from '../support/obedient-model.ts';
import { cancel, enqueue, numbersOf, poll, readQueued, textOf } from '../support/queued-requests.ts';
import type { RunningApp } from '../support/running-app.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** What two servers with two slots do while the Redis that they share is away, and after it. */
const eventually = { timeout: 15_000, interval: 50 };
const SLOTS = 2;
let cluster: AppCluster;
/** The way of the first server to Redis. */
let proxy: TcpProxy;

beforeAll(async () => {
  cluster = await startAppCluster([], { QUEUE_MAX_CONCURRENT: String(SLOTS), DISCONNECT_GRACE_MS: '1000' });
  proxy = await startTcpProxy(cluster.redis.port);
  await cluster.add({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
  await cluster.add();
  cluster.model.choose(scriptOf);
  await Promise.all(cluster.apps.map((app, index) => ask(app, `warm ${index}`)));
  // Each has seen the other one.
  for (const { url } of cluster.apps)
    await vi.waitFor(
      async () =>
        expect(await (await fetch(`${url}/api/metrics`)).text()).toMatch(
          /^chill_space_instances\{scope="cluster"\} 2$/m,
        ),
      { timeout: 20_000 },
    );
}, 90_000);

afterAll(async () => {
  await cluster?.close();
  await proxy?.close();
});

async function redisIs(state: 'up' | 'unavailable'): Promise<void> {
  for (const app of cluster.apps)
    await expect.poll(async () => (await readJson(app, '/api/ready')).parts.redis.state, eventually).toBe(state);
}

/** The most calls of the model at a time during `work`. */
async function mostDuring(work: () => Promise<unknown>): Promise<number> {
  let most = 0;
  const watching = setInterval(() => {
    most = Math.max(most, cluster.model.running);
  }, 5);
  await work();
  clearInterval(watching);
  return most;
}

const user = (content: string) => [{ role: 'user', content }];

/** A request of each API, as JSON and as a stream. */
const SURFACES: Record<string, (content: string) => { path: string; body: object }> = {
  'a native response': (content) => ({
    path: '/api/chat-optimized',
    body: { messages: user(content), stream: false },
  }),
  'a native stream': (content) => ({ path: '/api/chat-optimized', body: { messages: user(content) } }),
  'an accepted request': (content) => ({ path: '/api/chat-queue', body: { messages: user(content) } }),
  "a response of OpenAI's API": (content) => ({
    path: '/v1/chat/completions',
    body: { model: 'test', messages: user(content) },
  }),
  "a stream of OpenAI's API": (content) => ({
    path: '/v1/chat/completions',
    body: { model: 'test', messages: user(content), stream: true },
  }),
  'two choices': (content) => ({
    path: '/v1/chat/completions',
    body: { model: 'test', messages: user(content), n: 2 },
  }),
  'a stream of two choices': (content) => ({
    path: '/v1/chat/completions',
    body: { model: 'test', messages: user(content), n: 2, stream: true },
  }),
  'a response of the Responses API': (content) => ({ path: '/v1/responses', body: { model: 'test', input: content } }),
  "a response of Anthropic's API": (content) => ({
    path: '/v1/messages',
    body: { model: 'test', max_tokens: 64, messages: user(content) },
  }),
  "a response of Ollama's API": (content) => ({
    path: '/api/chat',
    body: { model: 'test', messages: user(content), stream: false },
  }),
  "a stream of Ollama's API": (content) => ({ path: '/api/chat', body: { model: 'test', messages: user(content) } }),
};

async function degradedHeaders({ url }: RunningApp, round: string): Promise<Record<string, string | null>> {
  const headers: Record<string, string | null> = {};
  for (const [name, request] of Object.entries(SURFACES)) {
    const { path, body } = request(`${name}, ${round}`);
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    expect(response.ok, `${name}: ${text}`).toBe(true);
    headers[name] = response.headers.get('x-degraded');
  }
  return headers;
}

const all = (value: string | null) => Object.fromEntries(Object.keys(SURFACES).map((name) => [name, value]));

it('says on the responses of every API that it makes them by itself, while Redis is away', async () => {
  const app = cluster.at(0);
  expect(await degradedHeaders(app, 'before')).toEqual(all(null));
  await cluster.redis.kill();
  await redisIs('unavailable');
  expect(await degradedHeaders(app, 'away')).toEqual(all('redis'));
  const id = await enqueue(app, 'read by its id');
  const stream = await fetch(`${app.url}/api/chat-queue?requestId=${id}`, { headers: { accept: 'text/event-stream' } });
  expect(await stream.text()).toContain('event: done');
  expect(stream.headers.get('x-degraded')).toBe('redis');
  // A response that is there needs no other server.
  expect(await ask(app, 'a native response, before')).toMatchObject({ cache: 'hit', degraded: null });
  await cluster.redis.restart();
  await redisIs('up');
  expect(await degradedHeaders(app, 'after')).toEqual(all(null));
}, 60_000);

it('uses its part of the slots while Redis is away, and all of the common line afterwards', async () => {
  const askSlowly = (name: string, count: number, apps = cluster.apps) =>
    Promise.all(
      apps.flatMap((app) => Array.from({ length: count }, (_, index) => ask(app, `slow ${name} ${app.pid} ${index}`))),
    );
  await cluster.redis.kill();
  await redisIs('unavailable');
  expect(await mostDuring(() => askSlowly('at one', 3, cluster.apps.slice(0, 1)))).toBe(1);
  expect(await mostDuring(() => askSlowly('at both', 3))).toBe(SLOTS);
  // What waits here when Redis is back goes on in its part, next to the common line.
  const left = askSlowly('left', 9);
  await expect.poll(() => cluster.model.running, eventually).toBe(SLOTS);
  await cluster.redis.restart();
  await redisIs('up');
  const replies: Awaited<typeof left> = [];
  const most = await mostDuring(async () => {
    for (const done of await Promise.all([left, askSlowly('shared', 3)])) replies.push(...done);
  });
  expect(most).toBeLessThanOrEqual(SLOTS + cluster.apps.length);
  expect(new Set(replies.map(({ status, content }) => `${status} ${content}`))).toEqual(new Set(['200 late']));
  const after: Awaited<typeof left> = [];
  expect(await mostDuring(async () => after.push(...(await askSlowly('after', 3))))).toBe(SLOTS);
  expect(new Set(after.map(({ degraded }) => degraded))).toEqual(new Set([null]));
}, 60_000);

const callsOf = (question: string) => cluster.model.requests.filter(({ body }) => questionOf(body) === question);

/** Two responses that hold the slots for some seconds. Resolves when both are being written. */
async function fillSlots(name: string, seconds: number): Promise<string[]> {
  const ids = await Promise.all(
    [0, 1].map((index) => enqueue(cluster.at(index), `count to ${10 * seconds} each 100 ms, ${name} ${index}`)),
  );
  await expect.poll(() => cluster.model.running, eventually).toBe(SLOTS);
  return ids;
}

/** The same; the second server, which is not cut off, has one of them and is free after it. */
async function fillSlotsOfBoth(name: string, seconds: number): Promise<void> {
  for (let round = 0; ; round++) {
    const ids = await fillSlots(`${name} ${round}`, seconds);
    const metrics = await (await fetch(`${cluster.at(1).url}/api/metrics`)).text();
    if (!/^chill_space_active_streams 0$/m.test(metrics)) return;
    for (const id of ids) await cancel(cluster.at(0), id);
    await cluster.model.idle();
  }
}

it('begins what waits for a reader after 5 s without Redis, and leaves to Redis what waits for none', async () => {
  const busy = await fillSlots('before Redis goes', 4);
  const app = cluster.at(0);
  const detached = await enqueue(app, 'waits without a reader');
  const read = await enqueue(app, 'waits with a reader');
  const streamed = readQueued(app, read);
  const awaited = ask(app, 'waits as JSON');
  await expect.poll(async () => (await poll(app, detached)).body.queue_position, eventually).toBe(1);
  await delay(300);
  await cluster.redis.kill();
  const killedMs = performance.now();
  expect(await awaited).toMatchObject({ status: 200, content: 'You said: waits as JSON', degraded: 'redis' });
  expect(performance.now() - killedMs).toBeGreaterThan(4_000);
  expect(performance.now() - killedMs).toBeLessThan(9_000);
  const events = await streamed;
  expect(textOf(events)).toBe('You said: waits with a reader');
  expect((await poll(app, detached)).body.status).toBe('queued');
  expect(callsOf('waits without a reader')).toHaveLength(0);
  await cluster.redis.restart();
  await redisIs('up');
  expect(textOf(await readQueued(app, detached))).toBe('You said: waits without a reader');
  // The other server has what was done meanwhile, and did none of it again.
  for (const id of [read, ...busy])
    await expect.poll(async () => (await poll(cluster.at(1), id)).body.status, eventually).toBe('completed');
  // It has other numbers now: a reader of before cannot take it for the text of another server.
  const after = events.at(-1)?.id ?? expect.fail();
  for (const server of cluster.apps) {
    let again: Awaited<ReturnType<typeof readQueued>> = [];
    await expect
      .poll(async () => {
        again = await readQueued(server, read, { after });
        return again[0];
      }, eventually)
      .toMatchObject({ type: 'status', id: '0', data: { restarted: true } });
    expect(textOf(again)).toBe('You said: waits with a reader');
    expect(Math.min(...numbersOf(again.slice(1)))).toBeGreaterThan(Number(after));
    expect(await readQueued(server, read, { after: again.at(-1)?.id ?? '' })).toEqual([]);
  }
  for (const question of ['waits as JSON', 'waits with a reader', 'waits without a reader'])
    expect(callsOf(question), question).toHaveLength(1);
}, 60_000);

/** What the model says at its first and second call: in pieces, for 8 s. */
const saying = (call: string) => Array.from({ length: 80 }, (_, index) => `${call} ${index + 1} `);

it('gives each reader one text, where one server is cut off and another one begins its request, too', async () => {
  await fillSlotsOfBoth('before the cut', 3);
  const question = 'written by both';
  let calls = 0;
  cluster.model.choose((body) => {
    if (questionOf(body) !== question) return scriptOf(body);
    calls += 1;
    const pieces = saying(calls === 1 ? 'first' : 'second');
    const said = pieces.flatMap((text, at) => [{ send: ollama.text(text) }, { wait: delay(100 * (at + 1)) }]);
    return [...said, { send: ollama.done() }];
  });
  const read = await enqueue(cluster.at(0), question);
  const reading = readQueued(cluster.at(0), read);
  const leaving = readQueued(cluster.at(0), read, { isEnough: (events) => numbersOf(events).length >= 3 });
  await expect.poll(async () => (await poll(cluster.at(1), read)).body.queue_position, eventually).toBe(1);
  proxy.cut();
  await expect.poll(() => calls, eventually).toBe(2);
  // A reader that goes on at the other server gets the text of that one, from its beginning.
  const after = (await leaving).findLast(({ id }) => id !== undefined)?.id ?? expect.fail();
  const there = await readQueued(cluster.at(1), read, { after, isEnough: (events) => numbersOf(events).length >= 3 });
  expect(there[0]).toMatchObject({ type: 'status', data: { restarted: true } });
  const readingThere = readQueued(cluster.at(1), read, { after });
  proxy.mend();
  const events = await reading;
  const [ours = '', theirs = ''] = textOf(events).startsWith('first') ? ['first', 'second'] : ['second', 'first'];
  expect(textOf(events)).toBe(saying(ours).join(''));
  expect(saying(theirs).join('').startsWith(textOf(there))).toBe(true);
  expect(textOf(there)).not.toBe('');
  // The other one goes on for those who read it there, although the request is of this one.
  const eventsThere = await readingThere;
  expect(textOf(eventsThere)).toBe(saying(theirs).join(''));
  for (const all of [events, eventsThere])
    expect(all.filter(({ type }) => type === 'done' || type === 'error').map(({ type }) => type)).toEqual(['done']);
  expect(numbersOf(events)).toEqual(Array.from({ length: 81 }, (_, index) => ALONE_OFFSET + index + 1));
  cluster.model.choose(scriptOf);
  await redisIs('up');
  await cluster.model.idle();
}, 60_000);

it('gives a reader the text of the server that has one, and ends the other call', async () => {
  await fillSlotsOfBoth('before another cut', 3);
  const question = 'written by one of two';
  let calls = 0;
  cluster.model.choose((body) => {
    if (questionOf(body) !== question) return scriptOf(body);
    calls += 1;
    return calls === 1 ? ['hang'] : scriptOf(body);
  });
  const read = await enqueue(cluster.at(0), question);
  const reading = readQueued(cluster.at(0), read);
  await expect.poll(async () => (await poll(cluster.at(1), read)).body.queue_position, eventually).toBe(1);
  proxy.cut();
  await expect.poll(() => callsOf(question).length, eventually).toBe(2);
  await delay(500);
  proxy.mend();
  const events = await reading;
  expect(textOf(events)).toBe(`You said: ${question}`);
  expect(events.filter(({ type }) => type === 'done' || type === 'error').map(({ type }) => type)).toEqual(['done']);
  await redisIs('up');
  // The call without a text does not go on.
  await cluster.model.idle();
  for (const app of cluster.apps)
    await expect.poll(async () => (await poll(app, read)).body.status, eventually).toBe('completed');
}, 60_000);
