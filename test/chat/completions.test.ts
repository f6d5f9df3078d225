import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChatEngineOptions } from '#lib/chat/chat-engine';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { member } from '#lib/http/principal';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider } from '#lib/models/provider';
import { createResilientChat } from '#lib/models/resilience';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { type FaultyModelServer, type Script, startFaultyModelServer } from '../support/faulty-model-server.ts';

/**
 * Texts without a chat template, by the official SDKs, over the whole way to a scripted model
 * server of each kind. The model's name chooses the kind.
 */

let model: FaultyModelServer;
let s: ChatServer;
let providers: Record<string, ModelProvider> & { openai: OpenAiProvider };

async function start(
  environment: Record<string, string> = {},
  parts: Partial<ChatEngineOptions> = { clock: systemClock },
): Promise<void> {
  const settings = { DISCONNECT_GRACE_MS: '50', UPSTREAM_RETRIES: '0', QUEUE_MAX_CONCURRENT: '8', ...environment };
  s = await chatServer(settings, {
    ...parts,
    directory: {
      resolve: async (name = 'openai') => {
        const provider = providers[name];
        if (provider === undefined) throw new Error(`no provider for ${name}`);
        return { provider, model: name };
      },
    },
    call: createResilientChat(readConfig(settings)),
  });
}

beforeEach(async () => {
  model = await startFaultyModelServer();
  providers = {
    openai: new OpenAiProvider({ url: `${model.url}/v1` }),
    ollama: new OllamaProvider({ url: model.url, keepAlive: '5m' }),
    embedded: new EmbeddedProvider(readConfig({})),
  };
  await start();
});

afterEach(async () => {
  await s.close();
  await model.idle();
  await Promise.all(Object.values(providers).map((provider) => provider.close()));
  await model.close();
});

const client = () => new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });
const ollamaClient = () => new Ollama({ host: s.url });
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const event = (value: unknown) => ({ send: `data: ${JSON.stringify(value)}\n\n` });
const piece = (text: string, logprobs: unknown = null) =>
  event({ object: 'text_completion', choices: [{ index: 0, text, logprobs, finish_reason: null }], usage: null });
const ended = (reason = 'stop'): Script => [
  event({ choices: [{ index: 0, text: '', logprobs: null, finish_reason: reason }] }),
  event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }),
  { send: 'data: [DONE]\n\n' },
];
const texts = (...pieces: string[]): Script => [...pieces.map((text) => piece(text)), ...ended()];

const line = (value: object) => ({ send: `${JSON.stringify({ model: 'm', created_at: '2026-01-01', ...value })}\n` });
const generated = (...pieces: string[]): Script => [
  ...pieces.map((response) => line({ response, done: false })),
  line({ response: '', done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 5, context: [1, 2, 3] }),
];

const bodies = () => model.requests.map(({ body }) => body);
const promptOf = (body: unknown) => String(Reflect.get(Object(body), 'prompt'));

describe('/v1/completions to an OpenAI-compatible server', () => {
  it('continues a prompt, with OpenAI’s default limit', async () => {
    model.play(texts(' two', ','));
    const completion = await client().completions.create({ model: 'openai', prompt: 'One,' });
    expect(completion).toEqual({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      created: expect.any(Number),
      model: 'openai',
      choices: [{ index: 0, text: ' two,', logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
    });
    expect(model.requests[0]?.path).toBe('/v1/completions');
    expect(bodies()).toEqual([
      { model: 'openai', prompt: 'One,', max_tokens: 16, stream: true, stream_options: { include_usage: true } },
    ]);
  });

  it('passes the suffix, sampling and extras of vLLM and llama.cpp on', async () => {
    model.play(texts('x'));
    const extras = { top_k: 40, min_p: 0.1, repetition_penalty: 1.1, ignore_eos: true, cache_prompt: true };
    await client().completions.create({
      model: 'openai',
      prompt: 'def f(',
      suffix: '):\n    pass',
      max_tokens: 5,
      temperature: 0.5,
      top_p: 0.9,
      presence_penalty: 1,
      frequency_penalty: 2,
      logit_bias: { '50256': -100 },
      seed: 7,
      stop: ['\n'],
      user: 'ann',
      n: 1,
      best_of: 1,
      echo: false,
      ...extras,
    });
    expect(bodies()).toEqual([
      {
        model: 'openai',
        prompt: 'def f(',
        suffix: '):\n    pass',
        max_tokens: 5,
        temperature: 0.5,
        top_p: 0.9,
        presence_penalty: 1,
        frequency_penalty: 2,
        logit_bias: { '50256': -100 },
        seed: 7,
        stop: ['\n'],
        user: 'ann',
        ...extras,
        repeat_penalty: 1.1,
        stream: true,
        stream_options: { include_usage: true },
      },
    ]);
  });

  it('streams text as it is, tags and blanks included', async () => {
    const pieces = ['<think>', ' x </think>\n', '  y'];
    model.play(texts(...pieces));
    const stream = await client().completions.create({
      model: 'openai',
      prompt: 'a',
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.map(({ choices: [choice] }) => choice?.text).join('')).toBe(pieces.join(''));
    expect(chunks.at(-2)?.choices[0]).toEqual({ text: '', index: 0, logprobs: null, finish_reason: 'stop' });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 8 } });
    expect(new Set(chunks.map(({ id, object }) => `${id} ${object}`)).size).toBe(1);
  });

  it.each([
    [
      'parallel lists',
      { tokens: [' two'], token_logprobs: [-0.1], top_logprobs: [{ ' two': -0.1, ' 2': -3 }], text_offset: [4] },
    ],
    [
      'a list as in a chat, like llama.cpp',
      {
        content: [
          {
            token: ' two',
            logprob: -0.1,
            top_logprobs: [
              { token: ' two', logprob: -0.1 },
              { token: ' 2', logprob: -3 },
            ],
          },
        ],
      },
    ],
  ])('returns log probabilities that come as %s', async (_what, logprobs) => {
    model.play([piece(' two', logprobs), ...ended()]);
    const { choices } = await client().completions.create({ model: 'openai', prompt: 'One,', logprobs: 2 });
    expect(choices[0]?.logprobs).toEqual({
      tokens: [' two'],
      token_logprobs: [-0.1],
      top_logprobs: [{ ' two': -0.1, ' 2': -3 }],
      text_offset: [0],
    });
    expect(bodies()).toMatchObject([{ logprobs: 2 }]);
  });

  it('puts the prompt in front of the text with echo, and asks the server for it only with logprobs', async () => {
    model.play(texts(' two'));
    const plain = await client().completions.create({ model: 'openai', prompt: 'One,', echo: true });
    expect(plain.choices[0]?.text).toBe('One, two');
    expect(bodies()[0]).not.toHaveProperty('echo');
    const logprobs = { tokens: ['One,', ' two'], token_logprobs: [null, -1], top_logprobs: [null, { ' two': -1 }] };
    model.play([piece('One, two', logprobs), ...ended()]);
    const scored = await client().completions.create({ model: 'openai', prompt: 'One,', echo: true, logprobs: 0 });
    expect(bodies()[1]).toMatchObject({ echo: true, logprobs: 1 });
    expect(scored.choices[0]).toMatchObject({
      text: 'One, two',
      logprobs: { tokens: ['One,', ' two'], token_logprobs: [null, -1], text_offset: [0, 4] },
    });
  });

  it('passes tokens on as one prompt, and lists of them as several', async () => {
    model.play(texts('x'));
    await client().completions.create({ model: 'openai', prompt: [1, 2] });
    await client().completions.create({ model: 'openai', prompt: [[3, 4], [5]] });
    expect(bodies().map((body) => Reflect.get(Object(body), 'prompt'))).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('serves a text from the cache that ended at its limit, and joins identical requests', async () => {
    model.play([piece('x'), ...ended('length')]);
    const create = () =>
      client().completions.create({ model: 'openai', prompt: 'a', max_tokens: 1, temperature: 0 }).withResponse();
    const both = await Promise.all([create(), create()]);
    expect(both.map(({ response }) => response.headers.get('x-cache')).sort()).toEqual(['joined', 'miss']);
    const { data, response } = await create();
    expect(response.headers.get('x-cache')).toBe('hit');
    expect(data.choices[0]).toMatchObject({ text: 'x', finish_reason: 'length' });
    expect(model.requests).toHaveLength(1);
  });

  it('has nothing in common with a chat of the same text', async () => {
    model.play(texts('x'));
    await client().completions.create({ model: 'openai', prompt: 'a', max_tokens: 5 });
    const messages = [{ role: 'user' as const, content: 'a' }];
    await client().chat.completions.create({ model: 'openai', messages, max_tokens: 5 });
    expect(model.requests.map(({ path }) => path)).toEqual(['/v1/completions', '/v1/chat/completions']);
  });
});

describe('a suffix to llama.cpp', () => {
  const listed = { data: [{ id: 'test:latest', owned_by: 'llamacpp', meta: { n_ctx_train: 4_096 } }] };
  const fill = () =>
    client().completions.create({
      model: 'test:latest',
      prompt: 'def f(',
      suffix: '):',
      max_tokens: 5,
      temperature: 0,
      stop: '\n',
      logprobs: 1,
      ...{ repetition_penalty: 1.1, cache_prompt: true },
    });

  beforeEach(async () => {
    providers['test:latest'] = providers.openai;
    model.setResponse('/v1/models', listed);
    await providers.openai.models(new AbortController().signal);
  });

  it('goes to its own route, and its response is read', async () => {
    const completion_probabilities = [{ id: 1, token: 'x', logprob: -1, bytes: [120], top_logprobs: [] }];
    model.play([
      event({ index: 0, content: 'x', stop: false, tokens_predicted: 1, completion_probabilities }),
      event({ content: ', y', stop: false }),
      event({
        content: '',
        stop: true,
        stop_type: 'limit',
        tokens_evaluated: 9,
        tokens_predicted: 5,
        truncated: false,
      }),
    ]);
    const { choices, usage } = await fill();
    expect(choices[0]).toMatchObject({ text: 'x, y', finish_reason: 'length', logprobs: { tokens: ['x'] } });
    expect(usage).toEqual({ prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 });
    expect(model.requests[0]?.path).toBe('/infill');
    expect(bodies()).toEqual([
      {
        model: 'test:latest',
        input_prefix: 'def f(',
        input_suffix: '):',
        n_predict: 5,
        temperature: 0,
        stop: ['\n'],
        repeat_penalty: 1.1,
        n_probs: 1,
        cache_prompt: true,
        stream: true,
      },
    ]);
    model.play(texts('z'));
    await client().completions.create({ model: 'test:latest', prompt: 'a' });
    expect(model.requests[1]?.path).toBe('/v1/completions');
  });

  it('is refused with its reason if the model cannot', async () => {
    model.play([{ status: 501 }, { send: '{"error":{"code":501,"message":"prefix token is missing. "}}' }]);
    await expect(fill()).rejects.toMatchObject({ status: 422, message: expect.stringContaining('prefix token') });
    model.play([event({ content: 'x', stop: false })]);
    await expect(fill()).rejects.toMatchObject({ status: 502, code: 'upstream_truncated' });
  });
});

describe('/v1/infill', () => {
  const post = (fields: object) =>
    fetch(`${s.url}/v1/infill`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'ollama', input_prefix: 'a\n', prompt: 'f(', input_suffix: ')\n', ...fields }),
    });
  /** As llama.vim sends it. */
  const vim = {
    input_extra: [{ text: 'x = 1\n', filename: 'x.py' }],
    n_predict: 128,
    stop: [],
    temperature: 0,
    n_indent: 0,
    top_k: 40,
    top_p: 0.9,
    stream: false,
    samplers: ['top_k', 'top_p', 'infill'],
    cache_prompt: true,
    t_max_prompt_ms: 500,
    t_max_predict_ms: 1000,
    response_fields: ['content', 'timings/prompt_n', 'timings/predicted_n', 'truncated', 'no/such'],
  };

  it('is a completion with a suffix, and has the fields that the plugin reads', async () => {
    model.play(generated('x', ', y'));
    const response = await post(vim);
    expect(await response.json()).toEqual({
      content: 'x, y',
      'timings/prompt_n': 3,
      'timings/predicted_n': 5,
      truncated: false,
    });
    expect(response.headers.get('x-ignored-fields')).toBe(
      'cache_prompt, n_indent, samplers, t_max_predict_ms, t_max_prompt_ms, input_extra',
    );
    expect(bodies()).toMatchObject([
      { prompt: 'a\nf(', suffix: ')\n', options: { num_predict: 128, top_k: 40, top_p: 0.9 } },
    ]);
    const again = await post({ ...vim, response_fields: null });
    expect(again.headers.get('x-cache')).toBe('hit');
    expect(await again.json()).toMatchObject({
      content: 'x, y',
      stop: true,
      stop_type: 'eos',
      timings: { prompt_n: 3 },
    });
  });

  it('passes everything to llama.cpp', async () => {
    providers['test:latest'] = providers.openai;
    model.setResponse('/v1/models', { data: [{ id: 'test:latest', owned_by: 'llamacpp' }] });
    await providers.openai.models(new AbortController().signal);
    model.play([event({ content: 'x', stop: false }), event({ content: '', stop: true, stop_type: 'eos' })]);
    const response = await post({ ...vim, model: 'test:latest' });
    expect(response.headers.get('x-ignored-fields')).toBeNull();
    expect(await response.json()).toMatchObject({ content: 'x' });
    const { response_fields: _fields, stop: _none, stream: _stream, ...sent } = vim;
    expect(bodies()).toEqual([
      { model: 'test:latest', input_prefix: 'a\nf(', input_suffix: ')\n', ...sent, stream: true },
    ]);
  });

  it('continues the text at its end, where there is no suffix', async () => {
    model.play(generated('x'));
    await post({ input_suffix: '' });
    expect(bodies()).toMatchObject([{ prompt: 'a\nf(', raw: true }]);
    expect(bodies()[0]).not.toHaveProperty('suffix');
  });

  it('streams pieces, and the end with its figures', async () => {
    model.play(generated('x', 'y'));
    const text = await (await post({ stream: true })).text();
    const events = text.split('\n\n').flatMap((one) => (one === '' ? [] : [JSON.parse(one.slice('data: '.length))]));
    expect(events.map(({ content, stop }) => [content, stop])).toEqual([
      ['x', false],
      ['y', false],
      ['', true],
    ]);
    expect(events.at(-1)).toMatchObject({ model: 'ollama', tokens_evaluated: 3, tokens_predicted: 5 });
  });

  it('calls no model to warm a cache, and refuses what is no text', async () => {
    expect(await (await post({ n_predict: 0, response_fields: [''] })).json()).toEqual({});
    expect(await (await post({ n_predict: 0 })).json()).toMatchObject({ content: '', stop: true });
    const refused = await post({ input_suffix: 1 });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { param: 'input_suffix', code: 'invalid_request' } });
    const empty = await post({ input_prefix: undefined });
    expect([empty.status, (await empty.json()).error.param]).toEqual([400, 'input_prefix']);
    expect(model.requests).toEqual([]);
  });
});

describe('several prompts of one request', () => {
  it('get one choice each, in their order, from the cache where it has them', async () => {
    const first = Promise.withResolvers<void>();
    model.choose((body) => {
      const prompt = promptOf(body);
      if (prompt === 'b') first.resolve();
      return [...(prompt === 'a' ? [{ wait: first.promise }] : []), ...texts(`${prompt}!`)];
    });
    const create = () =>
      client()
        .completions.create({ model: 'openai', prompt: ['a', 'b', 'a'], temperature: 0 })
        .withResponse();
    const { data, response } = await create();
    expect(response.headers.get('x-cache')).toBe('miss');
    expect(data.choices.map(({ text, index }) => [index, text])).toEqual([
      [0, 'a!'],
      [1, 'b!'],
      [2, 'a!'],
    ]);
    expect(data.usage).toEqual({ prompt_tokens: 9, completion_tokens: 15, total_tokens: 24 });
    expect(bodies().map(promptOf).sort()).toEqual(['a', 'b']);
    const again = await create();
    expect(again.response.headers.get('x-cache')).toBe('hit');
    expect(again.data.choices).toEqual(data.choices);
    expect(model.requests).toHaveLength(2);
  });

  it('stream together, each chunk with the index of its prompt', async () => {
    const second = Promise.withResolvers<void>();
    model.choose((body) =>
      promptOf(body) === 'a' ? [{ wait: second.promise }, ...texts('a1', 'a2')] : texts('b1', 'b2'),
    );
    const stream = await client().completions.create({
      model: 'openai',
      prompt: ['a', 'b'],
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.Completion[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
      // The second prompt is read before the first one has a text.
      if (chunk.choices[0]?.finish_reason === 'stop' && chunk.choices[0].index === 1) second.resolve();
    }
    const choices = chunks.flatMap((chunk) => chunk.choices);
    const textOf = (index: number) => choices.flatMap((one) => (one.index === index ? [one.text] : [])).join('');
    expect([textOf(0), textOf(1)]).toEqual(['a1a2', 'b1b2']);
    expect(choices.filter((one) => one.finish_reason === 'stop').map(({ index }) => index)).toEqual([1, 0]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 16 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('fail together: the others end at the model server', async () => {
    model.choose((body) =>
      promptOf(body) === 'bad' ? [{ status: 400 }, { send: '{"error":{"message":"bad prompt"}}' }] : ['hang'],
    );
    for (const stream of [false, true])
      await expect(
        client().completions.create({ model: 'openai', prompt: ['good', 'bad'], stream }),
      ).rejects.toMatchObject({ status: 422, message: expect.stringContaining('bad prompt') });
    await model.idle();
    expect(s.engine.overview(member('x')).processing).toEqual([]);
  });

  it('report a failure after the first text as an event of the stream', async () => {
    const begun = Promise.withResolvers<void>();
    model.choose((body) =>
      promptOf(body) === 'a'
        ? [piece('a'), 'hang']
        : [{ wait: begun.promise }, { status: 400 }, { send: '{"error":{"message":"bad prompt"}}' }],
    );
    const stream = await client().completions.create({ model: 'openai', prompt: ['a', 'b'], stream: true });
    const read = async () => {
      for await (const chunk of stream) if (chunk.choices[0]?.text === 'a') begun.resolve();
    };
    await expect(read()).rejects.toThrow(/bad prompt/);
    await model.idle();
  });

  it('end with the failure of one that had begun', async () => {
    const read = Promise.withResolvers<void>();
    model.choose((body) =>
      promptOf(body) === 'a'
        ? [piece('a'), 'hang']
        : [piece('b'), { wait: read.promise }, event({ error: { message: 'out of memory' } })],
    );
    const response = await fetch(`${s.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'openai', prompt: ['a', 'b'], stream: true }),
    });
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes('"a"') && text.includes('"b"')) read.resolve();
    }
    expect(text.match(/"error"/g)).toHaveLength(1);
    expect(text).toMatch(/out of memory[^\n]*\n\n$/);
    await model.idle();
  });

  it('name a field without an effect by OpenAI’s name', async () => {
    model.play(generated('{}'));
    const format = { type: 'json_schema', json_schema: { name: 'a', description: 'b', schema: { type: 'object' } } };
    const { response } = await client()
      .completions.create({ model: 'ollama', prompt: ['a', 'b'], ...{ response_format: format } })
      .withResponse();
    expect(response.headers.get('x-ignored-fields')).toBe('response_format.json_schema.description');
  });

  it('count as as many requests for the rate limit', async () => {
    await s.close();
    await start({ RATE_LIMIT_CHAT: '3' });
    model.play(texts('x'));
    await client().completions.create({ model: 'openai', prompt: ['a', 'b'] });
    await expect(client().completions.create({ model: 'openai', prompt: ['c', 'd'] })).rejects.toMatchObject({
      status: 429,
      code: 'rate_limited',
    });
    expect(model.requests).toHaveLength(2);
  });

  it('go on for a moment when their client has left, and are cancelled then', async () => {
    await s.close();
    await start({ DISCONNECT_GRACE_MS: '10000' }, {});
    model.play(['hang']);
    const controller = new AbortController();
    const asked = client().completions.create({ model: 'openai', prompt: ['a', 'b'] }, { signal: controller.signal });
    await vi.waitFor(() => expect(model.running).toBe(2));
    controller.abort();
    await expect(asked).rejects.toThrow();
    const pending = s.engine
      .overview(member('127.0.0.1'))
      .processing.map(({ request_id: id }) => s.engine.find(String(id), '127.0.0.1'));
    await vi.waitFor(() => expect(pending.map(({ generation }) => generation.isRetained)).toEqual([false, false]));
    expect(pending.map(({ state }) => state)).toEqual(['running', 'running']);
    await s.clock.advance(10_000);
    await model.idle();
    expect(pending.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
  });

  it('are cancelled when the client of their stream has left', async () => {
    model.play([piece('x'), 'hang']);
    const stream = await client().completions.create({ model: 'openai', prompt: ['a', 'b'], stream: true });
    await stream[Symbol.asyncIterator]().next();
    await vi.waitFor(() => expect(model.running).toBe(2));
    stream.controller.abort();
    await model.idle();
    expect(await Promise.all(model.requests.map(({ over }) => over))).toEqual([false, false]);
  });
});

describe('n choices of /v1/completions', () => {
  const bySeed = () =>
    model.choose((body) => texts(`${promptOf(body)} ${Reflect.get(Object(body), 'seed') ?? 'random'}`));

  it('are as many generations, with a seed each, by which they are cached one by one', async () => {
    bySeed();
    const create = (fields: object) =>
      client()
        .completions.create({ model: 'openai', prompt: 'a', n: 3, best_of: 3, seed: 7, ...fields })
        .withResponse();
    const first = await create({});
    expect(first.data.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, 'a 7'],
      [1, 'a 8'],
      [2, 'a 9'],
    ]);
    // The prompt once, and the tokens of all choices.
    expect(first.data.usage).toEqual({ prompt_tokens: 3, completion_tokens: 15, total_tokens: 18 });
    expect(first.response.headers.get('x-cache')).toBe('miss');
    for (const body of bodies()) expect(Object.keys(Object(body))).not.toContain('n');
    const again = await create({});
    expect([again.response.headers.get('x-cache'), again.response.headers.get('age')]).toEqual(['hit', '0']);
    expect(again.data.choices).toEqual(first.data.choices);
    expect((await create({ n: 1, best_of: 1, seed: 8 })).response.headers.get('x-cache')).toBe('hit');
    expect(model.requests).toHaveLength(3);
  });

  it('follow each other for each of several prompts', async () => {
    bySeed();
    const { choices, usage } = await client().completions.create({
      model: 'openai',
      prompt: ['a', 'b'],
      n: 2,
      seed: 1,
    });
    expect(choices.map(({ index, text }) => [index, text])).toEqual([
      [0, 'a 1'],
      [1, 'a 2'],
      [2, 'b 1'],
      [3, 'b 2'],
    ]);
    expect(usage).toEqual({ prompt_tokens: 6, completion_tokens: 20, total_tokens: 26 });
  });

  it('are never one cached response, also where the cache is read', async () => {
    let count = 0;
    model.choose(() => texts(`sample ${++count}`));
    const ask = { model: 'openai', prompt: 'a', n: 3, ...{ cache: 'on' } };
    for (const _ of [1, 2]) {
      const { choices } = await client().completions.create(ask);
      expect(new Set(choices.map(({ text }) => text)).size).toBe(3);
    }
    expect(model.requests).toHaveLength(5);
  });

  it('come in one stream with their indexes, one usage and one end', async () => {
    bySeed();
    const stream = await client().completions.create({
      ...{ model: 'openai', prompt: ['a', 'b'], n: 2, seed: 1, stream: true },
      stream_options: { include_usage: true },
    });
    const contents = ['', '', '', ''];
    const chunks: OpenAI.Completion[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
      for (const { index, text } of chunk.choices) contents[index] += text;
    }
    expect(contents).toEqual(['a 1', 'a 2', 'b 1', 'b 2']);
    expect(chunks.filter(({ usage }) => usage != null).map(({ usage }) => usage)).toEqual([
      { prompt_tokens: 6, completion_tokens: 20, total_tokens: 26 },
    ]);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('count as as many requests for the rate limit', async () => {
    await s.close();
    await start({ RATE_LIMIT_CHAT: '5' });
    model.play(texts('x'));
    await client().completions.create({ model: 'openai', prompt: ['a', 'b'], n: 2 });
    await expect(client().completions.create({ model: 'openai', prompt: 'c', n: 2 })).rejects.toMatchObject({
      status: 429,
    });
  });
});

describe('/v1/completions refuses', () => {
  it.each([
    ['n', { prompt: ['a', 'b', 'c', 'd', 'e'], n: 8 }, 'invalid_request'],
    ['n', { n: 9 }, 'invalid_request'],
    ['best_of', { best_of: 2 }, 'unsupported_parameter'],
    ['best_of', { n: 2, best_of: 3 }, 'unsupported_parameter'],
    ['echo', { suffix: 'x', echo: true }, 'unsupported_parameter'],
    ['prompt', { prompt: Array.from({ length: 33 }, () => 'x') }, 'invalid_request'],
    ['prompt', { prompt: [] }, 'invalid_request'],
    ['prompt.1', { prompt: ['a', 1] }, 'invalid_request'],
    ['prompt', { prompt: undefined }, 'invalid_request'],
    ['max_tokens', { max_tokens: 0 }, 'invalid_request'],
    ['logprobs', { logprobs: 21 }, 'invalid_request'],
    ['prompt', { model: 'ollama', prompt: [1, 2] }, 'unsupported_parameter'],
    ['prompt', { model: 'ollama', prompt: '' }, 'unsupported_parameter'],
    ['echo', { model: 'ollama', echo: true, logprobs: 1 }, 'unsupported_parameter'],
    ['logit_bias', { model: 'ollama', logit_bias: { '1': 1 } }, 'unsupported_parameter'],
    ['prompt', { model: 'embedded', prompt: [[1]] }, 'unsupported_parameter'],
    ['logprobs', { model: 'embedded', logprobs: 1 }, 'unsupported_parameter'],
  ])('%s of %j by name', async (param, fields, code) => {
    const response = await fetch(`${s.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'openai', prompt: 'x', ...fields }),
    });
    expect(response.status).toBe(400);
    const { error } = await response.json();
    expect(error).toMatchObject({ param, code, type: 'invalid_request_error' });
    expect(model.requests).toEqual([]);
  });

  it('fields of a chat with a header that names them', async () => {
    model.play(texts('x'));
    const { response } = await client()
      .completions.create({ model: 'openai', prompt: 'x', ...{ messages: [], reasoning_effort: 'low' } })
      .withResponse();
    expect(response.headers.get('x-ignored-fields')).toBe('messages, reasoning_effort');
  });

  it('what a server without the route cannot do, with the reason of any other server', async () => {
    await providers.openai.models(new AbortController().signal);
    const create = (name: string) => client().completions.create({ model: name, prompt: `${name} x` });
    providers['test:latest'] = providers.openai;
    model.play([{ status: 404 }, { send: '{"error":{"message":"Not Found"}}' }]);
    await expect(create('test:latest')).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('Use /v1/chat/completions'),
    });
    await expect(create('openai')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    model.play([{ status: 400 }, { send: '{"error":{"message":"suffix is not currently supported"}}' }]);
    await expect(create('openai')).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('suffix is not currently supported'),
    });
    model.play([piece('a'), event({ error: { message: 'out of memory' } })]);
    const stream = await client().completions.create({ model: 'openai', prompt: 'y', stream: true });
    await expect(Array.fromAsync(stream)).rejects.toThrow(/out of memory/);
  });
});

describe('/v1/completions to Ollama', () => {
  it('continues a prompt raw, and passes the text on as the model writes it', async () => {
    model.play(generated('<think> two', ','));
    const { choices, usage } = await client().completions.create({ model: 'ollama', prompt: 'One,', max_tokens: 5 });
    expect(choices).toEqual([{ index: 0, text: '<think> two,', logprobs: null, finish_reason: 'stop' }]);
    expect(usage?.total_tokens).toBe(8);
    expect(model.requests[0]?.path).toBe('/api/generate');
    expect(bodies()).toEqual([
      {
        model: 'ollama',
        prompt: 'One,',
        raw: true,
        think: false,
        stream: true,
        options: { num_predict: 5 },
        keep_alive: '5m',
      },
    ]);
  });

  it('lets Ollama fill in the middle by the template of the model', async () => {
    model.play(generated('x'));
    await client().completions.create({ model: 'ollama', prompt: 'def f(', suffix: '):', temperature: 0 });
    expect(bodies()).toMatchObject([{ prompt: 'def f(', suffix: '):', options: { temperature: 0, num_predict: 16 } }]);
    expect(bodies()[0]).not.toHaveProperty('raw');
  });

  it('returns log probabilities, and the prompt with echo', async () => {
    const logprobs = [{ token: ' two', logprob: -0.1, bytes: [32], top_logprobs: [{ token: ' 2', logprob: -3 }] }];
    model.play([line({ response: ' two', done: false, logprobs }), ...generated()]);
    const scored = await client().completions.create({ model: 'ollama', prompt: 'One,', logprobs: 1 });
    expect(bodies()).toMatchObject([{ logprobs: true, top_logprobs: 1 }]);
    expect(scored.choices[0]?.logprobs).toEqual({
      tokens: [' two'],
      token_logprobs: [-0.1],
      top_logprobs: [{ ' 2': -3 }],
      text_offset: [0],
    });
    model.play(generated(' two'));
    const echoed = await client().completions.create({ model: 'ollama', prompt: 'One,', echo: true });
    expect(echoed.choices[0]?.text).toBe('One, two');
  });
});

describe('/api/generate to Ollama', () => {
  it('passes every field on, and returns the context, also from the cache', async () => {
    model.play(generated('a', 'b'));
    const request = {
      model: 'ollama',
      prompt: 'and now?',
      system: 'be brief',
      template: '{{ .Prompt }}',
      context: [7, 8, 9],
      images: [PNG],
      format: 'json',
      think: false,
      options: { seed: 1 },
    };
    const whole = await ollamaClient().generate(request);
    expect(bodies()).toEqual([{ ...request, stream: true, keep_alive: '5m' }]);
    expect(model.requests[0]?.path).toBe('/api/generate');
    expect(whole).toMatchObject({ response: 'ab', done: true, done_reason: 'stop', context: [1, 2, 3], eval_count: 5 });
    const lines = await Array.fromAsync(await ollamaClient().generate({ ...request, stream: true }));
    expect(lines.at(-1)).toMatchObject({ done: true, context: [1, 2, 3] });
    expect(lines.slice(0, -1).every((one) => one.context === undefined)).toBe(true);
    expect(model.requests).toHaveLength(1);
  });

  it('sends a plain prompt with the system prompt of the server, so that its context comes back', async () => {
    await s.close();
    await start({ OLLAMA_SYSTEM_PROMPT: 'be kind' });
    model.play(generated('x'));
    expect((await ollamaClient().generate({ model: 'ollama', prompt: 'hi' })).context).toEqual([1, 2, 3]);
    expect(bodies()).toMatchObject([{ prompt: 'hi', system: 'be kind' }]);
    expect(bodies()[0]).not.toHaveProperty('raw');
  });

  it('sends a raw prompt and one with a suffix without a system prompt', async () => {
    await s.close();
    await start({ OLLAMA_SYSTEM_PROMPT: 'be kind' });
    model.play(generated('x'));
    await ollamaClient().generate({ model: 'ollama', prompt: 'hi', raw: true });
    const response = await fetch(`${s.url}/api/generate`, {
      method: 'POST',
      body: JSON.stringify({ model: 'ollama', prompt: 'hi', suffix: '!', system: 'be brief', stream: false }),
    });
    expect(response.headers.get('x-ignored-fields')).toBe('system');
    for (const body of bodies()) expect(body).not.toHaveProperty('system');
    expect(bodies()).toMatchObject([
      { prompt: 'hi', raw: true },
      { prompt: 'hi', suffix: '!' },
    ]);
  });

  it('splits reasoning as Ollama sends it', async () => {
    model.play([line({ response: '', thinking: 'hm', done: false }), ...generated('x')]);
    const whole = await ollamaClient().generate({ model: 'ollama', prompt: 'hi', think: true });
    expect(whole).toMatchObject({ response: 'x', thinking: 'hm' });
    expect(bodies()).toMatchObject([{ think: true }]);
  });

  it('asks for a longer context where prompt and context need it', async () => {
    providers.ollama = new OllamaProvider({ url: model.url, keepAlive: '5m', maxContextTokens: 32_768 });
    model.setResponse('/api/show', { model_info: { 'general.architecture': 'x', 'x.context_length': 131_072 } });
    model.play(generated('x'));
    await ollamaClient().generate({ model: 'ollama', prompt: 'word '.repeat(1_000), raw: true });
    await ollamaClient().generate({ model: 'ollama', prompt: 'hi', context: Array.from({ length: 9_000 }, () => 1) });
    expect(bodies()).toMatchObject([{ options: {} }, { options: { num_ctx: 16_384 } }]);
  });

  it('reports why Ollama refuses', async () => {
    model.play([{ status: 400 }, { send: '{"error":"m does not support insert"}' }]);
    await expect(ollamaClient().generate({ model: 'ollama', prompt: 'a', suffix: 'b' })).rejects.toMatchObject({
      status_code: 422,
      error: expect.stringContaining('does not support insert'),
    });
  });
});

describe('/api/generate to an OpenAI-compatible server', () => {
  it('becomes a completion with raw or a suffix, as long as the context allows', async () => {
    providers['test:latest'] = providers.openai;
    model.setResponse('/v1/models', { data: [{ id: 'test:latest', max_model_len: 1_000 }] });
    await providers.openai.models(new AbortController().signal);
    model.play(texts(' two'));
    const whole = await ollamaClient().generate({ model: 'test:latest', prompt: 'One,', raw: true });
    expect(whole).toMatchObject({ response: ' two', done: true, done_reason: 'stop', eval_count: 5 });
    await ollamaClient().generate({ model: 'openai', prompt: 'f(', suffix: ')', options: { num_predict: 9 } });
    const shared = { stream: true, stream_options: { include_usage: true } };
    expect(bodies()).toEqual([
      { model: 'test:latest', prompt: 'One,', max_tokens: 998, ...shared },
      { model: 'openai', prompt: 'f(', suffix: ')', max_tokens: 9, ...shared },
    ]);
  });

  it('is a chat of one message without them, and shares its response', async () => {
    model.play([event({ choices: [{ index: 0, delta: { content: 'Hi.' }, finish_reason: 'stop' }] })]);
    const options = { temperature: 0 };
    const whole = await ollamaClient().generate({ model: 'openai', prompt: 'hello', system: 'be brief', options });
    expect(whole).toMatchObject({ response: 'Hi.' });
    expect(whole).not.toHaveProperty('context');
    const messages = [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'hello' },
    ];
    expect((await ollamaClient().chat({ model: 'openai', messages, options })).message.content).toBe('Hi.');
    expect(model.requests.map(({ path }) => path)).toEqual(['/v1/chat/completions']);
  });

  it.each([
    ['template', { template: '{{ .Prompt }}' }],
    ['context', { context: [1] }],
    ['images', { images: [PNG], raw: true }],
  ])('refuses %s by name', async (field, fields) => {
    for (const name of ['openai', 'embedded'])
      await expect(ollamaClient().generate({ model: name, prompt: 'a', ...fields })).rejects.toMatchObject({
        status_code: 400,
        error: expect.stringContaining(`${field} (`),
      });
    expect(model.requests).toEqual([]);
  });
});

it('leaves out a context that is no list of tokens', async () => {
  model.play([
    line({ response: 'x', done: false }),
    line({ response: '', done: true, done_reason: 'stop', context: [1, -2, 'x'] }),
  ]);
  const whole = await ollamaClient().generate({ model: 'ollama', prompt: 'hi' });
  expect(whole.response).toBe('x');
  expect(whole).not.toHaveProperty('context');
});
