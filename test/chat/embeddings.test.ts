import { request } from 'node:http';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OPERATIONS } from '#lib/openapi/operations';
import { ensureModel } from '../../scripts/model.ts';
import { ensureOllama } from '../../scripts/ollama.ts';
import { needsOneServer } from '../support/instances.ts';
import { type RealOllama, startOllama } from '../support/real-ollama.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { type ScriptedModelServer, sendJson, startScriptedModelServer } from '../support/scripted-model-server.ts';

/**
 * Embeddings through a running app with the official SDKs: over a scripted model server, whose
 * requests are counted, and over a real Ollama.
 */

const bodySchema = z.object({ input: z.array(z.unknown()) });

/** Inputs that the model server was asked to embed, in batches. */
function batchesOf(server: ScriptedModelServer, path: string): unknown[][] {
  return server.of(path).map(({ body }) => bodySchema.parse(JSON.parse(body)).input);
}

/** Shortest forms of 32-bit floats, as Ollama and TEI write them, and exact ones. */
const vectorOf = (input: unknown) => [0.010071029, -0.5, String(input).length, 1e-7];

let servers: ScriptedModelServer[] = [];
let apps: RunningApp[] = [];

afterEach(async () => {
  for (const app of apps) await app.stop();
  for (const server of servers) await server.close();
  apps = [];
  servers = [];
});

async function start(handlers: Parameters<typeof startScriptedModelServer>[0], env: Record<string, string>) {
  const server = await startScriptedModelServer(handlers);
  servers.push(server);
  const provider = env.MODEL_PROVIDER ?? 'openai';
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: provider,
    ...(provider === 'openai' ? { OPENAI_BASE_URL: `${server.url}/v1` } : { OLLAMA_API_URL: server.url }),
    RATE_LIMIT_EMBEDDINGS: '0',
    UPSTREAM_RETRIES: '0',
    LOG_LEVEL: 'silent',
    ...env,
  });
  apps.push(app);
  return { server, app };
}

const openAiHandler: Parameters<typeof startScriptedModelServer>[0] = {
  '/v1/embeddings': ({ body }, response) => {
    const { input } = bodySchema.parse(JSON.parse(body));
    const data = input.map((one, index) => ({ object: 'embedding', index, embedding: vectorOf(one) }));
    // Servers may send them in any order.
    const usage = { prompt_tokens: 10 * input.length, total_tokens: 10 * input.length };
    sendJson(response, { object: 'list', model: 'e', data: data.reverse(), usage });
  },
};

const post = (app: RunningApp, path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(app.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** Of a body that is announced with 9 MiB: it is refused before it comes. */
function statusOfLarge(app: RunningApp, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': 9 * 1024 * 1024 };
    const sent = request(app.url + path, { method: 'POST', headers }, (response) => {
      resolve(response.statusCode);
      sent.destroy();
    });
    sent.on('error', reject).flushHeaders();
  });
}

describe('the openai SDK over an OpenAI-compatible server', () => {
  it('gets the numbers of the server, as base64 by default and as floats', async () => {
    needsOneServer('cached embeddings are those of each server');
    const { server, app } = await start(openAiHandler, {});
    const client = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const usual = await client.embeddings.create({ model: 'e', input: ['one', 'three'], user: 'ann' });
    expect(usual.data.map(({ embedding, index }) => [index, embedding.map(Math.fround)])).toEqual([
      [0, vectorOf('one').map(Math.fround)],
      [1, vectorOf('three').map(Math.fround)],
    ]);
    expect(usual).toMatchObject({ object: 'list', model: 'e', usage: { prompt_tokens: 20, total_tokens: 20 } });
    expect(server.of('/v1/embeddings')[0]?.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const floats = await client.embeddings
      .create({ model: 'e', input: 'one', encoding_format: 'float' })
      .withResponse();
    expect(floats.data.data[0]?.embedding).toEqual(vectorOf('one'));
    expect(floats.response.headers.get('x-cache')).toBe('hit');
    expect(JSON.parse(server.of('/v1/embeddings')[0]?.body ?? '')).toEqual({
      model: 'e',
      input: ['one', 'three'],
      user: 'ann',
      encoding_format: 'float',
    });
    expect(batchesOf(server, '/v1/embeddings')).toEqual([['one', 'three']]);
  });

  it('sends only inputs that are neither cached nor under way, once each', async () => {
    needsOneServer('cached embeddings are those of each server');
    const { server, app } = await start(openAiHandler, { QUEUE_MAX_CONCURRENT: '2' });
    const client = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const inputs = Array.from({ length: 300 }, (_, index) => `text ${index % 150}`);
    const many = await Promise.all(
      [1, 2, 3, 4].map(() => client.embeddings.create({ model: 'e', input: inputs, encoding_format: 'float' })),
    );
    for (const { data } of many)
      expect(data.map(({ embedding }) => embedding)).toEqual(inputs.map((input) => vectorOf(input)));
    const sent = batchesOf(server, '/v1/embeddings');
    expect(sent.flat().sort()).toEqual([...new Set(inputs)].sort());
    expect(Math.max(...sent.map((batch) => batch.length))).toBeLessThanOrEqual(64);
    // Whole batches, so that the sum is exact.
    expect(many.map(({ usage }) => usage.prompt_tokens)).toEqual([3000, 3000, 3000, 3000]);
    const stats = await (await fetch(`${app.url}/api/cache-stats`)).json();
    expect(stats.embedding_cache).toMatchObject({ total_entries: 150 });
  });

  it('sends a body of many numbers as a stream that is valid', async () => {
    const wide = Array.from({ length: 1024 }, (_, index) => index / 7);
    const { app } = await start(
      {
        '/v1/embeddings': ({ body }, response) => {
          const { input } = bodySchema.parse(JSON.parse(body));
          sendJson(response, { data: input.map((_, index) => ({ index, embedding: wide })) });
        },
      },
      {},
    );
    const inputs = Array.from({ length: 200 }, (_, index) => `text ${index}`);
    const response = await post(app, '/v1/embeddings', { model: 'e', input: inputs });
    const { data } = z
      .object({ data: z.array(z.object({ index: z.number(), embedding: z.array(z.number()) })) })
      .parse(await response.json());
    expect(data.map(({ index }) => index)).toEqual(inputs.map((_, index) => index));
    for (const { embedding } of data) expect(embedding).toEqual(wide);
  });

  it('passes token ids, dimensions and fields of such servers on, and names what it does not know', async () => {
    needsOneServer('cached embeddings are those of each server');
    const { server, app } = await start(openAiHandler, {});
    const fields = { model: 'e', dimensions: 2, input_type: 'query', truncate_prompt_tokens: 5, dimension: 3 };
    const response = await post(app, '/v1/embeddings', { ...fields, input: [[1, 2], [3]] });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-ignored-fields')).toBe('dimension (did you mean dimensions?)');
    const { dimension: _typo, ...known } = fields;
    const sent = { ...known, input: [[1, 2], [3]], encoding_format: 'float' };
    expect(JSON.parse(server.of('/v1/embeddings')[0]?.body ?? '')).toEqual(sent);
    await post(app, '/v1/embeddings', { model: 'e', input: [1, 2] });
    expect(batchesOf(server, '/v1/embeddings')[1]).toEqual([[1, 2]]);
    await post(app, '/v1/embeddings', { ...fields, input: [[3], [1, 2]] });
    expect(server.of('/v1/embeddings')).toHaveLength(2);
    await post(app, '/v1/embeddings', { ...fields, dimensions: 3, input: [[3]] });
    expect(server.of('/v1/embeddings')).toHaveLength(3);
  });

  it('reads errors in its own shape, of the request and of the server', async () => {
    const { app } = await start(
      {
        '/v1/embeddings': (_, response) =>
          sendJson(response, { error: { message: 'input is longer than the maximum context length', type: 'x' } }, 400),
      },
      {},
    );
    const client = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'none', maxRetries: 0 });
    await expect(client.embeddings.create({ model: 'e', input: 'x' })).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    });
    await expect(client.embeddings.create({ model: 'e', input: [] })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_request',
      param: 'input',
    });
    const missing = await post(app, '/v1/embeddings', { input: 'x' });
    expect([missing.status, (await missing.json()).error]).toEqual([400, expect.objectContaining({ param: 'model' })]);
    expect(await statusOfLarge(app, '/v1/embeddings')).toBe(413);
  });

  it('is refused by name where the server has no embeddings, and with the built-in model', async () => {
    const { app } = await start({}, {});
    const missing = await post(app, '/v1/embeddings', { model: 'e', input: 'x' });
    expect([missing.status, (await missing.json()).error.code]).toEqual([404, 'unsupported_by_model_server']);
    const builtIn = await startApp('server', { ...NO_PROGRAMS, LOG_LEVEL: 'silent' });
    apps.push(builtIn);
    for (const [path, body] of [
      ['/v1/embeddings', { model: 'smollm2:135m', input: 'x' }],
      ['/v1/embeddings', { model: 'nomic-embed-text', input: 'x' }],
      ['/api/embed', { model: 'smollm2:135m', input: 'x' }],
      ['/api/embeddings', { model: 'smollm2:135m', prompt: 'x' }],
    ] as const) {
      const refused = await post(builtIn, path, body);
      expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining('built-in model')]);
    }
  });

  it('ends the request at the server when its client leaves', async () => {
    const arrived = Promise.withResolvers<void>();
    const { server, app } = await start({ '/v1/embeddings': () => arrived.resolve() }, { DISCONNECT_GRACE_MS: '0' });
    const client = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const abort = new AbortController();
    const call = client.embeddings.create({ model: 'e', input: 'x' }, { signal: abort.signal });
    await arrived.promise;
    abort.abort();
    await expect(call).rejects.toThrow();
    expect(await server.of('/v1/embeddings')[0]?.over).toBe(false);
  });

  it.each(
    OPERATIONS.filter(({ path }) => /^\/(?:v1|api)\/embed/.test(path)).flatMap(({ path, examples }) =>
      examples.map(({ body }) => [path, body] as const),
    ),
  )('has examples in the API’s description that work, at %s', async (path, body) => {
    const { app } = await start(openAiHandler, {});
    expect((await post(app, path, body ?? {})).status).toBe(200);
  });

  it('is limited by its own rate', async () => {
    const { app } = await start(openAiHandler, { RATE_LIMIT_EMBEDDINGS: '2', RATE_LIMIT_CHAT: '1' });
    const statuses = [];
    for (let count = 0; count < 3; count++)
      statuses.push((await post(app, '/v1/embeddings', { model: 'e', input: 'x' })).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
});

describe('the ollama SDK over a scripted Ollama', () => {
  it('embeds texts, and gets the older route’s vectors from the older route', async () => {
    needsOneServer('cached embeddings are those of each server');
    const { server, app } = await start(
      {
        '/api/embed': ({ body }, response) => {
          const { input } = bodySchema.parse(JSON.parse(body));
          sendJson(response, { model: 'e', embeddings: input.map(vectorOf), prompt_eval_count: 7 });
        },
        '/api/embeddings': (_, response) => sendJson(response, { embedding: [3.5, 0.1] }),
      },
      { MODEL_PROVIDER: 'ollama', OLLAMA_KEEP_ALIVE: '15m' },
    );
    const client = new Ollama({ host: app.url });
    const options = { num_ctx: 512 };
    const wanted = { model: 'e', input: ['one', 'two'], truncate: false, dimensions: 4, options, keep_alive: '1h' };
    const response = await client.embed(wanted);
    expect(response).toMatchObject({ model: 'e', embeddings: ['one', 'two'].map(vectorOf), prompt_eval_count: 7 });
    expect(response.total_duration).toBeGreaterThan(0);
    expect(JSON.parse(server.of('/api/embed')[0]?.body ?? '')).toEqual(wanted);
    expect((await client.embed({ ...wanted, input: 'two' })).embeddings).toEqual([vectorOf('two')]);
    expect(server.of('/api/embed')).toHaveLength(1);
    const older = await client.embeddings({ model: 'e', prompt: 'one' });
    expect(older.embedding).toEqual([3.5, 0.1]);
    expect(JSON.parse(server.of('/api/embeddings')[0]?.body ?? '')).toEqual({
      model: 'e',
      prompt: 'one',
      keep_alive: '15m',
    });
  });

  it('loads the model without inputs, also as a form of curl', async () => {
    const { server, app } = await start(
      { '/api/embed': (_, response) => sendJson(response, { model: 'e', embeddings: [] }) },
      { MODEL_PROVIDER: 'ollama' },
    );
    const response = await post(app, '/api/embed', { model: 'e' }, { 'content-type': 'text/plain' });
    expect(await response.json()).toMatchObject({ model: 'e', embeddings: [] });
    expect(await (await post(app, '/api/embeddings', { model: 'e' })).json()).toEqual({ embedding: [] });
    expect(batchesOf(server, '/api/embed')).toEqual([[], []]);
  });

  it('refuses token ids by name, and reports fields without an effect', async () => {
    const { server, app } = await start(
      { '/api/embed': (_, response) => sendJson(response, { embeddings: [[1]], prompt_eval_count: 1 }) },
      { MODEL_PROVIDER: 'ollama' },
    );
    const refused = await post(app, '/v1/embeddings', { model: 'e', input: [1, 2] });
    expect([refused.status, (await refused.json()).error]).toEqual([422, expect.objectContaining({ param: 'input' })]);
    const reported = await post(app, '/v1/embeddings', { model: 'e', input: 'x', user: 'ann', input_type: 'query' });
    expect([reported.status, reported.headers.get('x-ignored-fields')]).toEqual([200, 'user, input_type']);
    expect(server.of('/api/embed')).toHaveLength(1);
  });
});

const gguf = await ensureModel({ log: (line) => process.stderr.write(`${line}\n`) });
const binary = await ensureOllama({ log: (line) => process.stderr.write(`${line}\n`) });

/** Where this machine has no Ollama and cannot build one, `ensureOllama` says so. */
if (binary !== undefined)
  describe('a real Ollama', { timeout: 120_000 }, () => {
    const MODEL = 'smollm2:135m';
    const options = { num_thread: 1 };
    let ollama: RealOllama;
    let app: RunningApp;

    beforeAll(async () => {
      ollama = await startOllama(binary, gguf, MODEL);
      app = await startApp('server', {
        ...NO_PROGRAMS,
        MODEL_PROVIDER: 'ollama',
        OLLAMA_API_URL: ollama.url,
        LOG_LEVEL: 'silent',
      });
    }, 120_000);

    afterAll(async () => {
      await app.stop();
      await ollama.close();
    }, 30_000);

    it('gives the same numbers and tokens with this server in front, by both routes and both SDKs', async () => {
      const bare = new Ollama({ host: ollama.url });
      const client = new Ollama({ host: app.url });
      const wanted = { model: MODEL, input: ['The sky is blue.', 'Why?'], options };
      const [expected, embedded] = [await bare.embed(wanted), await client.embed(wanted)];
      expect(embedded.embeddings).toEqual(expected.embeddings);
      expect(embedded.prompt_eval_count).toBe(expected.prompt_eval_count);
      expect((await client.embed(wanted)).embeddings).toEqual(expected.embeddings);
      const older = { model: MODEL, prompt: 'Why?', options };
      expect(await client.embeddings(older)).toEqual(await bare.embeddings(older));
      const openAi = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' });
      const same = { model: MODEL, input: 'The sky is blue.' };
      const [one, other] = [
        await openAi(ollama.url).embeddings.create(same),
        await openAi(app.url).embeddings.create(same),
      ];
      expect(other).toEqual(one);
    });

    it('says of an unknown model what to do', async () => {
      const client = new Ollama({ host: app.url });
      await expect(client.embed({ model: 'none', input: 'x' })).rejects.toMatchObject({ status_code: 404 });
    });
  });
