import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { type ScriptedModelServer, sendJson, startScriptedModelServer } from '../support/scripted-model-server.ts';

/** Budgets of the server as a process, under many requests at a time and over a restart. */

const TOKENS_PER_REQUEST = 10;
const CLIENTS = 200;

let folder: string;
let model: ScriptedModelServer;
let app: RunningApp | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limits-'));
  model = await startScriptedModelServer({
    '/v1/models': (_received, response) => sendJson(response, { data: [{ id: 'm' }] }),
    '/v1/chat/completions': async (_received, response) => {
      await sleep(5);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const chunk = (delta: object, rest: object = {}) =>
        `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...rest }], usage: null })}\n\n`;
      const usage = { prompt_tokens: 4, completion_tokens: TOKENS_PER_REQUEST - 4 };
      response.write(chunk({ content: 'x' }) + chunk({}, { finish_reason: 'stop' }));
      response.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
    },
  });
});

afterEach(async () => {
  await app?.stop();
  app = undefined;
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(environment: Record<string, string>): Promise<RunningApp> {
  app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'openai',
    OPENAI_BASE_URL: `${model.url}/v1`,
    DATA_DIR: join(folder, 'data'),
    QUEUE_MAX_CONCURRENT: '8',
    QUEUE_MAX_SIZE: '500',
    LOG_LEVEL: 'silent',
    ...environment,
  });
  return app;
}

const ask = ({ url }: RunningApp, text: string) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }], cache: 'off' }),
  });

/** Sends a request until it is served, or refused for a reason that time alone does not end. */
async function insist(server: RunningApp, text: string): Promise<'served' | string> {
  for (;;) {
    const response = await ask(server, text);
    const body = await response.json();
    if (response.status === 200) return 'served';
    if (response.status !== 429) throw new Error(`${response.status} ${JSON.stringify(body)}`);
    const { message } = body.error;
    if (!/open requests/.test(message)) return message;
    await sleep(5 + Math.random() * 20);
  }
}

describe('200 clients at a time', () => {
  it('exceed a hard budget by no more than what was in flight', async () => {
    const [budget, open] = [400, 6];
    const server = await start({
      LIMIT_KIND: 'hard',
      LIMIT_TOKENS_PER_DAY: String(budget),
      LIMIT_CONCURRENT_REQUESTS: String(open),
    });
    const ends = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => insist(server, `client ${index}`)));
    const served = ends.filter((end) => end === 'served').length;
    expect(served * TOKENS_PER_REQUEST).toBeGreaterThanOrEqual(budget);
    expect(served * TOKENS_PER_REQUEST).toBeLessThanOrEqual(budget + (open - 1) * TOKENS_PER_REQUEST);
    expect(model.of('/v1/chat/completions')).toHaveLength(served);
    for (const end of ends) if (end !== 'served') expect(end).toMatch(/^Your limit of 400 tokens a day is used up/);
  });

  it('are all served within a share, however far above it', async () => {
    const server = await start({ LIMIT_TOKENS_PER_DAY: '100' });
    const all = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => ask(server, `client ${index}`)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    await Promise.all(all.map((response) => response.arrayBuffer()));
  });

  it('never have more open requests than the limit', async () => {
    const server = await start({ LIMIT_CONCURRENT_REQUESTS: '5', QUEUE_MAX_CONCURRENT: '100' });
    const all = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => ask(server, `client ${index}`)));
    const statuses = all.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    await Promise.all(all.map((response) => response.arrayBuffer()));
    for (let index = 0; index < 5; index++) {
      const response = await ask(server, `afterwards ${index}`);
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    }
  });
});

describe('a restart', () => {
  it('keeps what was used', async () => {
    const environment = { LIMIT_KIND: 'hard', LIMIT_TOKENS_PER_DAY: '25' };
    const first = await start(environment);
    for (const text of ['one', 'two']) expect((await ask(first, text)).status).toBe(200);
    await first.stop();
    const second = await start(environment);
    expect((await ask(second, 'three')).status).toBe(200);
    const refused = await ask(second, 'four');
    expect([refused.status, (await refused.json()).error.message]).toEqual([429, expect.stringMatching(/\(30 used\)/)]);
  });
});
