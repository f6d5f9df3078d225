import { closeSync, openSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type FaultyModelServer,
  ollama as ollamaLines,
  startFaultyModelServer,
} from '../support/faulty-model-server.ts';
import { freePort } from '../support/free-port.ts';
import { launch, type RunningApp, startApp, whenServing } from '../support/running-app.ts';

/** How the production server starts, fails to start, and ends. */
const running: Pick<RunningApp, 'stop'>[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.stop(2000)));
});

const STACK_TRACE = /\n\s+at .*[(:]\d+/;

describe('start', () => {
  it('says where it is, what is on, and who can reach it', async () => {
    const app = await startApp('server');
    running.push(app);
    await expect.poll(app.output, { timeout: 20_000 }).toMatch(/Chill Space +http:\/\/localhost:\d+/);
    expect(app.output()).toMatch(/model +\S+.*built in/);
    expect(app.output()).toMatch(/code +.*python.*sandbox: bubblewrap/);
    expect(app.output()).toMatch(/reach +this machine only, without a key/);
  });

  it('ends with one sentence where its port is taken', async () => {
    const port = await freePort();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const app = launch(['server.ts'], { PORT: String(port) });
    expect(await app.ended).toBe(1);
    other.close();
    expect(app.output()).toContain(`Port ${port} is taken by another program.`);
    expect(app.output()).not.toMatch(STACK_TRACE);
  });

  it('ends with one message that names every bad setting', async () => {
    const app = launch(['server.ts'], { PORT: 'http', CACHE_TTL_SECONDS: '-1' });
    expect(await app.ended).toBe(1);
    expect(app.output()).toMatch(
      /^2 settings are not valid:\n {2}PORT must be a whole number.*\n {2}CACHE_TTL_SECONDS must be at least 1/,
    );
    expect(app.output()).not.toMatch(STACK_TRACE);
  });
});

describe('a server that falls over again and again', () => {
  it('is reported by its log, its first lines and its metrics', async () => {
    const env = { PORT: String(await freePort()), LOG_LEVEL: 'warn' };
    for (const before of [0, 1, 2]) {
      const app = await startApp('server', env);
      running.push(app);
      expect(await uncleanExits(app)).toBe(before);
      if (before === 2) {
        expect(app.output()).toMatch(/"unclean_exits":2.*ended without being shut down/);
        await expect
          .poll(app.output, { timeout: 20_000 })
          .toMatch(/crashes +in the last hour 2 servers on this port ended without being shut down/);
        expect(await app.stop()).toBe(0);
      } else {
        process.kill(app.pid, 'SIGKILL');
        await app.ended;
      }
    }
    // One that was shut down is not among them.
    const last = await startApp('server', env);
    running.push(last);
    expect(await uncleanExits(last)).toBe(2);
    // Nor is one that found the port taken.
    const other = launch(['server.ts'], env);
    expect(await other.ended).toBe(1);
    expect(await last.stop()).toBe(0);
    const next = await startApp('server', env);
    running.push(next);
    expect(await uncleanExits(next)).toBe(2);
  }, 120_000);
});

async function uncleanExits({ url }: RunningApp): Promise<number> {
  const metrics = await (await fetch(`${url}/api/metrics`)).text();
  return Number(/^chill_space_unclean_exits (\d+)$/m.exec(metrics)?.[1]);
}

describe('a full disk', () => {
  it('costs the lines of the log, and nothing else', async () => {
    const port = await freePort();
    const full = openSync('/dev/full', 'w');
    const started = launch(['server.ts'], { PORT: String(port), LOG_LEVEL: 'info' }, full);
    closeSync(full);
    const app = await whenServing(`http://127.0.0.1:${port}`, started);
    running.push(app);
    // More lines than are gathered before they are written.
    for (let n = 0; n < 200; n++) expect((await fetch(`${app.url}/api/version`)).status).toBe(200);
    const run = await fetch(`${app.url}/api/v1/code/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ language: 'python', code: 'print(6 * 7)' }),
    });
    expect(await run.json()).toMatchObject({ stdout: '42\n', status: 'success' });
    await expect.poll(() => app.output()).toContain('The log cannot be written (ENOSPC');
    expect(await app.stop()).toBe(0);
  });
});

describe('an Ollama that is away', () => {
  it('is one clear sentence in each response, and the server goes on', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const app = await startApp('server', { MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: nobody, UPSTREAM_RETRIES: '0' });
    running.push(app);
    const response = await fetch(`${app.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], stream: false }),
    });
    const body = await response.json();
    expect(response.status).toBe(503);
    expect(body.code).toBe('provider_unavailable');
    expect(body.error).toMatch(/Ollama/);
    expect((await fetch(`${app.url}/health`)).status).toBe(200);
    expect(app.output()).not.toMatch(STACK_TRACE);
  });
});

describe('an Ollama that stops during a response', () => {
  it('ends the stream with one clear sentence, and the next response says that Ollama is unreachable', async () => {
    const ollama = await startFaultyModelServer();
    const env = { MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: ollama.url, OLLAMA_MODEL: 'test', UPSTREAM_RETRIES: '0' };
    const app = await startApp('server', env);
    running.push(app);
    ollama.play([{ send: ollamaLines.text('half an an') }, 'hang']);
    const chat = () =>
      fetch(`${app.url}/api/chat-optimized`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], model: 'test' }),
      });
    const reply = await chat();
    let text = '';
    for await (const chunk of reply.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes('half an an')) await ollama.close();
    }
    const events = text
      .split('\n\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line.slice('data: '.length)));
    expect(events.map((event) => event.content).join('')).toBe('half an an');
    expect(events.filter((event) => event.done)).toEqual([
      { done: true, error: expect.stringMatching(/^[A-Z].*\.$/), code: 'upstream_failed' },
    ]);
    const next = await chat();
    expect(await next.text()).toMatch(/"code":"provider_unavailable"/);
    expect((await fetch(`${app.url}/health`)).status).toBe(200);
    expect(app.output()).not.toMatch(STACK_TRACE);
  });
});

describe('SIGTERM', () => {
  it('ends an idle server at once and with 0', async () => {
    const app = await startApp('server');
    expect(await app.stop()).toBe(0);
  });

  it('goes on serving while a balancer notices, ends connections by their next response, then refuses', async () => {
    const model = await startFaultyModelServer();
    const begun = Promise.withResolvers<void>();
    const backend = createHttpServer((_request, response) => response.end('from the backend'));
    await new Promise<void>((listening) => backend.listen(0, '127.0.0.1', listening));
    try {
      const app = await startApp('server', {
        ...modelSettings(model),
        SHUTDOWN_DELAY_MS: '8000',
        PRIVATE_BACKEND_URL: `http://127.0.0.1:${(backend.address() as AddressInfo).port}`,
        HF_TOKEN: 'hf_token_of_the_backend',
      });
      running.push(app);
      model.play([{ wait: begun.promise }, { send: ollamaLines.text('whole') }, { send: ollamaLines.done() }]);
      const ready = async () => {
        const response = await fetch(`${app.url}/api/ready`);
        return { status: response.status, body: await response.json() };
      };
      expect(await ready()).toMatchObject({ status: 200, body: { status: 'ready' } });
      const kept = await fetch(`${app.url}/health`);
      expect([kept.headers.get('connection'), await kept.text()]).toEqual(['keep-alive', '{"status":"healthy"}']);
      const early = askWhole(app);
      await expect.poll(() => model.running).toBe(1);

      const ended = app.stop(30_000);
      const unready = { status: 503, body: { status: 'not_ready', stopping: true } };
      await expect.poll(ready, { timeout: 5_000 }).toMatchObject(unready);
      // New connections, of the API, the gateway and the executors, and one that was open before.
      for (const path of ['/health', '/from/the/backend', '/api/executors/python/health', '/missing.js', '/icon.svg']) {
        const response = await fetch(app.url + path);
        expect([path, response.headers.get('connection')]).toEqual([path, 'close']);
        await response.body?.cancel();
      }
      const executor = await fetch(`${app.url}/api/executors/python/health`);
      expect([executor.status, await executor.json()]).toMatchObject([503, { status: 'unavailable' }]);
      begun.resolve();
      const whole = await early;
      expect([whole.status, whole.headers.get('connection')]).toEqual([200, 'close']);
      expect(await whole.json()).toMatchObject({ message: { content: 'whole' } });
      expect(await ended).toBe(0);
      await expect(fetch(`${app.url}/health`)).rejects.toThrow();
    } finally {
      await model.close();
      await new Promise((closed) => backend.close(closed));
    }
  }, 60_000);

  it('ends at once at a second signal', async () => {
    const app = await startApp('server', { SHUTDOWN_DELAY_MS: '30000' });
    process.kill(app.pid, 'SIGTERM');
    const ready = async () => (await fetch(`${app.url}/api/ready`)).status;
    await expect.poll(ready, { timeout: 20_000 }).toBe(503);
    process.kill(app.pid, 'SIGTERM');
    expect(await app.ended).toBe(1);
  });

  it('waits for work without a reader that no database holds', async () => {
    const model = await startFaultyModelServer();
    const held = Promise.withResolvers<void>();
    try {
      const settings = { ...modelSettings(model), DATA_DIR: '/dev/null/none', SHUTDOWN_TIMEOUT_MS: '20000' };
      const app = await startApp('server', settings);
      running.push(app);
      model.play([{ wait: held.promise }, { send: ollamaLines.text('x') }, { send: ollamaLines.done() }]);
      const queued = await fetch(`${app.url}/api/chat-queue`, { ...JSON_POST, body: JSON.stringify(HELLO) });
      expect(await queued.json()).toMatchObject({ saved: false });
      await expect.poll(() => model.running).toBe(1);
      const ended = app.stop(30_000);
      await expect
        .poll(() =>
          fetch(`${app.url}/health`).then(
            () => 'open',
            () => 'closed',
          ),
        )
        .toBe('closed');
      expect(await Promise.race([ended, delay(500, 'runs')])).toBe('runs');
      held.resolve();
      expect(await ended).toBe(0);
      expect(await model.requests[0]?.over).toBe(true);
    } finally {
      await model.close();
    }
  }, 60_000);

  it('lets a running response end, accepts no new one, and leaves no process behind', async () => {
    const app = await startApp('server', { SHUTDOWN_TIMEOUT_MS: '20000' });
    const ask = {
      messages: [{ role: 'user', content: 'Count to five.' }],
      options: { num_predict: 24, temperature: 0 },
    };
    const result = await fetch(`${app.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask),
    });
    const ended = app.stop(30_000);
    expect(await result.text()).toMatch(/"done":true/);
    await expect(fetch(`${app.url}/health`)).rejects.toThrow();
    expect(await ended).toBe(0);
  }, 60_000);
});

const HELLO = { messages: [{ role: 'user', content: 'hello' }] };
const JSON_POST = { method: 'POST', headers: { 'content-type': 'application/json' } };

function askWhole(app: RunningApp): Promise<Response> {
  return fetch(`${app.url}/api/chat-optimized`, { ...JSON_POST, body: JSON.stringify({ ...HELLO, stream: false }) });
}

function modelSettings({ url }: FaultyModelServer): Record<string, string> {
  return { MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: url, OLLAMA_MODEL: 'test', UPSTREAM_RETRIES: '0' };
}
