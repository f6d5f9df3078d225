import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** What takes memory, and is loaded where a setting or a request needs it. */
const OPTIONAL = new RegExp(
  [
    /\/(better-auth|@better-auth|pg|ioredis|bullmq|nodemailer|@opentelemetry)\//,
    /\/(prom-client|rate-limiter-flexible)\/index\.js$/,
    /\/zod\/v4\/locales\/(?!en\.js)/,
    /\/lib\/openapi\//,
    /\/accounts\/http\/(auth|group|invitation|join|key|user)-handlers\.ts$/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

/** What a server that is not set otherwise needs none of to respond for the first time. */
const NOT_TO_LISTEN = new RegExp(
  [
    /\/lib\/(?:chat|openapi|upstream-http|people\/(?:admin|accounts))\//,
    /\/lib\/models\/(?!known-models)/,
    /\/lib\/gateway\/(?!server-request)/,
    /\/lib\/http-client\/(?!connection-shares)/,
    /\/lib\/runner\/(?!toolchain-cache|sandbox\/fork-server\/spawn-options)/,
    /\/lib\/cluster\/(?!cluster)/,
    /\/lib\/store\/(?!audit|errors|store)/,
    /\/lib\/languages\/\w+\/(?!info)/,
    /\/node_modules\/(?:next|react|kysely|undici|eventsource-parser|cockatiel)\//,
  ]
    .map(({ source }) => source)
    .join('|'),
);
/** Bounds of what is loaded before a server listens. Each module costs it about a millisecond. */
const MOST_OWN_MODULES = 150;
const MOST_MODULES = 300;

/** What the first request for it loads: only some servers ever get one. */
const RARE = new RegExp(
  [
    /\/lib\/people\/(?:admin|accounts)\/http\//,
    /\/lib\/people\/admin\/\w+-handlers\.ts$/,
    /\/lib\/chat\/http\/(?:ollama-management|pass-through-handler|responses-handler)\.ts$/,
    /\/lib\/gateway\/node-handler\.ts$/,
    /\/app\/api\/(?:admin|auth|keys)\//,
  ]
    .map(({ source }) => source)
    .join('|'),
);

/** What of it a server loads, by the modules that Node resolved. */
async function loadedBy(env: Record<string, string>, use: (url: string) => Promise<void>): Promise<string[]> {
  return (await modulesOf(env, ({ url }) => use(url))).filter((name) => OPTIONAL.test(name));
}

/** What a server loads from its start to the end of `use`, with the line `listening`. */
async function modulesOf(env: Record<string, string>, use: (app: RunningApp) => Promise<void>): Promise<string[]> {
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
    await use(app);
  } finally {
    await app.stop();
  }
  const { readFile } = await import('node:fs/promises');
  const names = (await readFile(list, 'utf8')).trim().split('\n');
  await rm(folder, { recursive: true, force: true });
  return names;
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

it('listens before it loads models, code runner, gateway and database, and loads what pages and clients need then', async () => {
  const modules = await modulesOf({}, async ({ output }) => {
    // Loaded with the banner, which names the code runner last.
    await vi.waitFor(() => expect(output()).toContain('sandbox:'), { timeout: 20_000 });
  });
  const listening = modules.indexOf('listening');
  expect(listening).toBeGreaterThan(0);
  const [before, after] = [modules.slice(0, listening), modules.slice(listening + 1)];
  expect(before.filter((name) => NOT_TO_LISTEN.test(name))).toEqual([]);
  const files = before.filter((name) => name.startsWith('file:'));
  expect(files.filter((name) => !name.includes('/node_modules/')).length).toBeLessThan(MOST_OWN_MODULES);
  expect(files.length).toBeLessThan(MOST_MODULES);
  for (const part of ['/lib/chat/chat-engine.ts', '/lib/models/model-directory.ts', '/lib/runner/runner.ts'])
    expect(after).toContainEqual(expect.stringContaining(part));
  expect(after.filter((name) => RARE.test(name) || OPTIONAL.test(name))).toEqual([]);
}, 60_000);

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
