import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import {
  type FaultyModelServer,
  ollama as ollamaLines,
  openai as openaiEvents,
  startFaultyModelServer,
} from '../support/faulty-model-server.ts';

/** `drop_params`: fields that a model server refuses are left out and named, down to its body. */

let model: FaultyModelServer;
let providers: Record<string, ModelProvider>;
let s: ChatServer;
const embeddedRequests: ModelRequest[] = [];

beforeAll(async () => {
  model = await startFaultyModelServer();
  const embedded = new EmbeddedProvider(readConfig({}));
  embedded.chat = async (request, _signal, emit) => {
    embeddedRequests.push(request);
    emit({ type: 'content', text: 'x' });
    emit({ type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } });
  };
  providers = {
    openai: new OpenAiProvider({ url: `${model.url}/v1` }),
    ollama: new OllamaProvider({ url: model.url, keepAlive: '5m' }),
    embedded,
  };
});

afterEach(() => s.close());

afterAll(async () => {
  await Promise.all(Object.values(providers).map((provider) => provider.close()));
  await model.close();
});

async function start(environment: Record<string, string> = {}): Promise<void> {
  model.choose((body) =>
    String(Reflect.get(Object(body), 'model')) === 'openai'
      ? [{ send: openaiEvents.text('x') + openaiEvents.finish() + openaiEvents.usage() + openaiEvents.done() }]
      : [{ send: ollamaLines.text('x') + ollamaLines.done() }],
  );
  const resolve = async (name = 'ollama') => {
    const provider = providers[name];
    if (provider === undefined) throw new AppError('model_not_found', 'no');
    return { provider, model: name };
  };
  s = await chatServer({ BATCH_TIMEOUT_MS: '1', ...environment }, { clock: systemClock, directory: { resolve } });
}

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(s.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

const messages = [{ role: 'user' as const, content: 'hello' }];
const tools = [{ type: 'function' as const, function: { name: 'look' } }];
const anthropicTools = [
  { name: 'look', input_schema: { type: 'object' } },
  { type: 'web_search_20250305', name: 'web_search' },
];
const DROP = { 'x-drop-params': 'true' };

async function dropped(reply: Promise<Response>): Promise<string[] | undefined> {
  const response = await reply;
  expect(response.status, await response.clone().text()).toBe(200);
  await response.arrayBuffer();
  return response.headers.get('x-dropped-params')?.split(', ');
}

describe('a field that the model server does not support', () => {
  it.each<[kind: string, fields: object, names: string[]]>([
    ['ollama', { tools, tool_choice: 'required' }, ['tool_choice']],
    ['ollama', { tools, parallel_tool_calls: false }, ['parallel_tool_calls']],
    ['ollama', { logit_bias: { 5: 1 }, grammar: 'a', seed: 1 }, ['logit_bias', 'grammar']],
    ['embedded', { tools, tool_choice: 'required' }, ['tool_choice', 'tools']],
    ['embedded', { logprobs: true, top_logprobs: 2 }, ['logprobs']],
    ['embedded', { guided_choice: ['a'], min_tokens: 2 }, ['guided_choice', 'min_tokens']],
    ['openai', { functions: [{ name: 'a' }], moderation: { model: 'm' } }, ['functions', 'moderation']],
    ['ollama', { function_call: 'auto', top_a: 0.1, best_of: 3 }, ['best_of', 'function_call', 'top_a']],
  ])('of %s is refused by name, and left out on request: %j', async (model, fields, names) => {
    await start();
    const body = { model, messages, ...fields };
    const refused = await post('/v1/chat/completions', body);
    expect(refused.status).toBe(400);
    const { error } = await refused.json();
    expect(error.code).toBe('unsupported_parameter');
    expect(names).toContain(error.param);
    for (const reply of [
      post('/v1/chat/completions', body, DROP),
      post('/v1/chat/completions', { ...body, drop_params: true }),
      post('/v1/chat/completions', { ...body, stream: true }, DROP),
    ])
      expect((await dropped(reply))?.sort()).toEqual([...names].sort());
    // The body is closer to the request than a client's default headers.
    expect((await post('/v1/chat/completions', { ...body, drop_params: false }, DROP)).status).toBe(400);
  });

  it.each(['openai', 'ollama'])('does not reach %s', async (kind) => {
    await start();
    const plain = { model: kind, messages, temperature: 0.5 };
    await dropped(post('/v1/chat/completions', plain));
    await dropped(post('/v1/chat/completions', { ...plain, functions: [{ name: 'a' }], best_of: 2 }, DROP));
    if (kind === 'ollama') await dropped(post('/v1/chat/completions', { ...plain, logit_bias: { 5: 1 } }, DROP));
    const bodies = model.requests.slice(kind === 'ollama' ? -3 : -2).map(({ body }) => body);
    for (const body of bodies) expect(body).toEqual(bodies[0]);
  });

  it('does not reach the built-in model', async () => {
    await start();
    await dropped(post('/api/chat', { model: 'embedded', messages, stream: false, tools, logprobs: true }, DROP));
    expect(embeddedRequests.at(-1)).toEqual({ model: 'embedded', messages, options: {} });
  });

  it.each([
    [
      '/api/chat-optimized',
      { model: 'ollama', messages, tools, tool_choice: 'required', stream: false },
      ['tool_choice'],
    ],
    ['/api/chat', { model: 'embedded', messages, tools, stream: false }, ['tools']],
    ['/api/generate', { model: 'ollama', prompt: 'hello', width: 64, stream: false }, ['width']],
    ['/api/generate', { model: 'openai', prompt: 'hello', template: '{{ .Prompt }}', stream: false }, ['template']],
    ['/v1/messages', { model: 'openai', messages, container: 'c', mcp_servers: [{}] }, ['container', 'mcp_servers']],
    [
      '/v1/messages',
      { model: 'ollama', messages, tools: anthropicTools, tool_choice: { type: 'any' } },
      ['tools.1.type', 'tool_choice'],
    ],
    [
      '/v1/messages',
      {
        model: 'ollama',
        messages,
        tools: anthropicTools.slice(0, 1),
        tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      },
      ['tool_choice.disable_parallel_tool_use'],
    ],
    [
      '/v1/messages/count_tokens',
      { model: 'ollama', messages, tools: anthropicTools, tool_choice: { type: 'any' } },
      ['tools.1.type', 'tool_choice'],
    ],
    ['/v1/responses', { model: 'openai', input: 'hello', moderation: { model: 'm' } }, ['moderation']],
    ['/v1/responses', { model: 'openai', input: 'hello', tools: [{ type: 'web_search' }] }, ['tools.0.type']],
    [
      '/v1/responses',
      { model: 'openai', input: 'hello', tools: [{ type: 'web_search' }], tool_choice: 'required' },
      ['tools.0.type', 'tool_choice'],
    ],
    [
      '/v1/messages',
      { model: 'openai', messages, tools: anthropicTools.slice(1), tool_choice: { type: 'any' } },
      ['tools.0.type', 'tool_choice'],
    ],
    ['/v1/responses', { model: 'embedded', input: 'hello', top_logprobs: 2 }, ['top_logprobs']],
    ['/v1/responses/input_tokens', { model: 'openai', input: 'hello', reasoning: { mode: 'pro' } }, ['reasoning.mode']],
    [
      '/v1/completions',
      { model: 'ollama', prompt: 'hello', best_of: 3, logit_bias: { 5: 1 } },
      ['best_of', 'logit_bias'],
    ],
    ['/v1/completions', { model: 'ollama', prompt: ['a', 'b'], grammar: 'a', n: 2 }, ['grammar']],
    ['/v1/completions', { model: 'openai', prompt: 'hello', suffix: 'b', echo: true }, ['echo']],
    ['/v1/completions', { model: 'ollama', prompt: 'hello', logprobs: 1, echo: true }, ['echo']],
    ['/v1/infill', { model: 'ollama', input_prefix: 'hello', grammar: 'a' }, ['grammar']],
  ])('is named at %s too', async (path, body, names) => {
    await start();
    expect((await post(path, body)).status).toBe(400);
    expect(await dropped(post(path, body, DROP))).toEqual(names);
    expect(await dropped(post(path, { ...body, drop_params: true }))).toEqual(names);
  });

  it('is named for a queued request', async () => {
    await start();
    const queued = await post('/api/chat-queue', { model: 'embedded', messages, tools, drop_params: true });
    expect([queued.status, queued.headers.get('x-dropped-params')]).toEqual([202, 'tools']);
  });

  it('is left out by default with DROP_PARAMS=true, unless the request says otherwise', async () => {
    await start({ DROP_PARAMS: 'true' });
    const body = { model: 'ollama', messages, logit_bias: { 5: 1 } };
    expect(await dropped(post('/v1/chat/completions', body))).toEqual(['logit_bias']);
    expect((await post('/v1/chat/completions', body, { 'x-drop-params': 'false' })).status).toBe(400);
    expect((await post('/v1/chat/completions', { ...body, drop_params: false })).status).toBe(400);
  });

  it('leaves the chat of one message when it was a template', async () => {
    await start();
    const prompt = { model: 'openai', prompt: 'hello', images: ['aGk='], stream: false };
    const { length } = model.requests;
    expect(await dropped(post('/api/generate', { ...prompt, template: 'x' }, DROP))).toEqual(['template']);
    await dropped(post('/api/generate', prompt, DROP));
    const [one, other] = model.requests.slice(length);
    expect(one?.path).toBe('/v1/chat/completions');
    expect([other?.path, other?.body]).toEqual([one?.path, one?.body]);
  });

  it('is never left out of a message', async () => {
    await start({ DROP_PARAMS: 'true' });
    const audio = [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'x', format: 'mp3' } }] }];
    const image = [{ role: 'user', content: 'what is it?', images: ['aGk='] }];
    const audioRefusal = await post('/v1/chat/completions', {
      model: 'openai',
      messages: audio,
      functions: [{ name: 'a' }],
    });
    expect([audioRefusal.status, (await audioRefusal.json()).error.param]).toEqual([400, 'messages.0.content.0.type']);
    const imageRefusal = await post('/api/chat', { model: 'embedded', messages: image, tools, stream: false });
    const { details } = await imageRefusal.json();
    expect(imageRefusal.status).toBe(400);
    expect(details.map(({ field }: { field: string }) => field)).toContain('messages.images');
  });

  it.each<[path: string, body: object, field: RegExp]>([
    [
      '/v1/messages',
      { model: 'openai', container: 'c', messages: [{ role: 'user', content: [{ type: 'container_upload' }] }] },
      /^messages\.0\.content\.0\.type$/,
    ],
    ['/v1/messages', { model: 'openai', messages, thread: { id: 't' } }, /^thread$/],
    [
      '/v1/responses',
      {
        model: 'openai',
        moderation: { model: 'm' },
        input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }],
      },
      /^input\.0\.content\.0\.file_id$/,
    ],
    ['/v1/responses', { model: 'openai', input: [{ type: 'compaction' }] }, /^input\.0\.type$/],
    ['/v1/responses', { model: 'openai', input: 'x', conversation: 'c' }, /^conversation$/],
    ['/v1/completions', { model: 'ollama', prompt: [1, 2], logit_bias: { 5: 1 } }, /^prompt$/],
    ['/api/generate', { model: 'openai', prompt: 'hello', context: [1], stream: false }, /^context$/],
  ])('is never left out of the conversation at %s: %j', async (path, body, field) => {
    await start({ DROP_PARAMS: 'true' });
    const { length } = model.requests;
    const refused = await post(path, body);
    const { error, details } = await refused.json();
    const [first] = error?.details?.fields ?? details ?? [{ field: error.param }];
    expect([refused.status, first.field]).toEqual([400, expect.stringMatching(field)]);
    expect(model.requests).toHaveLength(length);
  });

  it('is named by the API’s own name for it', async () => {
    await start();
    const client = new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0, defaultHeaders: DROP });
    const { response } = await client.chat.completions
      .create({ model: 'embedded', messages, tools, logprobs: true })
      .withResponse();
    expect(response.headers.get('x-dropped-params')).toBe('tools, logprobs');
    const ollama = new Ollama({ host: s.url, headers: DROP });
    expect((await ollama.chat({ model: 'embedded', messages, tools })).message.content).toBe('x');
  });

  it('is named next to an error of the model server', async () => {
    await start();
    model.play([{ status: 400 }, { send: '{"error":"bad sk-secretsecretsecret"}' }]);
    const failed = await post('/v1/chat/completions', { model: 'ollama', messages, logit_bias: { 5: 1 } }, DROP);
    expect([failed.status, failed.headers.get('x-dropped-params')]).toEqual([422, 'logit_bias']);
    expect(await failed.text()).not.toContain('secretsecret');
  });
});

describe('a request without the fields that were left out', () => {
  const plain = { model: 'ollama', messages, seed: 3 };
  const more = { ...plain, logit_bias: { 5: 1 } };
  const send = async (body: object, headers?: Record<string, string>) => {
    const response = await post('/v1/chat/completions', body, headers);
    await response.arrayBuffer();
    return [response.status, response.headers.get('x-cache'), response.headers.get('x-dropped-params')];
  };

  it('shares the cached response of the same request, which names them as well', async () => {
    await start();
    expect(await send(plain)).toEqual([200, 'miss', null]);
    for (const _ of [1, 2, 3]) expect(await send(more, DROP)).toEqual([200, 'hit', 'logit_bias']);
    expect(await send(plain)).toEqual([200, 'hit', null]);
  });

  it('is refused without the header, although its bytes are known', async () => {
    await start();
    for (const _ of [1, 2]) await send(more, DROP);
    expect((await send(more))[0]).toBe(400);
    expect(await send(more, DROP)).toEqual([200, 'hit', 'logit_bias']);
    for (const fields of [{ functions: [{ name: 'a' }] }, { drop_params: true, best_of: 2 }]) {
      const body = { ...plain, ...fields };
      for (const _ of [1, 2]) expect((await send(body, DROP))[1]).toBe('hit');
      expect((await send(body))[0]).toBe('drop_params' in fields ? 200 : 400);
    }
  });
});
