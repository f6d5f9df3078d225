import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { type Caddy, startCaddy, validateCaddyfile } from '../support/caddy.ts';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { freePort } from '../support/free-port.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { startSteadyLoad } from '../support/steady-load.ts';

/** The real Caddy with the files of `deploy`, in front of real apps. */
const FILES = ['deploy/Caddyfile', 'deploy/Caddyfile.cluster'];
const cluster = readFileSync('deploy/Caddyfile.cluster', 'utf8');
const KEY = 'a-key-of-the-balancer-1';
const WORDS = ['one ', 'two ', 'three ', 'four'];
const authorization = `Bearer ${KEY}`;

describe('the Caddyfiles', () => {
  it.each(FILES)('%s is one that Caddy takes', async (file) => {
    await validateCaddyfile(file);
  });

  it('are refused by the same check with a fault', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'caddyfile-'));
    const path = join(folder, 'Caddyfile');
    writeFileSync(path, cluster.replace('health_uri', 'health_url'));
    await expect(validateCaddyfile(path)).rejects.toThrow(/unrecognized|health_url/);
    rmSync(folder, { recursive: true });
  });

  it('have the same limits of bodies', () => {
    const limits = (text: string) => /^\t@too_large[\s\S]*?^\t\t\}\n(?=\t\t|\t\})/m.exec(text)?.[0].trim();
    expect(limits(cluster)).toBe(limits(readFileSync('deploy/Caddyfile', 'utf8')));
    expect(limits(cluster)).toContain('20 MiB');
  });
});

describe('Caddy as the balancer', () => {
  const apps: RunningApp[] = [];
  let model: FaultyModelServer | undefined;
  let caddy: Caddy | undefined;

  afterEach(async () => {
    await caddy?.stop();
    await Promise.all(apps.splice(0).map((app) => app.stop(5_000)));
    await model?.close();
  });

  /** Two apps behind the file of the cluster, with their settings of compose.cluster.yaml. */
  async function start(env: Record<string, string> = {}) {
    model = await startFaultyModelServer();
    const settings = {
      ...{ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: model.url, OLLAMA_MODEL: 'test', CACHE_ENABLED: 'false' },
      ...{ QUEUE_MAX_CONCURRENT: '20', API_KEYS: KEY, TRUST_PROXY: 'private,loopback' },
      ...{ SHUTDOWN_DELAY_MS: '5000', SHUTDOWN_TIMEOUT_MS: '20000', ...env },
    };
    const ports = [String(await freePort()), String(await freePort())];
    apps.push(...(await Promise.all(ports.map((PORT) => startApp('server', { ...NO_PROGRAMS, ...settings, PORT })))));
    const upstreams = ports.map((port) => `127.0.0.1:${port}`);
    const file = cluster.replace('app-a:3000 app-b:3000', upstreams.join(' '));
    expect(file).not.toBe(cluster);
    caddy = await startCaddy(file);
    // The first check of the servers.
    await expect.poll(async () => (await fetch(`${caddy?.url}/health`)).status, { timeout: 10_000 }).toBe(200);
    return { model, caddy, settings, ports };
  }

  const countOf = async ({ url }: RunningApp) => {
    const stats = await (await fetch(`${url}/api/cache-stats`, { headers: { authorization } })).json();
    return stats.batch_processor.total_requests as number;
  };

  it('spreads requests over both', async () => {
    const { caddy, model } = await start();
    model.choose(() => [{ send: ollama.text('yes') }, { send: ollama.done() }]);
    for (let index = 0; index < 24; index++) {
      const response = await fetch(`${caddy.url}/api/chat-optimized`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ messages: [{ role: 'user', content: `Question ${index}` }], stream: false }),
      });
      expect([response.status, (await response.json()).message.content]).toEqual([200, 'yes']);
    }
    const counts = await Promise.all(apps.map(countOf));
    for (const count of counts) expect(count).toBeGreaterThan(2);
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(24);
  }, 60_000);

  it('passes each word of a stream on when it comes, and refuses a body above the limit in the form of the app', async () => {
    const { caddy, model } = await start();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    model.choose(() => [
      { send: ollama.text('first') },
      { wait: held },
      { send: ollama.text('last') },
      { send: ollama.done() },
    ]);
    const response = await fetch(`${caddy.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Slowly.' }] }),
      signal: AbortSignal.timeout(30_000),
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    // The model has not said its second word, nor has the response ended.
    while (!text.includes('"first"')) text += (await reader?.read())?.value ?? expect.fail(text);
    expect(text).not.toContain('"last"');
    release();
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) text += part.value;
    expect(text).toContain('"last"');
    const large = await fetch(`${caddy.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: Buffer.alloc(20 * 1024 * 1024 + 1, 32),
    });
    expect([large.status, (await large.json()).code]).toEqual([413, 'body_too_large']);
  }, 60_000);

  it('loses no request and cuts no stream while one is restarted', async () => {
    const { caddy, model, settings, ports } = await start();
    model.choose(() => [
      ...WORDS.flatMap((word) => [{ send: ollama.text(word) }, { wait: delay(60) }]),
      { send: ollama.done() },
    ]);
    const load = startSteadyLoad(caddy.url, WORDS, { authorization });
    await delay(1_000);
    const [first] = apps;
    expect(await first?.stop(30_000)).toBe(0);
    // The other one has all of them.
    await delay(1_000);
    const next = await startApp('server', { ...NO_PROGRAMS, ...settings, PORT: ports[0] ?? '' });
    apps[0] = next;
    await expect.poll(() => countOf(next), { timeout: 15_000 }).toBeGreaterThan(5);
    const { failures, ended } = await load.stop();
    expect(failures).toEqual([]);
    for (const kind of ['health', 'whole', 'stream'] as const) expect(ended.get(kind)).toBeGreaterThan(20);
  }, 120_000);

  it('says that no server is ready, as the app says it, and when to try again', async () => {
    const { caddy } = await start({ SHUTDOWN_DELAY_MS: '0' });
    await Promise.all(apps.splice(0).map((app) => app.stop(15_000)));
    const response = await fetch(`${caddy.url}/api/models`, { headers: { authorization } });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toMatchObject({ code: 'provider_unavailable' });
  }, 60_000);
});

it('gives a balancer enough time to notice that a server stops', () => {
  const intervalS = Number(/health_interval (\d+)s/.exec(cluster)?.[1]);
  const compose = readFileSync('compose.cluster.yaml', 'utf8');
  const { SHUTDOWN_DELAY_MS } = readConfig({
    SHUTDOWN_DELAY_MS: /SHUTDOWN_DELAY_MS: "(\d+)"/.exec(compose)?.[1],
  });
  expect(SHUTDOWN_DELAY_MS).toBeGreaterThanOrEqual(2 * intervalS * 1_000 + 1_000);
});
