import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { PNG } from '../support/images.ts';

let s: ChatServer;

beforeEach(async () => {
  s = await chatServer();
});

afterEach(async () => {
  await s.close();
  expect(s.provider.open).toBe(0);
});

const messages = [{ role: 'user' as const, content: 'hello' }];
const TOOL = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

describe('the official openai client', () => {
  const client = () => new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });

  it('lists models and finds one', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list()) ids.push(model.id);
    expect(ids).toEqual(['default-model', 'other:7b']);
    expect(await client().models.retrieve('other:7b')).toMatchObject({ id: 'other:7b', object: 'model' });
    await expect(client().models.retrieve('no/such')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('gets a completion with usage, and the same one from the cache that the pages use', async () => {
    s.provider.onCall = (call) => void call.say('Rust').done();
    const ask = () => client().chat.completions.create({ model: 'm', messages, temperature: 0 });
    const first = await ask();
    expect(first).toMatchObject({
      object: 'chat.completion',
      model: 'm',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Rust' } }],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
    });
    const { response } = await client()
      .chat.completions.create({ model: 'm', messages, temperature: 0 })
      .withResponse();
    expect(response.headers.get('x-cache')).toBe('hit');
    const page = await fetch(`${s.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages, options: { temperature: 0 } }),
    });
    expect(page.headers.get('x-cache')).toBe('hit');
    await page.body?.cancel();
    expect(s.provider.calls).toHaveLength(1);
  });

  it('streams text, reasoning and usage', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('Ru').say('st').done('length');
    const stream = await client().chat.completions.create({
      model: 'm',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
    expect(deltas[0]).toEqual({ role: 'assistant', content: '', reasoning_content: 'hm' });
    expect(deltas.map(({ content }) => content ?? '').join('')).toBe('Rust');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('length');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 8 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('passes sampling, format, effort, images and roles on', async () => {
    s.provider.onCall = (call) => void call.say('{}').done();
    await client().chat.completions.create({
      model: 'm',
      temperature: 0.5,
      max_completion_tokens: 7,
      stop: 'x',
      seed: 1,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } },
      messages: [
        { role: 'developer', content: 'be brief' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'what is it?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
          ],
        },
      ],
    });
    expect(s.provider.last.request).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'what is it?', images: [PNG] },
      ],
      options: { temperature: 0.5, num_predict: 7, stop: ['x'], seed: 1 },
      think: 'low',
      format: { type: 'object' },
      formatDetails: { name: 'a' },
      passthrough: { max_completion_tokens: 7, reasoning_effort: 'low' },
    });
  });

  it('goes through a round of tool calls, streamed and not', async () => {
    const calls = [{ id: 'c1', function: { name: 'weather', arguments: { city: 'Bern' } } }];
    s.provider.onCall = (call) => void call.ask(calls).done();
    const options = { model: 'm', messages, tools: [TOOL], seed: 7 };
    const whole = await client().chat.completions.create(options);
    expect(s.provider.last.request.tools).toEqual([TOOL]);
    const asked = whole.choices[0]?.message.tool_calls;
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    expect(asked).toEqual([
      { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
    ]);
    const streamed = await client().chat.completions.stream(options).finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject([{ id: 'c1', function: { name: 'weather' } }]);
    expect(s.provider.calls).toHaveLength(1);
    s.provider.onCall = (call) => void call.say('Rain.').done();
    await client().chat.completions.create({
      model: 'm',
      messages: [
        ...messages,
        { role: 'assistant', content: null, tool_calls: asked ?? [] },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      ],
    });
    expect(s.provider.last.request.messages.slice(1)).toEqual([
      { role: 'assistant', content: '', tool_calls: calls },
      { role: 'tool', content: 'rain', tool_call_id: 'c1', tool_name: 'weather' },
    ]);
  });

  it('reads errors: of the request, of the model, and in mid-stream', async () => {
    const { chat } = client();
    await expect(chat.completions.create({ model: 'm', messages: [] })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_request',
      param: 'messages',
      type: 'invalid_request_error',
    });
    await expect(chat.completions.create({ model: 'm', messages, functions: [{ name: 'a' }] })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'functions',
    });
    s.provider.onCall = (call) => void call.fail(new AppError('model_not_found', 'Pull it.'));
    await expect(chat.completions.create({ model: 'm', messages, stream: true })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    s.provider.onCall = (call) => void call.say('x').fail(new AppError('upstream_failed', 'It broke.'));
    const read = async () => {
      for await (const _ of await chat.completions.create({ model: 'm', messages, stream: true }));
    };
    await expect(read()).rejects.toThrow(/It broke/);
  });

  it('shows its key where keys are set, and reads a refusal as one of OpenAI’s', async () => {
    await s.close();
    s = await chatServer({ API_KEYS: 'right' });
    s.provider.onCall = (call) => void call.say('x').done();
    const ask = (apiKey: string) =>
      new OpenAI({ baseURL: `${s.url}/v1`, apiKey, maxRetries: 0 }).chat.completions.create({ model: 'm', messages });
    expect((await ask('right')).choices[0]?.message.content).toBe('x');
    await expect(ask('wrong')).rejects.toMatchObject({
      status: 401,
      code: 'unauthorized',
      type: 'authentication_error',
    });
  });

  it('ends the call upstream after an abort without a return', async () => {
    const stream = await startedStream();
    stream.controller.abort();
    await goneAndAborted();

    async function startedStream() {
      s.provider.onCall = (call) => void call.say('x');
      const started = await client().chat.completions.create({ model: 'm', messages, stream: true });
      await started[Symbol.asyncIterator]().next();
      return started;
    }
  });
});

describe('the official ollama client', () => {
  const client = () => new Ollama({ host: s.url });

  it('lists models, shows one, and reports the version', async () => {
    expect((await client().list()).models.map(({ name }) => name)).toEqual(['default-model', 'other:7b']);
    expect((await client().ps()).models.map(({ name }) => name)).toEqual(['default-model']);
    expect(await client().show({ model: 'other:7b' })).toMatchObject({
      capabilities: ['completion', 'tools', 'thinking'],
    });
    await expect(client().show({ model: 'none' })).rejects.toThrow(/no model none/);
    expect((await client().version()).version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('chats, streams, and shares the cache with the pages', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('Ru').say('st').done();
    const options = { temperature: 0 };
    const streamed = { content: '', thinking: '', dones: 0 };
    for await (const part of await client().chat({ model: 'm', messages, options, stream: true })) {
      streamed.content += part.message.content;
      streamed.thinking += part.message.thinking ?? '';
      if (part.done) streamed.dones += 1;
    }
    expect(streamed).toEqual({ content: 'Rust', thinking: 'hm', dones: 1 });
    const whole = await client().chat({ model: 'm', messages, options });
    expect(whole).toMatchObject({
      model: 'm',
      done: true,
      done_reason: 'stop',
      message: { role: 'assistant', content: 'Rust', thinking: 'hm' },
      prompt_eval_count: 3,
      eval_count: 5,
    });
    expect(s.provider.calls).toHaveLength(1);
  });

  it('generates, with a system prompt, options, thinking and images', async () => {
    s.provider.onCall = (call) => void call.say('a dot').done();
    const reply = await client().generate({
      model: 'm',
      prompt: 'what is it?',
      system: 'be brief',
      options: { temperature: 0, num_ctx: 512 },
      images: [PNG],
      think: false,
      format: 'json',
    });
    expect(reply).toMatchObject({ response: 'a dot', done: true });
    expect(s.provider.last.request).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'what is it?', images: [PNG] },
      ],
      options: { temperature: 0, num_ctx: 512 },
      think: false,
      format: 'json',
    });
    let text = '';
    const stream = await client().generate({ model: 'm', prompt: 'other', stream: true });
    for await (const part of stream) text += part.response;
    expect(text).toBe('a dot');
    await client().generate({ model: 'm', prompt: 'x', raw: true });
    expect(s.provider.last.request).toMatchObject({ messages: [], completion: { prompt: 'x', raw: true } });
    for (const fields of [{ suffix: 'y' }, { template: 'y' }, { system: 'y' }, { context: [1] }])
      await expect(client().generate({ model: 'm', prompt: 'x', raw: true, ...fields })).rejects.toThrow(
        /has no place in a raw prompt/,
      );
  });

  it('goes through a round of tool calls', async () => {
    const calls = [{ function: { name: 'weather', arguments: { city: 'Bern' } } }];
    s.provider.onCall = (call) => void call.ask(calls).done();
    const { message } = await client().chat({ model: 'm', messages, tools: [TOOL] });
    expect(message.tool_calls).toEqual(calls);
    s.provider.onCall = (call) => void call.say('Rain.').done();
    const result = { role: 'tool', tool_name: 'weather', content: 'rain' };
    await client().chat({ model: 'm', messages: [...messages, message, result] });
    expect(s.provider.last.request.messages.slice(1)).toEqual([
      { role: 'assistant', content: '', tool_calls: calls },
      { role: 'tool', content: 'rain', tool_name: 'weather' },
    ]);
  });

  it('loads a model by an empty request', async () => {
    expect(await client().chat({ model: 'm', messages: [] })).toMatchObject({ done: true, done_reason: 'load' });
    expect(await client().generate({ model: 'm', prompt: '' })).toMatchObject({ response: '', done_reason: 'load' });
    for (const keep_alive of [0, 0.5, '0s', '0.0s', '0h0m', '-0s', '1ns'])
      await expect(client().chat({ model: 'm', messages: [], keep_alive })).rejects.toThrow(/cannot be unloaded/);
    expect(s.provider.calls).toHaveLength(0);
  });

  it('reads errors before and in the middle of a stream', async () => {
    s.provider.onCall = (call) => void call.fail(new AppError('model_not_found', 'Pull it.'));
    await expect(client().chat({ model: 'm', messages, stream: true })).rejects.toMatchObject({
      status_code: 404,
      error: 'Pull it.',
    });
    s.provider.onCall = (call) => void call.say('x').fail(new AppError('upstream_failed', 'It broke.'));
    const read = async () => {
      for await (const _ of await client().chat({ model: 'm', messages, stream: true }));
    };
    await expect(read()).rejects.toThrow(/It broke/);
  });

  it('ends the call upstream after an abort without a return', async () => {
    s.provider.onCall = (call) => void call.say('x');
    const stream = await client().chat({ model: 'm', messages, stream: true });
    await stream[Symbol.asyncIterator]().next();
    stream.abort();
    await goneAndAborted();
  });
});

/** Waits until the server has noticed that its client disconnected, and then for the grace. */
async function goneAndAborted(): Promise<void> {
  const { generation } = firstTicket();
  await vi.waitFor(() => expect(generation.isRetained).toBe(false));
  expect(s.provider.last.signal.aborted).toBe(false);
  await s.clock.advance(10_000);
  expect(s.provider.last.signal.aborted).toBe(true);
}

function firstTicket() {
  const id = s.engine.overview(member('127.0.0.1')).processing[0]?.request_id ?? '';
  return s.engine.find(id, '127.0.0.1');
}
