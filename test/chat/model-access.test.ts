import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelsFor } from '#lib/chat/http/allowed-models';
import { requestDefaultsChanged } from '#lib/config/runtime-settings';
import { administrator, member } from '#lib/http/principal';
import { type ModelOverride, modelOverrides } from '#lib/models/model-overrides';
import { resetSingleton } from '#lib/singletons';
import type { Models } from '#lib/wire/models';
import { CHAT_ROUTES } from '../support/chat-routes.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { asPerson, type Person, registerPeople } from '../support/people.ts';

/** What administrators set for a model, at every API that uses it. */

const HELLO = { messages: [{ role: 'user', content: 'hello' }] };

let s: ChatServer;

beforeEach(async () => {
  for (const name of ['http.identities', 'http.failed-keys', 'models.overrides', 'config.request-defaults'])
    resetSingleton(name);
  registerPeople();
  s = await chatServer({ AUTH: 'accounts', API_KEYS: 'an-administrators-key', QUEUE_MAX_CONCURRENT: '9' });
});

afterEach(async () => {
  await s.close();
  for (const name of ['http.identities', 'models.overrides', 'config.request-defaults']) resetSingleton(name);
});

function change(model: string, override: ModelOverride): void {
  modelOverrides().set(model, override);
  requestDefaultsChanged();
}

function send(person: Person, method: string, path: string, body?: object | FormData) {
  const isForm = body instanceof FormData;
  return fetch(s.url + path, {
    method,
    headers: { ...asPerson(person), ...(isForm ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
}

describe('a model for some groups and people', () => {
  beforeEach(() => change('default-model', { access: { groups: ['class'], users: ['bob'] } }));

  it.each(CHAT_ROUTES)('is not there for others at %s', async (path, body) => {
    for (const person of ['member', 'manager', 'key for chat', 'front end'] as const) {
      const response = await send(person, 'POST', path, body);
      expect([person, response.status, await response.text()]).toEqual([
        person,
        404,
        expect.stringMatching(/default.model/i),
      ]);
    }
    expect(s.provider.calls).toEqual([]);
  });

  it.each([
    ['/v1/embeddings', { model: 'default-model', input: 'x' }],
    ['/api/embed', { model: 'default-model', input: 'x' }],
    ['/api/embeddings', { model: 'default-model', prompt: 'x' }],
    ['/v1/images/generations', { model: 'default-model', prompt: 'x' }],
    ['/v1/audio/speech', { model: 'default-model', input: 'x' }],
    ['/rerank', { model: 'default-model', query: 'x', documents: [] }],
    ['/tokenize', { model: 'default-model', content: 'x' }],
  ])('is not there for others at %s', async (path, body) => {
    const fail = () => Promise.reject(new Error('the model server was asked'));
    Object.assign(s.provider, { embed: fail, forward: fail });
    expect((await send('member', 'POST', path, body)).status).toBe(404);
  });

  it('keeps forms with files, and requests without a model, from those whom it leaves out', async () => {
    Object.assign(s.provider, { forward: () => Promise.reject(new Error('the model server was asked')) });
    const form = new FormData();
    form.set('model', 'other:7b');
    const upload = await send('member', 'POST', '/v1/audio/transcriptions', form);
    expect([upload.status, await upload.text()]).toEqual([403, expect.stringContaining('Ask an administrator')]);
    expect((await send('member', 'POST', '/tokenize', { content: 'x' })).status).toBe(403);
  });

  it.each(['outsider', 'another member', 'admin'] as const)('is used by %s', async (person) => {
    s.provider.onCall = (call) => void call.say('x').done();
    const body = { ...HELLO, stream: false };
    expect((await send(person, 'POST', '/api/chat-optimized', body)).status).toBe(200);
    const { models } = await (await send(person, 'GET', '/api/models')).json();
    expect(models.map(({ id }: { id: string }) => id)).toEqual(['default-model', 'other:7b']);
  });

  it('is in no list of those whom it leaves out', async () => {
    const get = async (path: string) => (await send('member', 'GET', path)).json();
    expect(await get('/api/models')).toMatchObject({ models: [{ id: 'other:7b' }], default_model: 'other:7b' });
    expect((await get('/v1/models')).data).toMatchObject([{ id: 'other:7b' }]);
    expect((await get('/api/tags')).models).toMatchObject([{ name: 'other:7b' }]);
    expect((await send('member', 'GET', '/v1/models/default-model')).status).toBe(404);
  });

  it('is named by no notice to those whom it leaves out, who read what to do', async () => {
    change('other:7b', { access: { groups: [], users: [] } });
    expect(await (await send('member', 'GET', '/api/models')).json()).toMatchObject({
      models: [],
      default_model: '',
      notice: 'No model is available to you: ask your administrator.',
    });
    const list: Models = {
      ...(await (await send('admin', 'GET', '/api/models')).json()),
      notice: 'The default model x is not pulled, so default-model answers.',
    };
    change('other:7b', {});
    expect(modelsFor(list, member('user:ann')).notice).toBeNull();
    expect(modelsFor(list, administrator('user:ada')).notice).toBe(list.notice);
    expect(modelsFor({ ...list, notice: 'other:7b' }, member('user:ann')).notice).toBe('other:7b');
    const key = member('key:k', { keyId: 'k', models: new Set(['none']) });
    expect(modelsFor(list, key).notice).toContain('No model is available to this key:');
  });

  it('says in the error that the model is not for the caller', async () => {
    const refused = await send('member', 'POST', '/api/chat-optimized', { model: 'default-model', ...HELLO });
    expect([refused.status, await refused.json()]).toMatchObject([
      404,
      { code: 'model_not_found', data: { reason: 'not_allowed' } },
    ]);
  });

  it('gives no cached response to those whom it leaves out, and takes effect on known bodies at once', async () => {
    s.provider.onCall = (call) => void call.say('secret').done();
    const body = { model: 'default-model', ...HELLO, stream: false };
    const ask = (person: Person) => send(person, 'POST', '/api/chat-optimized', body);
    const cacheOf = async (person: Person) => (await ask(person)).headers.get('x-cache');
    expect([await cacheOf('outsider'), await cacheOf('outsider'), await cacheOf('outsider')]).toEqual([
      'miss',
      'hit',
      'hit',
    ]);
    expect((await ask('member')).status).toBe(404);
    change('default-model', {});
    expect([await cacheOf('member'), await cacheOf('member')]).toEqual(['hit', 'hit']);
    change('default-model', { access: { groups: [], users: [] } });
    const refused = await ask('member');
    expect([refused.status, await refused.text()]).toEqual([404, expect.not.stringContaining('secret')]);
    expect((await ask('admin')).headers.get('x-cache')).toBe('hit');
  });
});

describe('parameters of a model', () => {
  const chat = (body: object) => send('member', 'POST', '/api/chat-optimized', { ...HELLO, stream: false, ...body });

  beforeEach(() => {
    s.provider.onCall = (call) => void call.say('x').done();
    change('default-model', { parameters: { temperature: 0.2, num_ctx: 8_192, num_predict: 100 } });
  });

  it('are under what a request says', async () => {
    await chat({ options: { temperature: 1, top_k: 5 } });
    await chat({ max_tokens: 7 });
    expect(s.provider.calls.map(({ request }) => request.options)).toEqual([
      { temperature: 1, num_ctx: 8_192, num_predict: 100, top_k: 5 },
      { temperature: 0.2, num_ctx: 8_192, num_predict: 7 },
    ]);
  });

  it('are part of the cache key as if they were sent, and change with the next request', async () => {
    const sent = { options: { temperature: 0.2, num_ctx: 8_192, num_predict: 100 } };
    expect((await chat({})).headers.get('x-cache')).toBe('miss');
    expect((await chat(sent)).headers.get('x-cache')).toBe('hit');
    change('default-model', { parameters: { temperature: 0 } });
    expect((await chat({})).headers.get('x-cache')).toBe('miss');
    expect((await chat({})).headers.get('x-cache')).toBe('hit');
    change('default-model', {});
    expect((await chat({})).headers.get('x-cache')).toBe('miss');
    expect((await chat(sent)).headers.get('x-cache')).toBe('hit');
  });

  it.each([
    ['/v1/chat/completions', { model: 'default-model', ...HELLO }],
    ['/v1/messages', { model: 'default-model', max_tokens: 50, ...HELLO }],
    ['/v1/responses', { model: 'default-model', input: 'hello' }],
    ['/api/chat', { model: 'default-model', ...HELLO, stream: false }],
    ['/api/generate', { model: 'default-model', prompt: 'hello', stream: false }],
  ])('hold at %s', async (path, body) => {
    expect((await send('member', 'POST', path, body)).status).toBe(200);
    expect(s.provider.last.request.options).toMatchObject({ temperature: 0.2, num_ctx: 8_192 });
  });

  it('of another model have no effect', async () => {
    await chat({ model: 'other:7b' });
    expect(s.provider.last.request.options).toEqual({});
  });
});
