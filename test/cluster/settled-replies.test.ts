import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppCluster, startAppCluster } from '../support/app-cluster.ts';
import { ollama } from '../support/faulty-model-server.ts';
import { questionOf, scriptOf } from '../support/obedient-model.ts';
import type { RunningApp } from '../support/running-app.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/**
 * What a reply names is known to the other servers when it leaves: they go on with it also if the
 * server that has replied is killed in that moment.
 */
const eventually = { timeout: 15_000, interval: 50 };
/** Servers that are killed. With a smaller number, each way to a reply is tried once. */
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 20);
/** On the way to Redis, so that what is only sent when the reply leaves is lost. */
const WAY_MS = 10;
/** A request waits for Redis for half a second at most; the rest is the test's own. */
const HELD_MS = 500;
const SLACK_MS = 900;

let cluster: AppCluster;
/** The way of those that are killed. */
let slowWay: TcpProxy;
/** The way of `cutOff`, whose model server is its own: no other one works on its requests. */
let way: TcpProxy;
let cutOff: RunningApp;
let other: RunningApp;

beforeAll(async () => {
  const settings = { SHUTDOWN_DELAY_MS: '0', QUEUE_MAX_CONCURRENT: '4', CACHE_SDK: 'always' };
  cluster = await startAppCluster([{}], settings);
  other = cluster.at(0);
  cluster.model.choose(scriptOf);
  slowWay = await startTcpProxy(cluster.redis.port);
  slowWay.delay(WAY_MS);
  way = await startTcpProxy(cluster.redis.port);
  cutOff = await cluster.add({
    REDIS_URL: `redis://127.0.0.1:${way.port}`,
    OLLAMA_API_URL: cluster.model.url.replace('127.0.0.1', 'localhost'),
  });
}, 90_000);

afterAll(async () => {
  // Where a test has failed.
  cluster?.redis.resume();
  await cluster?.close();
  await Promise.all([slowWay?.close(), way?.close()]);
}, 30_000);

interface Reply {
  readonly status: number;
  readonly degraded: string | null;
  readonly body: { id: string; [field: string]: unknown };
  readonly ms: number;
}

/** `until`: the reply is a stream, and is read until it has this text. */
async function send(
  { url }: RunningApp,
  method: string,
  path: string,
  body?: object,
  { until, key }: { until?: string; key?: string } = {},
): Promise<Reply> {
  const startedMs = performance.now();
  const response = await fetch(url + path, {
    method,
    headers: {
      // Of a server that is killed, no connection is used again.
      connection: 'close',
      ...(body && { 'content-type': 'application/json' }),
      ...(key && { 'idempotency-key': key }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const { status } = response;
  const degraded = response.headers.get('x-degraded');
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (until !== undefined && text.includes(until)) break;
  }
  const ms = performance.now() - startedMs;
  if (until === undefined) return { status, degraded, body: JSON.parse(text), ms };
  expect(text).toContain(until);
  return { status, degraded, body: { id: /"id":"(resp_[^"]+)"/.exec(text)?.[1] ?? '' }, ms };
}

const model = 'test';
const said = (content: string) => ({ messages: [{ role: 'user', content }] });
const respond = (app: RunningApp, input: string, fields: object = {}, until?: string) =>
  send(app, 'POST', '/v1/responses', { model, input, ...fields }, until === undefined ? {} : { until });
const talk = (app: RunningApp, content: string, conversation_id: string, stream: boolean) =>
  send(
    ...([app, 'POST', '/api/chat-optimized', { ...said(content), conversation_id, stream }] as const),
    stream ? { until: '"done":true' } : {},
  );

/** Messages of the last request to the model with this question. */
function messagesOf(question: string): number {
  const { body } = cluster.model.requests.findLast((one) => questionOf(one.body) === question) ?? expect.fail();
  return (body as { messages: unknown[] }).messages.length;
}

async function continuesResponse(id: string, name: string): Promise<void> {
  const next = await respond(other, `after ${name}`, { previous_response_id: id });
  expect(next, name).toMatchObject({ status: 200 });
  expect(messagesOf(`after ${name}`), name).toBe(3);
}

async function continuesConversation(id: string, name: string): Promise<void> {
  const next = await talk(other, `after ${name}`, id, false);
  expect(next.body.conversation, name).toBe('continued');
  expect(messagesOf(`after ${name}`), name).toBe(3);
}

/** Each gets a reply of `app`, and returns what other servers have to know then. */
const WAYS: Record<string, (app: RunningApp, name: string) => Promise<[Reply, () => Promise<void>]>> = {
  'a background response': async (app, name) => {
    const reply = await respond(app, name, { background: true });
    return [reply, async () => expect((await send(other, 'GET', `/v1/responses/${reply.body.id}`)).status).toBe(200)];
  },
  'a response': async (app, name) => {
    const reply = await respond(app, name);
    return [reply, () => continuesResponse(reply.body.id, name)];
  },
  'a streamed response': async (app, name) => {
    const reply = await respond(app, name, { stream: true }, 'event: response.completed');
    return [reply, () => continuesResponse(reply.body.id, name)];
  },
  'a cached response': async (app, name) => {
    await respond(app, name, { temperature: 0 });
    const reply = await respond(app, name, { temperature: 0 });
    return [reply, () => continuesResponse(reply.body.id, name)];
  },
  'a conversation': async (app, name) => [await talk(app, name, name, false), () => continuesConversation(name, name)],
  'a streamed conversation': async (app, name) => [
    await talk(app, name, name, true),
    () => continuesConversation(name, name),
  ],
  'a request with a key': async (app, name) => {
    const submit = (at: RunningApp) => send(at, 'POST', '/api/chat-queue', said(name), { key: name });
    const reply = await submit(app);
    return [reply, async () => expect((await submit(other)).body.request_id).toBe(reply.body.request_id)];
  },
};

it(`is known to the others, however soon its server is killed: ${ROUNDS} times`, async () => {
  const start = () => cluster.add({ REDIS_URL: `redis://127.0.0.1:${slowWay.port}` });
  const ways = Object.entries(WAYS);
  let next = start();
  let degraded = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const app = await next;
    // The next one starts meanwhile.
    next = round + 1 < ROUNDS ? start() : next;
    const [way, reach] = ways[round % ways.length] ?? expect.fail();
    await respond(app, `warm ${round}`);
    const [reply, check] = await reach(app, `${way}, ${round}`);
    process.kill(app.pid, 'SIGKILL');
    expect(reply.status, way).toBeLessThan(300);
    // A busy machine may let Redis miss a reply: the server says then that it has no others.
    if (reply.degraded !== null) degraded += 1;
    else await check();
  }
  await (await next).kill();
  expect(degraded).toBeLessThanOrEqual(ROUNDS / 4);
}, 280_000);

/** A response to a question that begins with "gated" ends when `open` is called. */
function gate(question: string): { called: () => boolean; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isCalled = false;
  cluster.model.choose((body) => {
    if (questionOf(body) !== question) return scriptOf(body);
    isCalled = true;
    return [{ send: ollama.text('some text') }, { wait: promise }, { send: ollama.done() }];
  });
  return { called: () => isCalled, open: resolve };
}

it('goes on with a conversation whose request was accepted by a server that is lost', async () => {
  for (let round = 0; ; round++) {
    const lost = await cluster.add();
    await respond(lost, `warm to be lost ${round}`);
    const question = `gated at the other ${round}`;
    const { called, open } = gate(question);
    const body = { ...said(question), conversation_id: question };
    const { body: accepted } = await send(lost, 'POST', '/api/chat-queue', body);
    await expect.poll(called, eventually).toBe(true);
    const metrics = await (await fetch(`${other.url}/api/metrics`)).text();
    await lost.kill();
    open();
    // The one that is lost worked on it by itself: once more.
    if (!/^chill_space_active_streams 1$/m.test(metrics) && round < 8) continue;
    const poll = () => send(other, 'GET', `/api/chat-queue?requestId=${accepted.request_id}`);
    await expect.poll(async () => (await poll()).body.status, eventually).toBe('completed');
    await continuesConversation(question, question);
    return;
  }
}, 90_000);

it('adds no turn of a request that was cancelled while its response went on for another one', async () => {
  const second = await cluster.add();
  for (let round = 0; ; round++) {
    const question = `gated and cancelled ${round}`;
    const { called, open } = gate(question);
    const enqueue = (app: RunningApp, fields: object = {}) =>
      send(app, 'POST', '/api/chat-queue', { ...said(question), ...fields });
    const { body: cancelled } = await enqueue(second, { conversation_id: question });
    const { body: joined } = await enqueue(other);
    await expect.poll(called, eventually).toBe(true);
    const metrics = await (await fetch(`${other.url}/api/metrics`)).text();
    const place = `/api/chat-queue?requestId=${cancelled.request_id}`;
    expect((await send(second, 'DELETE', place)).status).toBe(200);
    open();
    const poll = () => send(other, 'GET', `/api/chat-queue?requestId=${joined.request_id}`);
    await expect.poll(async () => (await poll()).body.status, eventually).toBe('completed');
    expect(cluster.model.requests.filter((one) => questionOf(one.body) === question)).toHaveLength(1);
    // A conversation is written after its response has ended.
    await delay(300);
    expect((await talk(other, `after ${question}`, question, false)).body.conversation).toBe('new');
    // The server that had accepted it worked on it by itself: once more.
    if (/^chill_space_active_streams 1$/m.test(metrics) || round >= 8) return;
  }
}, 90_000);

/** Asks, and calls `fail` as soon as the model has begun. Returns the reply, and the time since. */
async function failingAtEnd(ask: (question: string) => Promise<Reply>, question: string, fail: () => unknown) {
  const { called, open } = gate(question);
  const asking = ask(question);
  await expect.poll(called, eventually).toBe(true);
  await delay(200);
  await fail();
  open();
  const openedMs = performance.now();
  const reply = await asking;
  return { reply, heldMs: performance.now() - openedMs };
}

it('waits for a slow Redis', async () => {
  const question = 'gated by a slow Redis';
  const pause = () => cluster.redis.command('CLIENT', 'PAUSE', '300', 'ALL');
  const { reply, heldMs } = await failingAtEnd((input) => respond(cutOff, input), question, pause);
  expect(reply).toMatchObject({ status: 200, degraded: null });
  expect(heldMs).toBeGreaterThan(150);
  expect(heldMs).toBeLessThan(HELD_MS + SLACK_MS);
  await continuesResponse(reply.body.id, question);
  const conversation = 'conversation gated by a slow Redis';
  const talking = (content: string) => talk(cutOff, content, conversation, true);
  const streamed = await failingAtEnd(talking, conversation, pause);
  expect(streamed.heldMs).toBeLessThan(HELD_MS + SLACK_MS);
  await continuesConversation(conversation, conversation);
}, 40_000);

it('does not wait for a frozen Redis, and writes what it has missed', async () => {
  const question = 'gated by a frozen Redis';
  const { reply, heldMs } = await failingAtEnd((input) => respond(cutOff, input), question, cluster.redis.freeze);
  expect(heldMs).toBeLessThan(HELD_MS + SLACK_MS);
  expect(reply).toMatchObject({ status: 200, degraded: 'redis' });
  // While it is known that Redis does not respond, nothing waits for it.
  const again = await respond(cutOff, 'while Redis is frozen');
  expect(again).toMatchObject({ status: 200, degraded: 'redis' });
  expect(again.ms).toBeLessThan(SLACK_MS);
  // Longer than connections last that do not respond: what was sent to it is lost.
  await delay(4_500);
  cluster.redis.resume();
  for (const id of [reply.body.id, again.body.id])
    await expect
      .poll(async () => (await respond(other, 'next', { previous_response_id: id })).status, eventually)
      .toBe(200);
}, 40_000);

it('says what is known at one server alone while that is cut off, and shares it afterwards', async () => {
  await expect
    .poll(async () => (await send(cutOff, 'GET', '/api/ready')).body.parts, eventually)
    .toMatchObject({
      redis: { state: 'up' },
    });
  const kept = await respond(cutOff, 'deleted while it is cut off');
  expect(kept).toMatchObject({ status: 200, degraded: null });
  const question = 'gated by the cut';
  const { reply } = await failingAtEnd((content) => talk(cutOff, content, 'cut', false), question, way.cut);
  expect(reply).toMatchObject({ status: 200, degraded: 'redis' });
  const accepted = await respond(cutOff, 'accepted while it is cut off', { background: true });
  expect(accepted).toMatchObject({ status: 200, degraded: 'redis' });
  const deleted = await send(cutOff, 'DELETE', `/v1/responses/${kept.body.id}`);
  expect(deleted).toMatchObject({ status: 200, degraded: 'redis' });
  const keyed = (app: RunningApp) => send(app, 'POST', '/api/chat-queue', said('while cut off'), { key: 'cut off' });
  const once = await keyed(cutOff);
  expect(once).toMatchObject({ status: 202, degraded: 'redis' });
  way.mend();
  const statusAtOther = async (id: string) => (await send(other, 'GET', `/v1/responses/${id}`)).status;
  await expect.poll(() => statusAtOther(accepted.body.id), eventually).toBe(200);
  await expect.poll(() => statusAtOther(kept.body.id), eventually).toBe(404);
  await continuesConversation('cut', question);
  await expect.poll(async () => (await keyed(other)).body.request_id, eventually).toBe(once.body.request_id);
}, 40_000);
