import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

const KEY = 'a-key-of-the-sign-out-test';
let dataDir: string;
const apps: RunningApp[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sign-out-'));
});

afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const start = async (env: Record<string, string> = {}) => {
  const app = await startApp('server', { ...NO_PROGRAMS, API_KEYS: KEY, DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...env });
  apps.push(app);
  return app;
};

async function signIn({ url }: RunningApp): Promise<string> {
  const response = await fetch(`${url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: KEY }),
  });
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

const signOut = ({ url }: RunningApp, cookie: string) =>
  fetch(`${url}/api/session`, { method: 'DELETE', headers: { cookie } });
const isSignedIn = async ({ url }: RunningApp, cookie: string) =>
  (await (await fetch(`${url}/api/session`, { headers: { cookie } })).json()).signed_in;

it('keeps a session ended over a restart and over kill -9, and another one valid', async () => {
  let app = await start();
  const [ended, open] = [await signIn(app), await signIn(app)];
  expect((await signOut(app, ended)).status).toBe(200);
  // On disk before the reply, so that the very next moment may be the last.
  process.kill(app.pid, 'SIGKILL');
  await app.ended;
  for (const restart of ['after kill -9', 'after SIGTERM']) {
    app = await start();
    expect([await isSignedIn(app, ended), await isSignedIn(app, open)], restart).toEqual([false, true]);
    await app.stop();
  }
});

it('serves, signs out, and reports what is not saved where the folder cannot be made', async () => {
  const app = await start({ DATA_DIR: '/proc/chill-space' });
  const cookie = await signIn(app);
  expect((await signOut(app, cookie)).status).toBe(200);
  expect(await isSignedIn(app, cookie)).toBe(false);
  const ready = async () => await (await fetch(`${app.url}/api/ready`)).json();
  await expect
    .poll(async () => (await ready()).parts.database)
    .toMatchObject({ state: 'unavailable', detail: expect.stringMatching(/^Not saved: .*\.$/) });
  expect(JSON.stringify(await ready())).not.toContain('/proc');
  const metrics = await (await fetch(`${app.url}/api/metrics`, { headers: { authorization: `Bearer ${KEY}` } })).text();
  expect(metrics).toContain('chill_space_database_saving 0');
});

it('makes no database where nothing is to be saved', async () => {
  const app = await start({ API_KEYS: '' });
  await expect.poll(() => app.output(), { timeout: 20_000 }).toContain('Chill Space');
  const ready = await (await fetch(`${app.url}/api/ready`)).json();
  expect(ready.parts.database).toEqual({ state: 'up' });
  await app.stop();
  expect(existsSync(join(dataDir, 'chill-space.db'))).toBe(false);
});
