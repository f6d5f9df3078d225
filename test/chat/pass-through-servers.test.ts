import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATHS } from '../support/pass-through.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { type ModelServerHandler, sendJson, startScriptedModelServer } from '../support/scripted-model-server.ts';

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
      ...NO_PROGRAMS,
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
      ...NO_PROGRAMS,
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
    builtIn = await startApp('server', { ...NO_PROGRAMS, LOG_LEVEL: 'silent' });
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
      ...NO_PROGRAMS,
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
      ...NO_PROGRAMS,
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
