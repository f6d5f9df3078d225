import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ollama as ollamaLines, startFaultyModelServer } from '../support/faulty-model-server.ts';
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
