import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '#lib/store/open-store';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** Whole servers whose folder is full or read-only, or belongs to two of them. */

const KEY = 'correct-horse-battery';
const isRoot = process.getuid?.() === 0;

const apps: RunningApp[] = [];
let model: FaultyModelServer;
let folder: string;
let isMounted = false;

beforeEach(async () => {
  model = await startFaultyModelServer();
  model.choose((body) => [{ send: ollama.text(`to ${contentOf(body)}`) }, { send: ollama.done() }]);
  folder = mkdtempSync(join(tmpdir(), 'broken-disk-'));
});

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop(5_000)));
  await model.close();
  if (isMounted) execFileSync('umount', [folder]);
  isMounted = false;
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<RunningApp> {
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    API_KEYS: KEY,
    DATA_DIR: folder,
    SHUTDOWN_TIMEOUT_MS: '200',
    LOG_LEVEL: 'warn',
  });
  apps.push(app);
  return app;
}

function mount(options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  isMounted = true;
}

function contentOf(body: unknown): string {
  const { messages } = body as { messages: { content: string }[] };
  return messages.at(-1)?.content ?? '';
}

const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
const send = (app: RunningApp, path: string, body?: object) =>
  fetch(app.url + path, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) });
const messages = (content: string) => ({ messages: [{ role: 'user', content }] });

async function chat(app: RunningApp, content: string): Promise<void> {
  const response = await send(app, '/api/chat-optimized', { ...messages(content), stream: false });
  expect([response.status, (await response.json()).message.content]).toEqual([200, `to ${content}`]);
}

const database = async (app: RunningApp) => (await (await send(app, '/api/ready')).json()).parts.database;
const requests = async (app: RunningApp): Promise<number> => {
  const response = await send(app, '/api/admin/usage?group_by=model');
  return response.status === 200 ? (await response.json()).total.requests : -1;
};
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

describe.runIf(isRoot)('a folder (as root, who may mount one)', () => {
  it('that is full ends no chat, is reported, and takes all that was used once there is space', async () => {
    mount('size=2m');
    const app = await start();
    await chat(app, 'before');
    await eventually(() => requests(app)).toBe(1);
    execFileSync('sh', ['-c', 'dd if=/dev/zero of="$0"/ballast bs=4k status=none || true', folder]);
    let count = 1;
    await eventually(async () => {
      count += 1;
      await chat(app, `question ${count}${' long'.repeat(2_000)}`);
      return (await database(app)).state;
    }).toBe('unavailable');
    expect((await database(app)).detail).toMatch(/full/);
    const accepted = await send(app, '/api/chat-queue', messages('unsaved'));
    expect([accepted.status, (await accepted.json()).saved]).toEqual([202, false]);
    for (let more = 0; more < 5; more++) await chat(app, `while it is full ${more}`);
    rmSync(join(folder, 'ballast'));
    await eventually(async () => (await database(app)).state).toBe('up');
    await eventually(() => requests(app)).toBe(count + 6);
    expect(await app.stop()).toBe(0);

    const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
    await opened.check();
    expect(opened.health).toEqual({ state: 'ok' });
    await opened.close();
  }, 120_000);

  it('that is read-only ends no chat, and is reported', async () => {
    mount('size=8m');
    const first = await start();
    await chat(first, 'before');
    await first.stop();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const app = await start();
    await chat(app, 'now');
    await eventually(async () => (await database(app)).state).toBe('unavailable');
    const accepted = await send(app, '/api/chat-queue', messages('unsaved'));
    expect([accepted.status, (await accepted.json()).saved]).toEqual([202, false]);
    await chat(app, 'later');
    expect(await app.stop()).toBe(0);
    execFileSync('mount', ['-o', 'remount,rw', folder]);
    const again = await start();
    await eventually(() => requests(again)).toBe(1);
  }, 120_000);
});

it('adds up the usage of two servers over one folder, and runs a saved request once when one is killed', async () => {
  const first = await start();
  const second = await start();
  for (const app of [first, second]) for (const name of ['one', 'two']) await chat(app, `${name} of ${app.pid}`);
  for (const app of [first, second]) await eventually(() => requests(app)).toBe(4);

  let isHanging = true;
  model.choose((body) =>
    isHanging ? ['hang'] : [{ send: ollama.text(`to ${contentOf(body)}`) }, { send: ollama.done() }],
  );
  const accepted = await (await send(first, '/api/chat-queue', messages('saved'))).json();
  await eventually(() => model.running).toBe(1);
  process.kill(first.pid, 'SIGKILL');
  await first.ended;
  await model.idle();
  isHanging = false;
  const asked = model.requests.length;
  const third = await start();
  const result = async () =>
    (await (await send(third, `/api/chat-queue?requestId=${accepted.request_id}`)).json()).message?.content;
  await eventually(result).toBe('to saved');
  await chat(second, 'still there');
  expect(model.requests.slice(asked).map(({ body }) => contentOf(body))).toEqual(['saved', 'still there']);
  for (const app of [second, third]) await eventually(() => requests(app)).toBe(6);
}, 120_000);
