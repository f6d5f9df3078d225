import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { gzipSync } from 'node:zlib';
import { Ollama } from 'ollama';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { needsOneServer } from '../support/instances.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { type ScriptedModelServer, sendJson, startScriptedModelServer } from '../support/scripted-model-server.ts';

/** Ollama's management of models through a running app, with the official SDK. */

const KEY = 'a-key-of-sixteen-characters';
const DIGEST = `sha256:${'0'.repeat(64)}`;
const BLOB = `/api/blobs/${DIGEST}`;

let apps: RunningApp[] = [];
let servers: ScriptedModelServer[] = [];

afterEach(async () => {
  for (const app of apps) await app.stop();
  for (const server of servers) await server.close();
  apps = [];
  servers = [];
});

async function start(
  handlers: Parameters<typeof startScriptedModelServer>[0],
  env: Record<string, string> = {},
  streamed: readonly string[] = [],
) {
  const server = await startScriptedModelServer(handlers, streamed);
  servers.push(server);
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: server.url,
    OLLAMA_MANAGE: 'true',
    LOG_LEVEL: 'silent',
    ...env,
  });
  apps.push(app);
  return { server, app };
}

const send = (app: RunningApp, method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  fetch(app.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

const ACTIONS = [
  ['POST', '/api/pull', { model: 'm' }],
  ['POST', '/api/push', { model: 'm' }],
  ['POST', '/api/create', { model: 'm', from: 'n' }],
  ['POST', '/api/copy', { source: 'm', destination: 'n' }],
  ['DELETE', '/api/delete', { model: 'm' }],
  ['POST', BLOB, { any: 'bytes' }],
] as const;

describe('who may manage models', () => {
  it('is no caller without OLLAMA_MANAGE, and the sentence names the setting', async () => {
    const { server, app } = await start({}, { OLLAMA_MANAGE: '', API_KEYS: KEY });
    for (const [method, path, body] of ACTIONS) {
      expect((await send(app, method, path, body)).status).toBe(401);
      const refused = await send(app, method, path, body, { authorization: `Bearer ${KEY}` });
      expect([path, refused.status, await refused.json()]).toEqual([
        path,
        403,
        { code: 'forbidden', error: expect.stringContaining('OLLAMA_MANAGE=true') },
      ]);
    }
    expect((await send(app, 'HEAD', BLOB, undefined, { authorization: `Bearer ${KEY}` })).status).toBe(403);
    for (const [, path] of ACTIONS) expect(server.of(path)).toEqual([]);
  });

  it('is anyone with a key where keys are set', async () => {
    const { app } = await start({ '/api/copy': (_, response) => void response.end() }, { API_KEYS: KEY });
    const body = { source: 'm', destination: 'n' };
    expect((await send(app, 'POST', '/api/copy', body)).status).toBe(401);
    expect((await send(app, 'POST', '/api/copy', body, { authorization: `Bearer ${KEY}` })).status).toBe(200);
  });

  it('is this machine without keys, and not what a proxy forwards', async () => {
    const { app } = await start({ '/api/copy': (_, response) => void response.end() });
    const body = { source: 'm', destination: 'n' };
    expect((await send(app, 'POST', '/api/copy', body)).status).toBe(200);
    for (const headers of [
      { 'x-forwarded-for': '127.0.0.1' },
      { forwarded: 'for=127.0.0.1' },
      { 'x-real-ip': '::1' },
    ]) {
      const refused = await send(app, 'POST', '/api/copy', body, headers);
      expect([refused.status, (await refused.json()).error]).toEqual([403, expect.stringContaining('API_KEYS')]);
    }
    const foreign = await send(app, 'POST', '/api/copy', body, { origin: 'https://elsewhere.example' });
    expect([foreign.status, (await foreign.json()).code]).toEqual([403, 'origin_not_allowed']);
  });

  it('is no other machine without keys, by its own address or by that of a trusted proxy', async () => {
    needsOneServer('the front is at loopback alone, and its address is that of this machine');
    const handlers = { '/api/copy': (_: unknown, response: { end(): unknown }) => void response.end() };
    const { app } = await start(handlers, { HOST: '0.0.0.0', TRUST_PROXY: 'loopback' });
    const body = { source: 'm', destination: 'n' };
    const direct = await send(app, 'POST', '/api/copy', body, { 'x-forwarded-for': '192.0.2.7' });
    expect(direct.status).toBe(403);
    expect((await send(app, 'POST', '/api/copy', body, { 'x-forwarded-for': '127.0.0.1' })).status).toBe(200);
    const own = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal);
    if (own === undefined) throw new Error('this machine has no address besides loopback');
    const other = await fetch(`http://${own.address}:${new URL(app.url).port}/api/copy`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    expect(other.status).toBe(403);
  });

  it('makes no difference where no Ollama is configured', async () => {
    const app = await startApp('server', { ...NO_PROGRAMS, OLLAMA_MANAGE: 'true', LOG_LEVEL: 'silent' });
    apps.push(app);
    const response = await send(app, 'POST', '/api/pull', { model: 'm' });
    expect([response.status, await response.json()]).toEqual([
      404,
      { code: 'unsupported_by_model_server', error: expect.stringContaining('OLLAMA_API_URL') },
    ]);
  });
});

describe('a management request', () => {
  it('is passed on as it was sent, and checked for a name first', async () => {
    const handlers = Object.fromEntries(
      ACTIONS.slice(0, 5).map(([, path]) => [
        path,
        (_: unknown, response: Parameters<typeof sendJson>[0]) => sendJson(response, { status: 'success' }),
      ]),
    );
    const { server, app } = await start(handlers);
    for (const [method, path, body] of ACTIONS.slice(0, 5)) {
      const sent = { ...body, license: ['MIT'], odd: null };
      const response = await send(app, method, path, sent);
      expect([path, response.status, await response.json()]).toEqual([path, 200, { status: 'success' }]);
      expect(server.of(path)[0]).toMatchObject({ method, body: JSON.stringify(sent) });
      const unnamed = await send(app, method, path, { odd: true });
      expect([path, unnamed.status, (await unnamed.json()).code]).toEqual([path, 400, 'invalid_request']);
      expect(server.of(path)).toHaveLength(1);
    }
    await vi.waitFor(async () => {
      const { entries } = await (await send(app, 'GET', '/api/admin/audit?action=model')).json();
      expect(entries.map(({ action, target, summary }: Record<string, string>) => [action, target, summary])).toEqual([
        ['model.delete', 'm', 'deleted the model m'],
        ['model.copy', 'n', 'copied the model m to n'],
        ['model.create', 'm', 'began to make the model m'],
        ['model.push', 'm', 'began to upload the model m'],
        ['model.pull', 'm', 'began to download the model m'],
      ]);
    });
    const headers = { 'content-length': 5 * 1024 * 1024 };
    const large = request(`${app.url}/api/create`, { method: 'POST', headers }).on('error', () => {});
    large.flushHeaders();
    const [refused] = await once(large, 'response');
    expect(refused.statusCode).toBe(413);
    large.destroy();
  });

  it('shows its progress line by line, and ends at Ollama when the client leaves', async () => {
    const second = Promise.withResolvers<void>();
    const { server, app } = await start({
      '/api/pull': async (_, response) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        response.write('{"status":"pulling manifest"}\n');
        await second.promise;
        response.write('{"status":"pulling","digest":"x","total":10,"completed":5}\n');
      },
    });
    const client = new Ollama({ host: app.url });
    const progress = await client.pull({ model: 'm', stream: true });
    const lines = progress[Symbol.asyncIterator]();
    expect((await lines.next()).value).toEqual({ status: 'pulling manifest' });
    second.resolve();
    expect((await lines.next()).value).toMatchObject({ completed: 5 });
    progress.abort();
    expect(await server.of('/api/pull')[0]?.over).toBe(false);
  });

  it('gets the error of Ollama as Ollama wrote it, with its status', async () => {
    const { app } = await start({
      '/api/delete': (_, response) => sendJson(response, { error: "model 'm' not found" }, 404),
      '/api/create': (_, response) => sendJson(response, { error: 'neither from or files was specified' }, 400),
    });
    const client = new Ollama({ host: app.url });
    await expect(client.delete({ model: 'm' })).rejects.toMatchObject({
      status_code: 404,
      error: "model 'm' not found",
    });
    await expect(client.create({ model: 'm' })).rejects.toMatchObject({ status_code: 400 });
  });

  it('fails with a sentence where Ollama is not running', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const address = closed.address();
    closed.close();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { app } = await start({}, { OLLAMA_API_URL: `http://127.0.0.1:${address.port}` });
    const response = await send(app, 'POST', '/api/pull', { model: 'm' });
    expect([response.status, (await response.json()).code]).toEqual([503, 'provider_unavailable']);
  });
});

describe('several Ollamas', () => {
  it('are chosen by name, else by the model, and the response says which one was asked', async () => {
    const handlers = (model: string) => ({
      '/api/tags': (_: unknown, response: Parameters<typeof sendJson>[0]) =>
        sendJson(response, { models: [{ name: model, model }] }),
      '/api/ps': (_: unknown, response: Parameters<typeof sendJson>[0]) => sendJson(response, { models: [] }),
      '/api/show': (_: unknown, response: Parameters<typeof sendJson>[0]) => sendJson(response, { capabilities: [] }),
      '/api/pull': (_: unknown, response: Parameters<typeof sendJson>[0]) => sendJson(response, { status: 'success' }),
      '/api/delete': (_: unknown, response: { end(): unknown }) => void response.end(),
    });
    const [one, two] = [
      await startScriptedModelServer(handlers('m:latest')),
      await startScriptedModelServer(handlers('n:latest')),
    ];
    servers.push(one, two);
    const app = await startApp('server', {
      ...NO_PROGRAMS,
      MODEL_PROVIDER: 'ollama',
      OLLAMA_API_URL: `${one.url}#name=gpu-a,${two.url}#name=gpu-b`,
      OLLAMA_MANAGE: 'true',
      LOG_LEVEL: 'silent',
    });
    apps.push(app);
    const asked = async (method: string, path: string, model: string) => {
      const response = await send(app, method, path, { model });
      return [response.status, response.headers.get('x-model-server')];
    };
    await send(app, 'GET', '/api/tags');
    expect(await asked('POST', '/api/pull', 'x')).toEqual([200, 'gpu-a']);
    expect(await asked('POST', '/api/pull?server=gpu-b', 'x')).toEqual([200, 'gpu-b']);
    expect(two.of('/api/pull').map(({ path }) => path)).toEqual(['/api/pull']);
    expect(await asked('DELETE', '/api/delete', 'n')).toEqual([200, 'gpu-b']);
    expect(await asked('DELETE', '/api/delete?server=gpu-a', 'n')).toEqual([200, 'gpu-a']);
    const unknown = await send(app, 'DELETE', '/api/delete?server=gpu-c', { model: 'n' });
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      { code: 'not_found', error: expect.stringContaining('gpu-a, gpu-b') },
    ]);
  });
});

describe('a blob', () => {
  it('reaches Ollama while it is sent, whatever its size, and is looked up', async () => {
    const begun = Promise.withResolvers<void>();
    const hash = createHash('sha256');
    const { server, app } = await start(
      {
        [BLOB]: async ({ method }, response, incoming) => {
          if (method === 'HEAD') return void response.writeHead(200).end();
          for await (const chunk of incoming) {
            begun.resolve();
            hash.update(chunk);
          }
          response.writeHead(201).end();
        },
      },
      {},
      [BLOB],
    );
    const bytes = randomBytes(40 * 1024 * 1024);
    const sent = request(app.url + BLOB, { method: 'POST', headers: { 'content-length': bytes.length } });
    sent.write(bytes.subarray(0, 1000));
    await begun.promise;
    const responded = once(sent, 'response');
    sent.end(bytes.subarray(1000));
    const [response] = await responded;
    expect(response.statusCode).toBe(201);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(server.of(BLOB)[0]?.headers['content-length']).toBe(String(bytes.length));
    expect((await send(app, 'HEAD', BLOB)).status).toBe(200);
    expect((await send(app, 'HEAD', '/api/blobs/x')).status).toBe(400);
    const compressed = await fetch(app.url + BLOB, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync('x'),
    });
    expect([compressed.status, (await compressed.json()).code]).toEqual([415, 'unsupported_media_type']);
    expect((await send(app, 'GET', BLOB)).status).toBe(405);
  });

  it('that its client does not finish ends at Ollama', async () => {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<boolean>();
    const { app } = await start(
      {
        [BLOB]: (_, __, incoming) => {
          incoming.once('data', () => begun.resolve());
          incoming.on('error', () => {}).once('close', () => ended.resolve(incoming.complete));
        },
      },
      {},
      [BLOB],
    );
    const sent = request(app.url + BLOB, { method: 'POST', headers: { 'content-length': 1000 } });
    sent.on('error', () => {}).write('half');
    await begun.promise;
    sent.destroy();
    expect(await ended.promise).toBe(false);
  });
});

describe('unloading a model', () => {
  const load = (_: unknown, response: Parameters<typeof sendJson>[0]) => sendJson(response, { done: true });

  it('is refused without OLLAMA_MANAGE, and without a key', async () => {
    const { app } = await start({ '/api/generate': load }, { OLLAMA_MANAGE: 'false' });
    const refused = await send(app, 'POST', '/api/generate', { model: 'm', keep_alive: 0 });
    expect([refused.status, (await refused.json()).error]).toEqual([422, expect.stringContaining('OLLAMA_MANAGE')]);
  });

  it.each(['/api/chat', '/api/generate'])('is passed on by an empty %s', async (path) => {
    const { server, app } = await start({ '/api/generate': load });
    const response = await send(app, 'POST', path, { model: 'm', keep_alive: '0s' });
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({ model: 'm', done: true, done_reason: 'unload' }),
    ]);
    expect(JSON.parse(server.of('/api/generate')[0]?.body ?? '')).toMatchObject({ model: 'm', keep_alive: 0 });
  });

  it('is refused while a request needs the model', async () => {
    needsOneServer('an embedding is in the line of its server, which the others do not see');
    const held = Promise.withResolvers<void>();
    const { server, app } = await start({
      '/api/generate': load,
      '/api/embed': async (_, response) => {
        await held.promise;
        sendJson(response, { embeddings: [[1]] });
      },
    });
    const embedding = send(app, 'POST', '/api/embed', { model: 'm:latest', input: 'x' });
    await expect.poll(() => server.of('/api/embed')).toHaveLength(1);
    const refused = await send(app, 'POST', '/api/generate', { model: 'm', keep_alive: 0 });
    expect([refused.status, (await refused.json()).error]).toEqual([422, expect.stringContaining('in use')]);
    held.resolve();
    expect((await embedding).status).toBe(200);
    await expect
      .poll(async () => (await send(app, 'POST', '/api/generate', { model: 'm', keep_alive: 0 })).status)
      .toBe(200);
    expect(server.of('/api/generate')).toHaveLength(1);
  });
});

describe('what Ollama’s clients look at first', () => {
  it.each([{}, { API_KEYS: KEY }])('is there at /, for every client that is no browser (%j)', async (env) => {
    const { app } = await start({}, env);
    for (const headers of [
      {},
      { accept: '*/*' },
      { accept: 'application/json' },
      { accept: 'text/html;q=0, */*' },
      { accept: 'application/json, text/html; q=0.0' },
    ]) {
      const response = await send(app, 'GET', '/', undefined, headers);
      expect([response.status, await response.text()]).toEqual([200, 'Ollama is running']);
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    }
    const head = await send(app, 'HEAD', '/');
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const accept of ['text/html', 'application/xml;q=0, text/html;q=0.1']) {
      const browser = await fetch(`${app.url}/`, { headers: { accept }, redirect: 'manual' });
      expect(await browser.text()).not.toContain('Ollama is running');
    }
  });
});
