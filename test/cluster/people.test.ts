import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type AppCluster, readJson, startAppCluster } from '../support/app-cluster.ts';
import { scriptOf } from '../support/obedient-model.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { enqueue } from '../support/queued-requests.ts';
import type { RunningApp } from '../support/running-app.ts';

/** Two real apps with accounts over Postgres and Redis. */
let postgres: PostgresServer;
let cluster: AppCluster;
let one: RunningApp;
let two: RunningApp;
let admin = '';

const PASSWORD = 'a long enough password';

beforeAll(async () => {
  postgres = await startPostgres();
  cluster = await startAppCluster([{}, {}], {
    AUTH: 'accounts',
    DATABASE_URL: await postgres.createDatabase(),
    SIGN_UP: 'open',
    AUTH_SECRET: 'a-secret-of-more-than-thirty-two-characters',
  });
  [one, two] = [cluster.at(0), cluster.at(1)];
  // Each server makes a link when it starts, and the last one is valid.
  const links = () => cluster.apps.flatMap((app) => /set-up: (\S+)/.exec(app.output())?.[1] ?? []);
  await vi.waitFor(() => expect(links()).toHaveLength(2), { timeout: 20_000 });
  const person = { name: 'Ada', email: 'ada@example.org', password: PASSWORD };
  const made = await Promise.all(
    links().map((link) =>
      send(one, 'POST', '/api/setup', { token: new URL(link).searchParams.get('token'), ...person }),
    ),
  );
  const signedIn = made.find(({ status }) => status === 201);
  expect(signedIn, made.map(({ status }) => status).join(' ')).toBeDefined();
  if (signedIn !== undefined) admin = cookieOf(signedIn);
}, 120_000);

afterAll(async () => {
  await cluster?.close();
  await postgres?.close();
});

function send(app: RunningApp, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  return fetch(app.url + path, {
    method,
    headers: { 'content-type': 'application/json', origin: app.url, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
}

function cookieOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}

/** A key of the administrator, with its id. */
async function makeKey(): Promise<{ id: string; key: string }> {
  const made = await send(one, 'POST', '/api/keys', { name: 'a key' }, { cookie: admin });
  expect(made.status).toBe(201);
  return made.json();
}

const statusAt = async (app: RunningApp, key: string) =>
  (await fetch(`${app.url}/api/models`, { headers: { authorization: `Bearer ${key}` } })).status;
/** A server reads by itself what it knows only after 30 s. */
const soon = { timeout: 10_000, interval: 20 };

it('refuses a revoked key everywhere soon, although the other server knew it', async () => {
  const { id, key } = await makeKey();
  expect([await statusAt(one, key), await statusAt(two, key)]).toEqual([200, 200]);
  expect((await send(one, 'DELETE', `/api/keys/${id}`, undefined, { cookie: admin })).status).toBe(204);
  await expect.poll(() => statusAt(two, key), soon).toBe(401);
});

it('ends a session of an account everywhere soon', async () => {
  const signedIn = await send(two, 'POST', '/api/auth/sign-in/email', { email: 'ada@example.org', password: PASSWORD });
  const cookie = cookieOf(signedIn);
  const at = async (app: RunningApp) => (await fetch(`${app.url}/api/keys`, { headers: { cookie } })).status;
  expect([await at(one), await at(two)]).toEqual([200, 200]);
  await send(two, 'DELETE', '/api/session', undefined, { cookie });
  await expect.poll(() => at(one), soon).toBe(401);
});

it('has limits of people everywhere soon, and counts them over both servers', async () => {
  const { id, key } = await makeKey();
  const limits = { scope: { kind: 'key', id }, limits: { requests_per_minute: 6 } };
  const set = await send(one, 'PUT', '/api/admin/limits', limits, { cookie: admin });
  expect(set.status, await set.text()).toBe(200);
  await expect
    .poll(async () => (await readJson(two, '/api/me', { authorization: `Bearer ${key}` })).limits, soon)
    .toEqual([expect.objectContaining({ name: 'requests_per_minute', limit: 6 })]);
  const statuses: number[] = [];
  for (let index = 0; index < 10; index++) {
    const messages = [{ role: 'user', content: `question ${index}` }];
    const app = cluster.at(index);
    const body = { messages, stream: false };
    statuses.push((await send(app, 'POST', '/api/chat-optimized', body, { authorization: `Bearer ${key}` })).status);
    // Counts are added up within 100 ms, and later where cores are busy.
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(6);
  expect(statuses.slice(6)).toEqual([429, 429, 429, 429]);
});

it('refuses everywhere what is used up of a budget at one server, from the first request on', async () => {
  const { id, key } = await makeKey();
  const limits = { scope: { kind: 'key', id }, limits: { tokens_per_day: { limit: 1, kind: 'hard' } } };
  const set = await send(one, 'PUT', '/api/admin/limits', limits, { cookie: admin });
  expect(set.status, await set.text()).toBe(200);
  const authorization = `Bearer ${key}`;
  // Both have read that nothing is used yet.
  for (const app of cluster.apps)
    await expect
      .poll(async () => (await readJson(app, '/api/me', { authorization })).limits, soon)
      .toMatchObject([{ name: 'tokens_per_day', used: 0 }]);
  const body = { messages: [{ role: 'user', content: 'the only one' }], stream: false };
  expect((await send(one, 'POST', '/api/chat-optimized', body, { authorization })).status).toBe(200);
  // It is known after a second, and later where cores are busy.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const second = { messages: [{ role: 'user', content: 'one more' }], stream: false };
  expect((await send(two, 'POST', '/api/chat-optimized', second, { authorization })).status).toBe(429);
}, 30_000);

it('disables a person everywhere soon', async () => {
  const joined = await send(one, 'POST', '/api/auth/sign-up/email', {
    name: 'Ben',
    email: 'ben@example.org',
    password: PASSWORD,
  });
  expect(joined.ok, await joined.text()).toBe(true);
  const cookie = cookieOf(joined);
  const at = async (app: RunningApp) => (await fetch(`${app.url}/api/keys`, { headers: { cookie } })).status;
  expect([await at(one), await at(two)]).toEqual([200, 200]);
  const { users } = await readJson(one, '/api/admin/users', { cookie: admin });
  const { id } = users.find(({ email }: { email: string }) => email === 'ben@example.org');
  expect((await send(one, 'PATCH', `/api/admin/users/${id}`, { disabled: true }, { cookie: admin })).status).toBe(200);
  await expect.poll(() => at(two), soon).toBe(401);
});

it('records at any server whose request an administrator cancelled on another one', async () => {
  const joined = await send(one, 'POST', '/api/auth/sign-up/email', {
    name: 'Cyd',
    email: 'cyd@example.org',
    password: PASSWORD,
  });
  expect(joined.ok, await joined.text()).toBe(true);
  const cookie = cookieOf(joined);
  cluster.model.choose(scriptOf);
  const id = await enqueue(one, 'hang', {}, { cookie, origin: one.url });
  const cancelled = await send(two, 'DELETE', `/api/chat-queue?requestId=${id}`, undefined, { cookie: admin });
  expect(cancelled.status, await cancelled.text()).toBe(200);
  const own = await enqueue(two, 'hang again', {}, { cookie, origin: two.url });
  expect((await send(one, 'DELETE', `/api/chat-queue?requestId=${own}`, undefined, { cookie })).status).toBe(200);
  const logAt = async (app: RunningApp) =>
    (await readJson(app, '/api/admin/audit?action=request', { cookie: admin })).entries;
  for (const app of [one, two])
    await expect
      .poll(() => logAt(app), soon)
      .toEqual([
        expect.objectContaining({
          action: 'request.cancel',
          target: id,
          target_name: 'Cyd',
          summary: 'cancelled a request of Cyd',
        }),
      ]);
});

it('ends the streams of a session everywhere soon, and no others of its person', async () => {
  const signedIn = await send(two, 'POST', '/api/auth/sign-in/email', { email: 'ada@example.org', password: PASSWORD });
  const cookie = cookieOf(signedIn);
  cluster.model.choose(scriptOf);
  const open = async (app: RunningApp, content: string, headers: Record<string, string>) => {
    const stream = await send(app, 'POST', '/api/chat-optimized', { messages: [{ role: 'user', content }] }, headers);
    expect(stream.status).toBe(200);
    const state = { isOpen: true };
    const end = () => {
      state.isOpen = false;
    };
    void stream.text().then(end, end);
    return state;
  };
  const here = await open(two, 'hang after here', { cookie });
  const there = await open(one, 'hang after there', { cookie });
  const other = await open(one, 'hang after other', { cookie: admin });
  const ofKey = await open(one, 'hang after key', { authorization: `Bearer ${(await makeKey()).key}` });
  await send(two, 'POST', '/api/auth/sign-out', undefined, { cookie });
  await expect.poll(() => [here.isOpen, there.isOpen], soon).toEqual([false, false]);
  expect([other.isOpen, ofKey.isOpen]).toEqual([true, true]);
}, 30_000);

it('loses no change of a model that another server makes at the same time', async () => {
  const modelsAt = async (app: RunningApp) => (await readJson(app, '/api/admin/models', { cookie: admin })).models;
  const [{ id: model }] = await modelsAt(one);
  const change = (app: RunningApp, fields: object) =>
    send(app, 'PATCH', '/api/admin/models', { model, ...fields }, { cookie: admin });
  for (let round = 0; round < 12; round++) {
    const changes = { display_name: `name ${round}`, system_prompt: `prompt ${round}` };
    const done = await Promise.all([
      change(one, { display_name: changes.display_name }),
      change(two, { system_prompt: changes.system_prompt }),
    ]);
    expect(done.map(({ status }) => status)).toEqual([200, 200]);
    for (const app of [one, two])
      await expect.poll(async () => (await modelsAt(app))[0], soon).toMatchObject({ id: model, ...changes });
  }
}, 60_000);
