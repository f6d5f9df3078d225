import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OPERATIONS } from '#lib/openapi/operations';
import { needsOneServer } from '../support/instances.ts';
import {
  clientOf,
  KEY,
  type PassThroughStage,
  postTo,
  resetPassThrough,
  startPassThrough,
  stopPassThrough,
  UPSTREAM_KEY,
} from '../support/pass-through.ts';
import { sendJson } from '../support/scripted-model-server.ts';

/** Endpoints of a model server that are passed on, with a running app and the official SDK. */

let stage: PassThroughStage;

beforeAll(async () => {
  stage = await startPassThrough();
});

beforeEach(() => resetPassThrough(stage));

afterAll(() => stopPassThrough(stage));

describe('JSON for another endpoint', () => {
  it.each(['/tokenize', '/detokenize', '/rerank', '/v1/rerank'])(
    'goes to %s of the model server as it was sent, with this server’s own key',
    async (path) => {
      stage.handle[path] = (_, response) => sendJson(response, { tokens: [1, 2], from: path });
      const body = { model: 'e', content: 'größer', odd: { field: [null] } };
      const response = await postTo(stage, `${path}?x=1`, body);
      expect([response.status, await response.json()]).toEqual([200, { tokens: [1, 2], from: path }]);
      const [received] = stage.server.of(path);
      expect(received).toMatchObject({ method: 'POST', path: `${path}?x=1`, body: JSON.stringify(body) });
      expect(received?.headers['x-request-id']).toBe(response.headers.get('x-request-id'));
      expect(received?.headers).toMatchObject({
        authorization: `Bearer ${UPSTREAM_KEY}`,
        'content-type': 'application/json',
      });
    },
  );

  it('streams speech to the openai SDK while it is made', async () => {
    const rest = Promise.withResolvers<void>();
    stage.handle['/v1/audio/speech'] = async (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.write(Buffer.from([1, 2, 3]));
      await rest.promise;
      response.end(Buffer.from([0, 255]));
    };
    const speech = await clientOf(stage).audio.speech.create({ model: 'tts', voice: 'alloy', input: 'Hello.' });
    expect(speech.headers.get('content-type')).toBe('audio/mpeg');
    const reader = speech.body?.getReader();
    expect((await reader?.read())?.value).toEqual(Uint8Array.of(1, 2, 3));
    rest.resolve();
    expect((await reader?.read())?.value).toEqual(Uint8Array.of(0, 255));
    expect((await reader?.read())?.done).toBe(true);
  });

  it('creates images with the openai SDK', async () => {
    stage.handle['/v1/images/generations'] = (_, response) =>
      sendJson(response, { created: 1, data: [{ b64_json: 'AA==' }] });
    const image = await clientOf(stage).images.generate({ model: 'i', prompt: 'A cabin.' });
    expect(image.data).toEqual([{ b64_json: 'AA==' }]);
  });

  it('is refused before it is sent where it is not valid, without a key, and above its limit', async () => {
    const invalid = await fetch(`${stage.app.url}/tokenize`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: '{',
    });
    expect([invalid.status, (await invalid.json()).error.code]).toEqual([400, 'invalid_json']);
    expect((await postTo(stage, '/tokenize', [1])).status).toBe(400);
    expect((await fetch(`${stage.app.url}/v1/rerank`, { method: 'POST', body: '{}' })).status).toBe(401);
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'content-length': 9 << 20 };
    const large = request(`${stage.app.url}/v1/rerank`, { method: 'POST', headers });
    large.flushHeaders();
    const [refused] = await once(large, 'response');
    expect(refused.statusCode).toBe(413);
    large.on('error', () => {}).destroy();
    expect(stage.server.received).toEqual([]);
  });
});

describe('an error of the model server', () => {
  it('keeps its status and its shape, and loses secrets', async () => {
    stage.handle['/v1/rerank'] = (_, response) => {
      response.setHeader('retry-after', '7');
      sendJson(response, { error: { message: `no such model; key ${UPSTREAM_KEY} at 10.0.0.7`, code: 42 } }, 429);
    };
    const response = await postTo(stage, '/v1/rerank', { query: 'x' });
    const text = await response.text();
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(JSON.parse(text)).toEqual({ error: { message: expect.stringContaining('no such model'), code: 42 } });
    expect(text).not.toMatch(/sk-upstream|10\.0\.0\.7/);
  });

  it('that rejects this server’s own key is no error of the client’s key', async () => {
    stage.handle['/tokenize'] = (_, response) => sendJson(response, { error: 'invalid key' }, 401);
    const response = await postTo(stage, '/tokenize', {});
    expect([response.status, (await response.json()).error.code]).toEqual([503, 'not_configured']);
  });

  it.each([
    [404, { detail: 'Not Found' }],
    [501, { error: { message: 'This server does not support reranking.' } }],
  ])('%s for an endpoint that it lacks is one sentence and one code', async (status, body) => {
    stage.handle['/v1/rerank'] = (_, response) => sendJson(response, body, status);
    const response = await postTo(stage, '/v1/rerank', {});
    const { error } = await response.json();
    expect([response.status, error.code]).toEqual([404, 'unsupported_by_model_server']);
    expect(error.message).toContain('/v1/rerank');
  });

  it('404 for a model is passed on', async () => {
    stage.handle['/v1/rerank'] = (_, response) =>
      sendJson(response, { error: { message: 'The model x does not exist.' } }, 404);
    const response = await postTo(stage, '/v1/rerank', { model: 'x' });
    expect([response.status, (await response.json()).error.message]).toEqual([404, 'The model x does not exist.']);
  });

  it('is a sentence where the server closes the connection, and a cut body is cut', async () => {
    stage.handle['/tokenize'] = (_, response) => void response.destroy();
    const response = await postTo(stage, '/tokenize', {});
    expect([response.status, (await response.json()).error.code]).toEqual([502, 'upstream_failed']);
    stage.handle['/v1/audio/speech'] = (_, speech) => {
      speech.writeHead(200, { 'content-type': 'audio/mpeg' });
      speech.write('half', () => speech.destroy());
    };
    const cut = await postTo(stage, '/v1/audio/speech', {});
    expect(cut.status).toBe(200);
    await expect(cut.text()).rejects.toThrow();
  });
});

describe('the line of chats', () => {
  it('has passed-on requests in it, which wait for a slot and are refused above its length', async () => {
    needsOneServer('what is passed on waits in the line of its server');
    const held = Promise.withResolvers<void>();
    const speaking = Promise.withResolvers<void>();
    stage.handle['/v1/audio/speech'] = async (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('a');
      speaking.resolve();
      await held.promise;
      response.end();
    };
    stage.handle['/tokenize'] = (_, response) => sendJson(response, { tokens: [] });
    const speech = await postTo(stage, '/v1/audio/speech', {});
    await speaking.promise;
    const waiting = postTo(stage, '/tokenize', {});
    const overview = async () =>
      (await fetch(`${stage.app.url}/api/chat-queue`, { headers: { authorization: `Bearer ${KEY}` } })).json();
    await expect.poll(async () => (await overview()).queue_length).toBe(1);
    expect((await overview()).pending[0].model).toBe('/tokenize');
    const refused = await postTo(stage, '/detokenize', {});
    expect([refused.status, (await refused.json()).error.code]).toEqual([503, 'queue_full']);
    expect(stage.server.of('/tokenize')).toEqual([]);
    held.resolve();
    await speech.text();
    expect((await waiting).status).toBe(200);
    await expect.poll(async () => (await overview()).is_processing).toBe(false);
  });

  it('is left by a client that leaves, and the model server sees it', async () => {
    const arrived = Promise.withResolvers<void>();
    stage.handle['/v1/rerank'] = () => arrived.resolve();
    const abort = new AbortController();
    const call = postTo(stage, '/v1/rerank', {}, abort.signal);
    await arrived.promise;
    abort.abort();
    await expect(call).rejects.toThrow();
    expect(await stage.server.of('/v1/rerank')[0]?.over).toBe(false);
    stage.handle['/v1/audio/speech'] = (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('a');
    };
    const leaving = new AbortController();
    await postTo(stage, '/v1/audio/speech', {}, leaving.signal);
    leaving.abort();
    expect(await stage.server.of('/v1/audio/speech')[0]?.over).toBe(false);
    stage.handle['/tokenize'] = (_, response) => sendJson(response, { tokens: [] });
    expect((await postTo(stage, '/tokenize', {})).status).toBe(200);
  });
});

describe('the examples of the API’s description that need a model server', () => {
  const examples = OPERATIONS.filter(({ needsModelServer }) => needsModelServer === true).flatMap(
    ({ path, examples: all }) => all.map(({ body }) => [path, body] as const),
  );

  afterEach(() => {
    stage.handle = {};
  });

  it.each(examples.filter(([path]) => !path.startsWith('/api/')))('work at %s', async (path, body) => {
    stage.handle[path] = (_, response) => sendJson(response, { ok: true });
    const response = await postTo(stage, path, body);
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });
});
