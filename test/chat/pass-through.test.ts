import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OPERATIONS } from '#lib/openapi/operations';
import { type RunningApp, startApp } from '../support/running-app.ts';
import {
  type ModelServerHandler,
  type ScriptedModelServer,
  sendJson,
  startScriptedModelServer,
} from '../support/scripted-model-server.ts';

/** Endpoints of a model server that are passed on, with a running app and the official SDK. */

const KEY = 'a-key-of-sixteen-characters';
const UPSTREAM_KEY = 'sk-upstream-0123456789abcdef';
const PATHS = [
  '/tokenize',
  '/detokenize',
  '/rerank',
  '/v1/rerank',
  '/v1/audio/speech',
  '/v1/audio/transcriptions',
  '/v1/audio/translations',
  '/v1/images/generations',
  '/v1/images/edits',
  '/v1/images/variations',
];

/** What the model server does at each path; set by each test. */
let handle: Record<string, ModelServerHandler> = {};
let server: ScriptedModelServer;
let app: RunningApp;

beforeAll(async () => {
  const streamed = ['/v1/audio/transcriptions', '/v1/audio/translations', '/v1/images/edits', '/v1/images/variations'];
  const handlers = Object.fromEntries(
    PATHS.map((path): [string, ModelServerHandler] => [
      path,
      (received, response, incoming) => {
        const handler = handle[path];
        if (handler === undefined) return void sendJson(response, { detail: 'Not Found' }, 404);
        return handler(received, response, incoming);
      },
    ]),
  );
  handlers['/v1/embeddings'] = ({ body }, response) => {
    const { input } = JSON.parse(body);
    sendJson(response, { data: input.map((_: unknown, index: number) => ({ index, embedding: [1, 2] })) });
  };
  server = await startScriptedModelServer(handlers, streamed);
  app = await startApp('server', {
    MODEL_PROVIDER: 'openai',
    OPENAI_BASE_URL: `${server.url}/v1`,
    OPENAI_API_KEY: UPSTREAM_KEY,
    API_KEYS: KEY,
    QUEUE_MAX_CONCURRENT: '1',
    QUEUE_MAX_SIZE: '1',
    UPLOADS_MAX_SIZE_MB: '16',
    MODEL_ALIASES: 'ears=whisper-1',
    LOG_LEVEL: 'silent',
  });
});

beforeEach(() => {
  handle = {};
  server.received.length = 0;
});

afterAll(async () => {
  await app.stop();
  await server.close();
});

const client = () => new OpenAI({ baseURL: `${app.url}/v1`, apiKey: KEY, maxRetries: 0 });
const post = (path: string, body: unknown, signal?: AbortSignal) =>
  fetch(app.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

describe('JSON for another endpoint', () => {
  it.each(['/tokenize', '/detokenize', '/rerank', '/v1/rerank'])(
    'goes to %s of the model server as it was sent, with this server’s own key',
    async (path) => {
      handle[path] = (_, response) => sendJson(response, { tokens: [1, 2], from: path });
      const body = { model: 'e', content: 'größer', odd: { field: [null] } };
      const response = await post(`${path}?x=1`, body);
      expect([response.status, await response.json()]).toEqual([200, { tokens: [1, 2], from: path }]);
      const [received] = server.of(path);
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
    handle['/v1/audio/speech'] = async (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.write(Buffer.from([1, 2, 3]));
      await rest.promise;
      response.end(Buffer.from([0, 255]));
    };
    const speech = await client().audio.speech.create({ model: 'tts', voice: 'alloy', input: 'Hello.' });
    expect(speech.headers.get('content-type')).toBe('audio/mpeg');
    const reader = speech.body?.getReader();
    expect((await reader?.read())?.value).toEqual(Uint8Array.of(1, 2, 3));
    rest.resolve();
    expect((await reader?.read())?.value).toEqual(Uint8Array.of(0, 255));
    expect((await reader?.read())?.done).toBe(true);
  });

  it('creates images with the openai SDK', async () => {
    handle['/v1/images/generations'] = (_, response) =>
      sendJson(response, { created: 1, data: [{ b64_json: 'AA==' }] });
    const image = await client().images.generate({ model: 'i', prompt: 'A cabin.' });
    expect(image.data).toEqual([{ b64_json: 'AA==' }]);
  });

  it('is refused before it is sent where it is not valid, without a key, and above its limit', async () => {
    const invalid = await fetch(`${app.url}/tokenize`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: '{',
    });
    expect([invalid.status, (await invalid.json()).error.code]).toEqual([400, 'invalid_json']);
    expect((await post('/tokenize', [1])).status).toBe(400);
    expect((await fetch(`${app.url}/v1/rerank`, { method: 'POST', body: '{}' })).status).toBe(401);
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'content-length': 9 << 20 };
    const large = request(`${app.url}/v1/rerank`, { method: 'POST', headers });
    large.flushHeaders();
    const [refused] = await once(large, 'response');
    expect(refused.statusCode).toBe(413);
    large.on('error', () => {}).destroy();
    expect(server.received).toEqual([]);
  });
});

describe('a form with files', () => {
  it('reaches the model server whole, and its response comes back', async () => {
    const sizes: number[] = [];
    handle['/v1/audio/transcriptions'] = async (received, response, incoming) => {
      for await (const chunk of incoming) {
        sizes.push(chunk.length);
        received.body += chunk.toString('latin1');
      }
      sendJson(response, { text: 'hello' });
    };
    const file = await toFile(Buffer.alloc(3 * 1024 * 1024, 7), 'a.wav', { type: 'audio/wav' });
    const result = await client().audio.transcriptions.create({ file, model: 'whisper-1', language: 'en' });
    expect(result.text).toBe('hello');
    const [received] = server.of('/v1/audio/transcriptions');
    expect(received?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(received?.body).toContain('whisper-1');
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(3 * 1024 * 1024);
    expect(sizes.length).toBeGreaterThan(10);
  });

  it.each([
    ['small', 100],
    ['large', 1024 * 1024],
  ])('that is %s holds no slot of the model server while it arrives', async (_size, bytes) => {
    const reached: string[] = [];
    handle['/v1/audio/translations'] = async (received, response, incoming) => {
      reached.push('form');
      received.body = (await incoming.setEncoding('latin1').toArray()).join('');
      sendJson(response, { text: 'done' });
    };
    handle['/tokenize'] = (_, response) => {
      reached.push('other');
      sendJson(response, { tokens: [] });
    };
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' };
    const sent = request(`${app.url}/v1/audio/translations`, { method: 'POST', headers });
    const part = `--b\r\n${'x'.repeat(bytes)}`;
    await new Promise((written) => sent.write(part, written));
    // The only slot is free.
    expect((await post('/tokenize', {})).status).toBe(200);
    const responded = once(sent, 'response');
    sent.end('\r\n--b--\r\n');
    const [response] = await responded;
    expect([response.statusCode, JSON.parse((await response.toArray()).join(''))]).toEqual([200, { text: 'done' }]);
    expect(reached).toEqual(['other', 'form']);
    const [received] = server.of('/v1/audio/translations');
    expect(received?.body).toBe(`${part}\r\n--b--\r\n`);
    expect(received?.headers['content-length']).toBe(String(part.length + 9));
  });

  it('that is left, or above its limit, never reaches the model server', async () => {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' };
    const left = request(`${app.url}/v1/images/edits`, { method: 'POST', headers }).on('error', () => {});
    await new Promise((written) => left.write(Buffer.alloc(1024 * 1024), written));
    left.destroy();
    const large = request(`${app.url}/v1/images/edits`, {
      method: 'POST',
      headers: { ...headers, 'content-length': 9 << 20 },
    });
    large.flushHeaders();
    const [refused] = await once(large, 'response');
    expect(refused.statusCode).toBe(413);
    large.on('error', () => {}).destroy();
    expect((await post('/tokenize', {})).status).toBe(404);
    expect(server.of('/v1/images/edits')).toEqual([]);
  });

  it('that has no room on the disk next to others is refused, and accepted later', async () => {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' };
    const upload = (bytes: number) =>
      request(`${app.url}/v1/images/edits`, { method: 'POST', headers: { ...headers, 'content-length': bytes } });
    const held = upload(7 << 20).on('error', () => {});
    await new Promise((written) => held.write(Buffer.alloc(6 << 20), written));
    await expect
      .poll(async () => {
        const next = upload(7 << 20).on('error', () => {});
        next.flushHeaders();
        const [response] = await once(next, 'response');
        const body = (await response.toArray()).join('');
        next.destroy();
        return [response.statusCode, response.headers['retry-after'], JSON.parse(body).error.code];
      })
      .toEqual([503, '5', 'queue_full']);
    held.destroy();
    handle['/v1/images/edits'] = async (_, response, incoming) => {
      for await (const _chunk of incoming);
      sendJson(response, { data: [] });
    };
    await expect
      .poll(async () => {
        const next = upload(7 << 20).on('error', () => {});
        next.end(Buffer.alloc(7 << 20));
        const [response] = await once(next, 'response');
        response.resume();
        return response.statusCode;
      })
      .toBe(200);
  });

  it.each([
    ['before', 10],
    ['behind', 400_000],
  ])('has the model that an alias stands for, also %s a file', async (where, bytes) => {
    handle['/v1/audio/transcriptions'] = async (received, response, incoming) => {
      received.body = (await incoming.setEncoding('latin1').toArray()).join('');
      sendJson(response, { text: 'hello' });
    };
    const form = new FormData();
    if (where === 'before') form.set('model', 'ears');
    form.set('file', new Blob([Buffer.alloc(bytes, 7)]), 'a.wav');
    if (where === 'behind') form.set('model', 'ears');
    const headers = { authorization: `Bearer ${KEY}` };
    const response = await fetch(`${app.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: form });
    expect(response.status).toBe(200);
    const [received] = server.of('/v1/audio/transcriptions');
    expect(received?.body).toContain('name="model"\r\n\r\nwhisper-1\r\n');
    expect(Number(received?.headers['content-length'])).toBe(received?.body.length);
  });

  it.each(['edits', 'variations'])('of images goes to /v1/images/%s', async (name) => {
    handle[`/v1/images/${name}`] = async (_, response, incoming) => {
      await incoming.toArray();
      sendJson(response, { created: 1, data: [{ url: 'x' }] });
    };
    const image = await toFile(Buffer.alloc(100), 'a.png', { type: 'image/png' });
    const made =
      name === 'edits'
        ? await client().images.edit({ image, prompt: 'Snow.', model: 'i' })
        : await client().images.createVariation({ image });
    expect(made.data).toEqual([{ url: 'x' }]);
  });

  it('that is no form and no JSON is refused with what to send', async () => {
    const response = await fetch(`${app.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'audio/wav' },
      body: 'x',
    });
    expect([response.status, (await response.json()).error.message]).toEqual([
      415,
      expect.stringContaining('multipart/form-data'),
    ]);
  });
});

describe('a form with a Content-Encoding', () => {
  it.each(['gzip', 'br'])('%s is refused with what to do', async (encoding) => {
    const response = await fetch(`${app.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'multipart/form-data; boundary=b',
        'content-encoding': encoding,
      },
      body: 'x',
    });
    expect([response.status, (await response.json()).error.message]).toEqual([
      415,
      expect.stringContaining('without compression'),
    ]);
    expect(server.of('/v1/audio/transcriptions')).toEqual([]);
  });
});

describe('an error of the model server', () => {
  it('keeps its status and its shape, and loses secrets', async () => {
    handle['/v1/rerank'] = (_, response) => {
      response.setHeader('retry-after', '7');
      sendJson(response, { error: { message: `no such model; key ${UPSTREAM_KEY} at 10.0.0.7`, code: 42 } }, 429);
    };
    const response = await post('/v1/rerank', { query: 'x' });
    const text = await response.text();
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(JSON.parse(text)).toEqual({ error: { message: expect.stringContaining('no such model'), code: 42 } });
    expect(text).not.toMatch(/sk-upstream|10\.0\.0\.7/);
  });

  it('that rejects this server’s own key is no error of the client’s key', async () => {
    handle['/tokenize'] = (_, response) => sendJson(response, { error: 'invalid key' }, 401);
    const response = await post('/tokenize', {});
    expect([response.status, (await response.json()).error.code]).toEqual([503, 'not_configured']);
  });

  it.each([
    [404, { detail: 'Not Found' }],
    [501, { error: { message: 'This server does not support reranking.' } }],
  ])('%s for an endpoint that it lacks is one sentence and one code', async (status, body) => {
    handle['/v1/rerank'] = (_, response) => sendJson(response, body, status);
    const response = await post('/v1/rerank', {});
    const { error } = await response.json();
    expect([response.status, error.code]).toEqual([404, 'unsupported_by_model_server']);
    expect(error.message).toContain('/v1/rerank');
  });

  it('404 for a model is passed on', async () => {
    handle['/v1/rerank'] = (_, response) =>
      sendJson(response, { error: { message: 'The model x does not exist.' } }, 404);
    const response = await post('/v1/rerank', { model: 'x' });
    expect([response.status, (await response.json()).error.message]).toEqual([404, 'The model x does not exist.']);
  });

  it('is a sentence where the server closes the connection, and a cut body is cut', async () => {
    handle['/tokenize'] = (_, response) => void response.destroy();
    const response = await post('/tokenize', {});
    expect([response.status, (await response.json()).error.code]).toEqual([502, 'upstream_failed']);
    handle['/v1/audio/speech'] = (_, speech) => {
      speech.writeHead(200, { 'content-type': 'audio/mpeg' });
      speech.write('half', () => speech.destroy());
    };
    const cut = await post('/v1/audio/speech', {});
    expect(cut.status).toBe(200);
    await expect(cut.text()).rejects.toThrow();
  });
});

describe('the line of chats', () => {
  it('has passed-on requests in it, which wait for a slot and are refused above its length', async () => {
    const held = Promise.withResolvers<void>();
    const speaking = Promise.withResolvers<void>();
    handle['/v1/audio/speech'] = async (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('a');
      speaking.resolve();
      await held.promise;
      response.end();
    };
    handle['/tokenize'] = (_, response) => sendJson(response, { tokens: [] });
    const speech = await post('/v1/audio/speech', {});
    await speaking.promise;
    const waiting = post('/tokenize', {});
    const overview = async () =>
      (await fetch(`${app.url}/api/chat-queue`, { headers: { authorization: `Bearer ${KEY}` } })).json();
    await expect.poll(async () => (await overview()).queue_length).toBe(1);
    expect((await overview()).pending[0].model).toBe('/tokenize');
    const refused = await post('/detokenize', {});
    expect([refused.status, (await refused.json()).error.code]).toEqual([503, 'queue_full']);
    expect(server.of('/tokenize')).toEqual([]);
    held.resolve();
    await speech.text();
    expect((await waiting).status).toBe(200);
    await expect.poll(async () => (await overview()).is_processing).toBe(false);
  });

  it('is left by a client that leaves, and the model server sees it', async () => {
    const arrived = Promise.withResolvers<void>();
    handle['/v1/rerank'] = () => arrived.resolve();
    const abort = new AbortController();
    const call = post('/v1/rerank', {}, abort.signal);
    await arrived.promise;
    abort.abort();
    await expect(call).rejects.toThrow();
    expect(await server.of('/v1/rerank')[0]?.over).toBe(false);
    handle['/v1/audio/speech'] = (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('a');
    };
    const leaving = new AbortController();
    await post('/v1/audio/speech', {}, leaving.signal);
    leaving.abort();
    expect(await server.of('/v1/audio/speech')[0]?.over).toBe(false);
    handle['/tokenize'] = (_, response) => sendJson(response, { tokens: [] });
    expect((await post('/tokenize', {})).status).toBe(200);
  });
});

describe('several model servers', () => {
  it('get what names a model of theirs, and the OpenAI-compatible one gets the rest', async () => {
    const ollama = await startScriptedModelServer({
      '/api/tags': (_, response) =>
        sendJson(response, { models: [{ name: 'whisper:latest', model: 'whisper:latest' }] }),
      '/api/ps': (_, response) => sendJson(response, { models: [] }),
      '/api/show': (_, response) => sendJson(response, { capabilities: [] }),
      '/v1/audio/transcriptions': (_, response) => sendJson(response, { text: 'ollama' }),
    });
    const openAi = await startScriptedModelServer({
      '/v1/models': (_, response) => sendJson(response, { data: [{ id: 'tts-1' }] }),
      '/v1/audio/transcriptions': (_, response) => sendJson(response, { text: 'openai' }),
    });
    const both = await startApp('server', {
      MODEL_PROVIDER: 'auto',
      OLLAMA_API_URL: ollama.url,
      OPENAI_BASE_URL: `${openAi.url}/v1`,
      LOG_LEVEL: 'silent',
    });
    try {
      const of = new OpenAI({ baseURL: `${both.url}/v1`, apiKey: 'none', maxRetries: 0 });
      const file = await toFile(Buffer.alloc(200_000, 7), 'a.wav', { type: 'audio/wav' });
      const heard = async (model: string) => (await of.audio.transcriptions.create({ model, file })).text;
      expect([await heard('whisper:latest'), await heard('whisper'), await heard('whisper-1')]).toEqual([
        'ollama',
        'ollama',
        'openai',
      ]);
    } finally {
      await both.stop();
      await ollama.close();
      await openAi.close();
    }
  });

  it('are not asked for their lists by requests without a model', async () => {
    const handlers: Record<string, ModelServerHandler> = {
      '/v1/models': (_, response) => sendJson(response, { data: [{ id: 'm' }] }),
      '/tokenize': (_, response) => sendJson(response, { tokens: [] }),
    };
    const [one, other] = [await startScriptedModelServer(handlers), await startScriptedModelServer(handlers)];
    const both = await startApp('server', {
      MODEL_PROVIDER: 'openai',
      OPENAI_BASE_URL: `${one.url}/v1,${other.url}/v1`,
      LOG_LEVEL: 'silent',
    });
    const tokenize = async () => {
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${both.url}/tokenize`, { method: 'POST', headers, body: '{"content":"Hi"}' })).status;
    };
    try {
      const lists: number[] = [];
      for (let request = 0; request < 4; request++) {
        expect(await tokenize()).toBe(200);
        lists.push(one.of('/v1/models').length);
        // At this age of the lists, a name that is in none of them reads them again.
        await sleep(2_200);
      }
      expect(lists[3]).toBe(lists[1]);
    } finally {
      await both.stop();
      await one.close();
      await other.close();
    }
  });
});

describe('a server with the built-in model only', () => {
  let builtIn: RunningApp;

  beforeAll(async () => {
    builtIn = await startApp('server', { LOG_LEVEL: 'silent' });
  });

  afterAll(async () => {
    await builtIn.stop();
  });

  it.each(PATHS)('says of %s that no model server offers it', async (path) => {
    const response = await fetch(builtIn.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const { error } = await response.json();
    expect([response.status, error.code]).toEqual([404, 'unsupported_by_model_server']);
    expect(error.message).toContain('OPENAI_BASE_URL');
  });
});

describe('the examples of the API’s description that need a model server', () => {
  const examples = OPERATIONS.filter(({ needsModelServer }) => needsModelServer === true).flatMap(
    ({ path, examples: all }) => all.map(({ body }) => [path, body] as const),
  );

  afterEach(() => {
    handle = {};
  });

  it.each(examples.filter(([path]) => !path.startsWith('/api/')))('work at %s', async (path, body) => {
    handle[path] = (_, response) => sendJson(response, { ok: true });
    const response = await post(path, body);
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });
});

describe('in front of several model servers, a request that is passed on', () => {
  it('has the model of an alias, and goes to the next server when one is killed', async () => {
    const list: ModelServerHandler = (_received, response) =>
      sendJson(response, { object: 'list', data: [{ id: 'ranker', object: 'model' }] });
    const seen: string[] = [];
    const forms: string[] = [];
    const two = await Promise.all(
      [1, 2].map(() =>
        startScriptedModelServer({
          '/v1/models': list,
          '/v1/rerank': ({ body }, response) => {
            seen.push(JSON.parse(body).model);
            if (seen.length === 1) response.destroy();
            else sendJson(response, { results: [] });
          },
          '/v1/audio/transcriptions': ({ body }, response) => {
            forms.push(body);
            if (forms.length === 1) response.destroy();
            else sendJson(response, { text: 'hello' });
          },
        }),
      ),
    );
    const own = await startApp('server', {
      MODEL_PROVIDER: 'openai',
      OPENAI_BASE_URL: two.map(({ url }) => `${url}/v1`).join(','),
      MODEL_ALIASES: 'sorter=ranker',
      LOG_LEVEL: 'silent',
    });
    try {
      const response = await fetch(`${own.url}/v1/rerank`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'sorter', query: 'a', documents: ['b'] }),
      });
      expect([response.status, await response.json()]).toEqual([200, { results: [] }]);
      expect(seen).toEqual(['ranker', 'ranker']);
      expect(two.map((server) => server.of('/v1/rerank').length)).toEqual([1, 1]);
      const form = new FormData();
      form.set('model', 'ranker');
      form.set('file', new Blob([Buffer.alloc(400_000, 7)]), 'a.wav');
      const heard = await fetch(`${own.url}/v1/audio/transcriptions`, { method: 'POST', body: form });
      expect([heard.status, await heard.json()]).toEqual([200, { text: 'hello' }]);
      const [one, other] = two.flatMap((server) => server.of('/v1/audio/transcriptions'));
      expect(one?.body).toBe(other?.body);
    } finally {
      await own.stop();
      for (const server of two) await server.close();
    }
  });

  it('goes to the next server when one is busy, and has the response of the last one otherwise', async () => {
    const list: ModelServerHandler = (_received, response) =>
      sendJson(response, { object: 'list', data: [{ id: 'ranker', object: 'model' }] });
    let busy = 1;
    const two = await Promise.all(
      [1, 2].map(() =>
        startScriptedModelServer({
          '/v1/models': list,
          '/v1/rerank': (_, response) => {
            busy -= 1;
            if (busy < 0) sendJson(response, { results: [] });
            else sendJson(response, { detail: 'full', left: busy }, 503);
          },
        }),
      ),
    );
    const own = await startApp('server', {
      MODEL_PROVIDER: 'openai',
      OPENAI_BASE_URL: two.map(({ url }) => `${url}/v1`).join(','),
      LOG_LEVEL: 'silent',
    });
    const rerank = async () => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ model: 'ranker', query: 'a', documents: ['b'] });
      const response = await fetch(`${own.url}/v1/rerank`, { method: 'POST', headers, body });
      return [response.status, await response.json()];
    };
    try {
      expect(await rerank()).toEqual([200, { results: [] }]);
      busy = 2;
      expect(await rerank()).toEqual([503, { detail: 'full', left: 0 }]);
    } finally {
      await own.stop();
      for (const server of two) await server.close();
    }
  });
});
