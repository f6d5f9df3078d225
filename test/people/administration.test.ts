import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { openStore } from '#lib/store/open-store';
import { adminBackendSchema, adminBackendsSchema } from '#lib/wire/admin-backends';
import { limitListSchema } from '#lib/wire/limits';
import { adminModelsSchema, bannerStateSchema, runtimeSettingsSchema } from '#lib/wire/people-admin';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** What administrators change while a server runs, over HTTP, and after a restart. */

const KEY = 'correct-horse-battery';
const MODEL = 'smollm2:135m';

let folder: string;
let app: RunningApp;

const start = (more: Record<string, string> = {}) =>
  startApp('server', { ...NO_PROGRAMS, API_KEYS: KEY, DATA_DIR: folder, LOG_LEVEL: 'silent', ...more });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'administration-'));
});

afterEach(async () => {
  await app.stop();
  await rm(folder, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(app.url + path, {
    method,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

const hasSystemPrompt = async () =>
  z.object({ has_system_prompt: z.boolean() }).parse((await call('GET', '/api/models')).body).has_system_prompt;

async function settingOf(name: string) {
  const { settings } = runtimeSettingsSchema.parse((await call('GET', '/api/admin/settings')).body);
  return settings.find((setting) => setting.name === name);
}

it('changes a setting at once, keeps it over a restart, and restores its default', async () => {
  app = await start();
  expect(await hasSystemPrompt()).toBe(false);
  expect((await call('PATCH', '/api/admin/settings', { OLLAMA_SYSTEM_PROMPT: 'Be brief.' })).status).toBe(200);
  expect(await hasSystemPrompt()).toBe(true);
  expect(await settingOf('OLLAMA_SYSTEM_PROMPT')).toMatchObject({
    value: 'Be brief.',
    source: 'changed',
    default: null,
  });
  await app.stop();
  app = await start();
  await expect.poll(hasSystemPrompt).toBe(true);
  expect((await call('PATCH', '/api/admin/settings', { OLLAMA_SYSTEM_PROMPT: null })).status).toBe(200);
  expect(await hasSystemPrompt()).toBe(false);
  expect(await settingOf('OLLAMA_SYSTEM_PROMPT')).toMatchObject({ source: 'default', changed_at: null });
});

it('has what was changed in force for the first request, also while a model server is silent', async () => {
  app = await start();
  expect((await call('PATCH', '/api/admin/settings', { SIGN_UP: 'closed' })).status).toBe(200);
  await app.stop();
  const silent = createServer().listen(0, '127.0.0.1');
  try {
    await once(silent, 'listening');
    const { port } = z.object({ port: z.number() }).parse(silent.address());
    app = await start({ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: `http://127.0.0.1:${port}` });
    expect(await settingOf('SIGN_UP')).toMatchObject({ value: 'closed', source: 'changed' });
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

it('changes all settings of a request or none, and none that the environment sets', async () => {
  app = await start();
  expect(await settingOf('RATE_LIMIT_CHAT')).toMatchObject({ value: 0, source: 'environment', locked: true });
  const prompt = { OLLAMA_SYSTEM_PROMPT: 'Be brief.' };
  for (const [change, status] of [
    [{ RATE_LIMIT_CHAT: 5 }, 422],
    [{ RATE_LIMIT_EMBEDDINGS: 'many' }, 400],
    [{ SIGN_UP: 'everyone' }, 400],
    [{ API_KEYS: 'another-key-that-is-long' }, 400],
    [{ NO_SUCH_SETTING: 1 }, 400],
  ] as const) {
    const refused = await call('PATCH', '/api/admin/settings', { ...prompt, ...change });
    expect([change, refused.status]).toEqual([change, status]);
    expect(await hasSystemPrompt()).toBe(false);
  }
});

it('names a model for people, gives it a prompt, and keeps both', async () => {
  app = await start();
  const changed = await call('PATCH', '/api/admin/models', {
    model: MODEL,
    display_name: 'Small model',
    system_prompt: 'Be brief.',
  });
  expect(changed).toMatchObject({ status: 200, body: { display_name: 'Small model', system_prompt: 'Be brief.' } });
  await app.stop();
  app = await start();
  const names = async () =>
    z.object({ models: z.array(z.looseObject({})) }).parse((await call('GET', '/api/models')).body);
  await expect.poll(async () => (await names()).models[0]).toMatchObject({ id: MODEL, display_name: 'Small model' });
  await call('PATCH', '/api/admin/models', { model: MODEL, display_name: null });
  expect((await names()).models[0]).not.toHaveProperty('display_name');
  const { models, can_pull } = adminModelsSchema.parse((await call('GET', '/api/admin/models')).body);
  expect([models[0]?.system_prompt, models[0]?.can_delete, can_pull]).toEqual(['Be brief.', false, false]);
});

it('refuses to hide the default model, and names what it does not know', async () => {
  app = await start();
  const hidden = await call('PATCH', '/api/admin/models', { model: MODEL, hidden: true });
  expect(hidden).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const unknown = await call('PATCH', '/api/admin/models', { model: 'no-such-model', hidden: true });
  expect(unknown).toMatchObject({ status: 404, body: { code: 'model_not_found' } });
});

it('shows and removes a banner, and records every change', async () => {
  app = await start();
  const banner = { text: 'The server restarts at 17:00.', kind: 'warn' };
  expect(await call('PUT', '/api/admin/banner', banner)).toMatchObject({ status: 200, body: { banner } });
  expect((await call('PUT', '/api/admin/banner', { text: 'x'.repeat(301) })).status).toBe(400);
  await app.stop();
  app = await start();
  const shown = async () => bannerStateSchema.parse((await call('GET', '/api/admin/banner')).body).banner;
  await expect.poll(shown).toEqual(banner);
  expect((await call('DELETE', '/api/admin/banner')).status).toBe(204);
  expect(await shown()).toBeNull();
  await call('PATCH', '/api/admin/settings', { SIGN_UP: 'closed' });
  await app.stop();
  const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
  const rows = await opened.db.selectFrom('audit_log').select(['action', 'target', 'actor']).orderBy('id').execute();
  await opened.close();
  expect(rows.map(({ action, target }) => [action, target])).toEqual([
    ['banner.show', null],
    ['banner.remove', null],
    ['setting.change', 'SIGN_UP'],
  ]);
  expect(rows.every(({ actor }) => actor.startsWith('key:'))).toBe(true);
});

it('gives a model parameters and people, keeps both, and refuses what does not exist', async () => {
  app = await start();
  const change = { parameters: { temperature: 0.2, num_predict: 16 }, access: { groups: [], users: [] } };
  expect(await call('PATCH', '/api/admin/models', { model: MODEL, ...change })).toMatchObject({
    status: 200,
    body: change,
  });
  await app.stop();
  app = await start();
  const stored = async () =>
    adminModelsSchema.parse((await call('GET', '/api/admin/models')).body).models.find(({ id }) => id === MODEL);
  await expect.poll(stored).toMatchObject(change);
  const merged = { parameters: { temperature: null, top_k: 20 }, access: null };
  expect(await call('PATCH', '/api/admin/models', { model: MODEL, ...merged })).toMatchObject({
    status: 200,
    body: { parameters: { num_predict: 16, top_k: 20 }, access: null },
  });
  for (const [wrong, status] of [
    [{ parameters: { temperature: 'warm' } }, 400],
    // What a request may not have either.
    [{ parameters: { temperature: 2.1 } }, 400],
    [{ parameters: { presence_penalty: 3 } }, 400],
    [{ parameters: { num_predict: 0 } }, 400],
    [{ parameters: { seed: 1 } }, 400],
    // The built-in model has no such option.
    [{ parameters: { num_gpu: 1 } }, 422],
    [{ access: { groups: ['no-such-group'] } }, 400],
    [{ access: { users: ['no-such-person'] } }, 400],
  ] as const) {
    const refused = await call('PATCH', '/api/admin/models', { model: MODEL, display_name: 'Never', ...wrong });
    expect([wrong, refused.status]).toEqual([wrong, status]);
  }
  expect(await stored()).toMatchObject({ display_name: null, parameters: { num_predict: 16, top_k: 20 } });
  expect((await call('PATCH', '/api/admin/models', { model: MODEL, parameters: null })).body).toMatchObject({
    parameters: {},
  });
});

it('records that a model was loaded once it is, and not where its server refuses that', async () => {
  let status = 500;
  const server = createServer((incoming, outgoing) => {
    const models = [{ name: 'a:1b', model: 'a:1b', size: 1, digest: 'a', details: {} }];
    outgoing.setHeader('content-type', 'application/json');
    if (incoming.method === 'POST' && incoming.url !== '/api/show') outgoing.statusCode = status;
    if (outgoing.statusCode === 500) outgoing.end(JSON.stringify({ error: 'no memory is left' }));
    else if (incoming.url === '/api/tags') outgoing.end(JSON.stringify({ models }));
    else outgoing.end(JSON.stringify({ models: [], version: '0.12.0', model: 'a:1b', done: true }));
  }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());
    app = await start({ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: `http://127.0.0.1:${port}` });
    const change = { model: 'a:1b', display_name: 'A', loaded: true };
    expect((await call('PATCH', '/api/admin/models', change)).status).toBeGreaterThanOrEqual(500);
    status = 200;
    expect((await call('PATCH', '/api/admin/models', change)).status).toBe(200);
    await app.stop();
    const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
    const rows = await opened.db.selectFrom('audit_log').select('detail').orderBy('id').execute();
    await opened.close();
    const summaries = rows.map(
      ({ detail }) => z.object({ summary: z.string() }).parse(JSON.parse(`${detail}`)).summary,
    );
    expect(summaries).toEqual(['named a:1b', 'loaded a:1b']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('keeps all of several changes of one model at the same time', async () => {
  app = await start();
  const access = { groups: [], users: [] };
  const changes = [
    { access },
    { display_name: 'Small' },
    { system_prompt: 'Be brief.' },
    { parameters: { top_k: 20 } },
  ];
  const replies = await Promise.all(
    changes.map((change) => call('PATCH', '/api/admin/models', { model: MODEL, ...change })),
  );
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const { models } = adminModelsSchema.parse((await call('GET', '/api/admin/models')).body);
  expect(models.find(({ id }) => id === MODEL)).toMatchObject(Object.assign({}, ...changes));
});

it('pages through the models by cursor', async () => {
  const names = ['c:1b', 'a:1b', 'b:1b'];
  const server = createServer((incoming, outgoing) => {
    const models = names.map((name) => ({ name, model: name, size: 1, digest: name, details: {} }));
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify(incoming.url === '/api/tags' ? { models } : { models: [], version: '0.12.0' }));
  }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());
    app = await start({ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: `http://127.0.0.1:${port}` });
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let page = 0; cursor !== null && page < 5; page += 1) {
      const query: string = cursor === '' ? '' : `&${new URLSearchParams({ cursor })}`;
      const list = adminModelsSchema.parse((await call('GET', `/api/admin/models?limit=2${query}`)).body);
      seen.push(...list.models.map(({ id }) => id));
      cursor = list.next_cursor;
    }
    expect(seen).toEqual(['a:1b', 'b:1b', 'c:1b']);
    expect((await call('GET', '/api/admin/models?limit=0')).status).toBe(400);
    expect((await call('GET', '/api/admin/models?cursor=wrong')).status).toBe(400);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('adds, drains and removes backends of the gateway, also over a restart, and locks those of the environment', async () => {
  const [one, other] = [await startNamed('one'), await startNamed('other')];
  const environment = { PRIVATE_BACKEND_URL: one.url, HF_TOKEN: 'hf_aVerySecretTokenForTests' };
  const list = async () => adminBackendsSchema.parse((await call('GET', '/api/admin/backends')).body).backends;
  const served = async () => ((await call('GET', '/gateway/name')).body as { name: string }).name;
  try {
    app = await start(environment);
    const [own] = await list();
    expect(own).toMatchObject({ url: one.url, source: 'environment', has_token: true, draining: false });
    const created = await call('POST', '/api/admin/backends', { url: `${other.url}/` });
    expect(created.status).toBe(201);
    const added = adminBackendSchema.parse(created.body);
    expect(added).toMatchObject({ url: other.url, source: 'added', has_token: false, draining: false });
    for (const [url, status] of [
      [other.url, 409],
      ['ftp://192.0.2.1', 400],
      ['http://user:password@192.0.2.1', 400],
      ['http://192.0.2.1/?x', 400],
      ['http://192.0.2.1,http://192.0.2.2', 400],
      ['', 400],
    ] as const)
      expect([url, (await call('POST', '/api/admin/backends', { url })).status]).toEqual([url, status]);
    const drain = (id: string | undefined, draining: boolean) =>
      call('PATCH', `/api/admin/backends/${id}`, { draining });
    expect(await drain(own?.id, true)).toMatchObject({ status: 200, body: { draining: true } });
    for (let count = 0; count < 6; count++) expect(await served()).toBe('other');
    await app.stop();
    app = await start(environment);
    await expect.poll(list).toMatchObject([
      { url: one.url, draining: true, source: 'environment' },
      { url: other.url, draining: false, source: 'added' },
    ]);
    expect(await served()).toBe('other');
    expect(other.tokens).toEqual([]);
    expect(await call('DELETE', `/api/admin/backends/${own?.id}`)).toMatchObject({
      status: 422,
      body: { code: 'unsupported_value' },
    });
    expect((await drain(own?.id, false)).status).toBe(200);
    expect((await call('DELETE', `/api/admin/backends/${added.id}`)).status).toBe(204);
    expect((await drain(added.id, true)).status).toBe(404);
    for (let count = 0; count < 6; count++) expect(await served()).toBe('one');
    expect(one.tokens).toContain('Bearer hf_aVerySecretTokenForTests');
    await app.stop();
    const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
    const audit = await opened.db.selectFrom('audit_log').select('action').orderBy('id').execute();
    const kept = await opened.db.selectFrom('settings').select('name').where('name', 'not like', 'version/%').execute();
    await opened.close();
    const actions = audit.map(({ action }) => action).sort();
    expect(actions).toEqual(['backend.add', 'backend.drain', 'backend.remove', 'backend.resume']);
    expect(kept).toEqual([]);
  } finally {
    for (const { server } of [one, other]) {
      server.closeAllConnections();
      server.close();
    }
  }
});

it('adds no backend that was in the environment, and leaves the app its own paths', async () => {
  const one = await startNamed('one');
  try {
    app = await start({ PRIVATE_BACKEND_URL: one.url });
    const { backends } = adminBackendsSchema.parse((await call('GET', '/api/admin/backends')).body);
    await call('PATCH', `/api/admin/backends/${backends[0]?.id}`, { draining: true });
    expect((await call('GET', '/gateway/name')).status).toBe(503);
    await app.stop();
    app = await start();
    expect((await call('GET', '/api/admin/backends')).body).toEqual({ backends: [], next_cursor: null });
    expect((await call('GET', '/name')).status).toBe(404);
    expect((await call('POST', '/api/admin/backends', { url: one.url })).status).toBe(201);
    expect(await call('GET', '/name')).toMatchObject({ status: 200, body: { name: 'one' } });
    expect((await call('GET', '/api/models')).body).toHaveProperty('default_model');
  } finally {
    one.server.closeAllConnections();
    one.server.close();
  }
});

it('changes the limits of everyone and the retention, with the page of limits', async () => {
  app = await start({ LIMIT_TOKENS_PER_MONTH: '5000000' });
  const limitsOf = async () =>
    limitListSchema.parse((await call('GET', '/api/admin/limits?kind=default')).body).limits[0]?.limits;
  expect(await settingOf('LIMIT_TOKENS_PER_MONTH')).toMatchObject({ value: 5_000_000, locked: true });
  expect(await settingOf('LIMIT_TOKENS_PER_DAY')).toMatchObject({ value: 0, source: 'default' });
  const change = { LIMIT_TOKENS_PER_DAY: 50_000, LIMIT_OUTPUT_TOKENS: 200, USAGE_RETENTION_DAYS: 30 };
  expect((await call('PATCH', '/api/admin/settings', change)).status).toBe(200);
  expect(await settingOf('LIMIT_TOKENS_PER_DAY')).toMatchObject({ value: 50_000, source: 'changed' });
  expect(await limitsOf()).toMatchObject({
    tokens_per_day: { limit: 50_000, kind: 'share' },
    output_tokens: { limit: 200, kind: 'hard' },
    tokens_per_month: { limit: 5_000_000, kind: 'share' },
  });
  const mine = async () => (await call('GET', '/api/me')).body;
  expect(await mine()).toMatchObject({ limits: expect.arrayContaining([expect.objectContaining({ limit: 50_000 })]) });
  expect((await call('PATCH', '/api/admin/settings', { LIMIT_KIND: 'hard' })).status).toBe(200);
  expect(await limitsOf()).toMatchObject({
    tokens_per_day: { limit: 50_000, kind: 'hard' },
    tokens_per_month: { limit: 5_000_000, kind: 'hard' },
  });
  await app.stop();
  app = await start({ LIMIT_TOKENS_PER_MONTH: '5000000' });
  expect(await settingOf('LIMIT_KIND')).toMatchObject({ value: 'hard', source: 'changed' });
  expect(await settingOf('LIMIT_TOKENS_PER_DAY')).toMatchObject({ value: 50_000, source: 'changed' });
  expect(await settingOf('USAGE_RETENTION_DAYS')).toMatchObject({ value: 30, default: 400 });
  expect(await limitsOf()).toMatchObject({ tokens_per_month: { kind: 'hard' } });
  for (const [wrong, status] of [
    [{ LIMIT_TOKENS_PER_MONTH: 1 }, 422],
    [{ LIMIT_TOKENS_PER_DAY: 'many' }, 400],
    [{ AUDIT_RETENTION_DAYS: 0 }, 400],
  ] as const)
    expect((await call('PATCH', '/api/admin/settings', { LIMIT_OUTPUT_TOKENS: 1, ...wrong })).status).toBe(status);
  const restored = { LIMIT_TOKENS_PER_DAY: null, LIMIT_OUTPUT_TOKENS: null, LIMIT_KIND: null };
  expect((await call('PATCH', '/api/admin/settings', restored)).status).toBe(200);
  expect(await limitsOf()).toEqual({ tokens_per_month: { limit: 5_000_000, kind: 'share' } });
});

/** A backend that says its name, and keeps the credentials that it was sent. */
async function startNamed(name: string) {
  const tokens: string[] = [];
  const server = createServer((incoming, outgoing) => {
    if (incoming.headers.authorization !== undefined) tokens.push(incoming.headers.authorization);
    outgoing.setHeader('content-type', 'application/json').end(JSON.stringify({ name }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return { server, tokens, url: `http://127.0.0.1:${port}` };
}
