import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { needsOneServer } from '../support/instances.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** The queue as the first readers after a start see it. */

const apps: RunningApp[] = [];
let model: FaultyModelServer;
let folder: string;

beforeEach(async () => {
  model = await startFaultyModelServer();
  folder = await mkdtemp(join(tmpdir(), 'saved-queue-'));
});

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop(2_000)));
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<RunningApp> {
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    DATA_DIR: join(folder, 'data'),
    SHUTDOWN_TIMEOUT_MS: '200',
    LOG_LEVEL: 'warn',
  });
  apps.push(app);
  return app;
}

async function enqueue(app: RunningApp, content: string): Promise<string> {
  const response = await fetch(`${app.url}/api/chat-queue`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content }] }),
  });
  expect(response.status).toBe(202);
  return (await response.json()).request_id;
}

async function list(app: RunningApp): Promise<string[]> {
  const { processing, pending } = await (await fetch(`${app.url}/api/chat-queue`)).json();
  return [...processing, ...pending].map((work: { request_id: string }) => work.request_id);
}

it('lists the saved requests to the first reader after a restart, ahead of what is accepted then', async () => {
  needsOneServer('what a shared queue has goes on, or is lost with its text');
  model.choose(() => [{ send: ollama.text('half') }, 'hang']);
  const first = await start();
  const ids: string[] = [];
  for (let index = 0; index < 12; index++) ids.push(await enqueue(first, `saved ${index}`));
  await first.kill();

  const second = await start();
  expect(await list(second)).toEqual(ids);
  await second.kill();
  const third = await start();
  const later = await enqueue(third, 'accepted later');
  expect(await list(third)).toEqual([...ids, later]);
}, 60_000);
