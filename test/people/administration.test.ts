import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { openStore } from '#lib/store/open-store';
import { adminModelsSchema, bannerStateSchema, runtimeSettingsSchema } from '#lib/wire/people-admin';
import { type RunningApp, startApp } from '../support/running-app.ts';

/** What administrators change while a server runs, over HTTP, and after a restart. */

const KEY = 'correct-horse-battery';
const MODEL = 'smollm2:135m';

let folder: string;
let app: RunningApp;

const start = (more: Record<string, string> = {}) =>
  startApp('server', { API_KEYS: KEY, DATA_DIR: folder, LOG_LEVEL: 'silent', CODE_LANGUAGES: 'bash', ...more });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'administration-'));
  app = await start();
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
  const hidden = await call('PATCH', '/api/admin/models', { model: MODEL, hidden: true });
  expect(hidden).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const unknown = await call('PATCH', '/api/admin/models', { model: 'no-such-model', hidden: true });
  expect(unknown).toMatchObject({ status: 404, body: { code: 'model_not_found' } });
});

it('shows and removes a banner, and records every change', async () => {
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
  app = await start();
});
