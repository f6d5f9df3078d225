import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { usageReportSchema } from '#lib/wire/usage';
import { type RunningApp, startApp } from '../support/running-app.ts';
import { type ScriptedModelServer, sendJson, startScriptedModelServer } from '../support/scripted-model-server.ts';

/** The usage of a running app, in its database and in its log. */

const KEY = 'a-key-of-sixteen-characters';
const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };

let model: ScriptedModelServer;
let folder: string;
let app: RunningApp;

beforeAll(async () => {
  model = await startScriptedModelServer({
    '/v1/models': (_request, response) => sendJson(response, { object: 'list', data: [{ id: 'm', object: 'model' }] }),
    '/v1/chat/completions': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };
      const choice = { index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' };
      response.write(`data: ${JSON.stringify({ model: 'm', choices: [choice] })}\n\n`);
      response.end(`data: ${JSON.stringify({ model: 'm', choices: [], usage })}\n\ndata: [DONE]\n\n`);
    },
    '/v1/audio/speech': (_request, response) => void response.writeHead(200, { 'content-type': 'audio/mpeg' }).end('x'),
  });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usage-'));
  app = await startApp('server', {
    MODEL_PROVIDER: 'openai',
    OPENAI_BASE_URL: `${model.url}/v1`,
    API_KEYS: KEY,
    DATA_DIR: folder,
    CODE_WARM_MEMORY_MB: '0',
    LOG_LEVEL: 'info',
  });
});

afterEach(async () => {
  await app.stop();
  await rm(folder, { recursive: true });
});

afterAll(() => model.close());

async function ask(content: string): Promise<string | null> {
  const messages = [{ role: 'user', content }];
  const body = JSON.stringify({ model: 'm', messages, stream: false });
  const response = await fetch(`${app.url}/api/chat-optimized`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  await response.text();
  return response.headers.get('x-cache');
}

/** What is in the database, whether the app runs or not. */
function saved(): { requests: number; cached: number; tokens: number } {
  const nothing = { requests: 0, cached: 0, tokens: 0 };
  const file = join(folder, 'chill-space.db');
  if (!existsSync(file)) return nothing;
  const database = new DatabaseSync(file);
  try {
    const row = database
      .prepare('select sum(requests) as requests, sum(cached) as cached, sum(prompt_tokens) as tokens from usage_days')
      .get();
    return { requests: Number(row?.requests), cached: Number(row?.cached), tokens: Number(row?.tokens) };
  } catch {
    // Between making the file and its tables.
    return nothing;
  } finally {
    database.close();
  }
}

it('is saved when the server is stopped, without a request being lost', async () => {
  for (const content of ['one', 'one', 'one', 'two']) await ask(content);
  expect(await app.stop()).toBe(0);
  expect(saved()).toEqual({ requests: 4, cached: 2, tokens: 6 });
});

it('is lost since the last flush at most when the server is killed', async () => {
  for (const content of ['one', 'one', 'two']) await ask(content);
  await vi.waitFor(() => expect(saved()).toEqual({ requests: 3, cached: 1, tokens: 6 }), {
    timeout: 20_000,
    interval: 100,
  });
  await ask('three');
  process.kill(app.pid, 'SIGKILL');
  await app.ended;
  const { requests } = saved();
  expect([3, 4]).toContain(requests);
});

it('is reported with all requests until now, and named in the log', async () => {
  const report = async (path: string) => {
    const response = await fetch(app.url + path, { headers });
    expect(response.status).toBe(200);
    return usageReportSchema.parse(await response.json());
  };
  expect([await ask('one'), await ask('one')]).toEqual(['miss', 'hit']);
  await fetch(`${app.url}/v1/audio/speech`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ model: 'tts', input: 'x', voice: 'v' }),
  }).then((response) => response.text());
  const isComplete = async () => expect((await report('/api/usage')).total.requests).toBe(3);
  await vi.waitFor(isComplete, { timeout: 20_000, interval: 100 });
  const { rows } = await report('/api/admin/usage?group_by=model,server,key');
  const [first, ...others] = rows;
  const key = first?.key ?? '';
  expect(key).toMatch(/^[0-9a-f]{12}$/);
  expect([first, ...others]).toMatchObject([
    { model: 'm', server: '', key, requests: 1, cached: 1, tokens_saved: 8 },
    { model: 'm', server: new URL(model.url).host, key, requests: 1, prompt_tokens: 3, completion_tokens: 5 },
    { model: 'tts', key, requests: 1, errors: 0 },
  ]);
  expect((await fetch(`${app.url}/api/usage`)).status).toBe(401);
  await app.stop();
  const lines = app
    .output()
    .split('\n')
    .filter((line) => line.includes('"path":"/api/chat-optimized"'))
    .map((line) => JSON.parse(line));
  const caller = expect.stringMatching(/^[0-9a-f]{8}$/);
  expect(lines).toMatchObject([
    { cache: 'miss', caller, key, model: 'm', prompt_tokens: 3, completion_tokens: 5 },
    { cache: 'hit', caller, key, model: 'm', prompt_tokens: 3, completion_tokens: 5 },
  ]);
});
