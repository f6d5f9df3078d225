import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NO_PROGRAMS, startApp } from '../support/running-app.ts';

/** What takes memory, and is loaded where a setting or a request needs it. */
const OPTIONAL = new RegExp(
  [
    /\/(better-auth|@better-auth|pg|ioredis|bullmq|@opentelemetry)\//,
    /\/(prom-client|rate-limiter-flexible)\/index\.js$/,
    /\/zod\/v4\/locales\/(?!en\.js)/,
    /\/lib\/openapi\//,
    /\/accounts\/http\/(auth|group|invitation|join|key|user)-handlers\.ts$/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

/** What of it a server loads, by the modules that Node resolved. */
async function loadedBy(env: Record<string, string>, use: (url: string) => Promise<void>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'modules-'));
  const list = join(folder, 'modules');
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    NODE_OPTIONS: `--import ${join(process.cwd(), 'test/support/list-modules.mjs')}`,
    MODULE_LIST: list,
    LOG_LEVEL: 'silent',
    ...env,
  });
  try {
    await use(app.url);
  } finally {
    await app.stop();
  }
  const { readFile } = await import('node:fs/promises');
  const names = (await readFile(list, 'utf8')).split('\n');
  await rm(folder, { recursive: true, force: true });
  return names.filter((name) => OPTIONAL.test(name));
}

it('loads better-auth at the first request of accounts, what reads the process at that of metrics, else neither', async () => {
  const ask = async (url: string) => {
    await fetch(`${url}/api/models`);
    await fetch(`${url}/api/auth/get-session`);
    await fetch(`${url}/api/keys`);
  };
  expect(await loadedBy({}, ask)).toEqual([]);
  expect(await loadedBy({ API_KEYS: 'a-key-of-sixteen-characters' }, ask)).toEqual([]);
  expect(await loadedBy({ AUTH: 'accounts' }, async (url) => void (await fetch(`${url}/api/models`)))).toEqual([]);
  expect(await loadedBy({ AUTH: 'accounts' }, ask)).toContainEqual(expect.stringContaining('/better-auth/'));
  const askDescription = async (url: string) => void (await fetch(`${url}/api/openapi.json`));
  expect(await loadedBy({}, askDescription)).toContainEqual(expect.stringContaining('/lib/openapi/document.ts'));
  const askMetrics = async (url: string) => void (await fetch(`${url}/api/metrics`));
  expect(await loadedBy({}, askMetrics)).toContainEqual(expect.stringContaining('/@opentelemetry/'));
}, 120_000);

it('prints the link that makes the administrator, until there is one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'set-up-'));
  const env = { ...NO_PROGRAMS, AUTH: 'accounts', DATA_DIR: folder, LOG_LEVEL: 'silent' };
  const linkOf = async (output: () => string): Promise<string | undefined> => {
    for (let attempt = 0; attempt < 200; attempt++) {
      const [, link] = /^set-up: (\S+)$/m.exec(output()) ?? [];
      if (link !== undefined) return link;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return undefined;
  };
  const app = await startApp('server', env);
  try {
    const link = new URL((await linkOf(app.output)) ?? '');
    expect(link.pathname).toBe('/setup');
    const made = await fetch(`${app.url}/api/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        token: link.searchParams.get('token'),
        name: 'Ada',
        email: 'ada@school.example',
        password: 'a long pass phrase',
      }),
    });
    expect(made.status).toBe(201);
    const [cookie = ''] = made.headers.getSetCookie();
    const me = await fetch(`${app.url}/api/me`, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(await me.json()).toMatchObject({ user: { name: 'Ada', role: 'admin' }, auth: 'accounts' });
  } finally {
    await app.stop();
  }
  const again = await startApp('server', env);
  try {
    // The banner is complete when it names the code runner.
    for (let attempt = 0; attempt < 200 && !again.output().includes('sandbox'); attempt++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await fetch(`${again.url}/api/setup`);
    expect(again.output()).not.toContain('set-up:');
  } finally {
    await again.stop();
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
