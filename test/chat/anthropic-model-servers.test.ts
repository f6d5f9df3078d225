import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider } from '#lib/models/provider';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { type FaultyModelServer, ollama, openai, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { PNG } from '../support/images.ts';
import { needsOneServer } from '../support/instances.ts';

const messages = [{ role: 'user' as const, content: 'hello' }];
const question = { model: 'm', max_tokens: 64, messages };
const TOOL = {
  name: 'weather',
  description: 'The weather of a city.',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
};

let s: ChatServer;
const client = (options: object = {}) => new Anthropic({ baseURL: s.url, apiKey: 'none', maxRetries: 0, ...options });

describe('the official Anthropic client in front of model servers', () => {
  let model: FaultyModelServer;
  let providers: Record<string, ModelProvider>;

  beforeAll(async () => {
    model = await startFaultyModelServer(0, ['completion', 'tools']);
    providers = {
      openai: new OpenAiProvider({ url: `${model.url}/v1` }),
      ollama: new OllamaProvider({ url: model.url, keepAlive: '5m' }),
      embedded: new EmbeddedProvider(readConfig({})),
    };
    s = await chatServer(
      { BATCH_TIMEOUT_MS: '1' },
      {
        clock: systemClock,
        directory: {
          resolve: async (name = 'embedded') => {
            const provider = providers[name];
            if (provider === undefined) throw new AppError('model_not_found', 'There is no such model.');
            return { provider, model: name === 'embedded' ? 'smollm2:135m' : name };
          },
        },
      },
    );
  });

  afterAll(async () => {
    await s.close();
    await Promise.all(Object.values(providers).map((provider) => provider.close()));
    await model.close();
  });

  const ask = (name: string, content: string, fields: object = {}) =>
    client().messages.create({ model: name, max_tokens: 20, messages: [{ role: 'user', content }], ...fields });

  it('reads a stop sequence that vLLM or SGLang reports', async () => {
    for (const [name, content] of [
      ['stop_reason', 'a'],
      ['matched_stop', 'b'],
    ] as const) {
      const last = { choices: [{ index: 0, delta: {}, finish_reason: 'stop', [name]: 'END' }] };
      model.play([{ send: `${openai.text('x')}data: ${JSON.stringify(last)}\n\n${openai.usage()}${openai.done()}` }]);
      const message = await ask('openai', content, { stop_sequences: ['END'] });
      expect(message).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'END' });
      expect(await ask('openai', content, { stop_sequences: ['END'] })).toMatchObject({ stop_sequence: 'END' });
    }
    const foreign = { choices: [{ index: 0, delta: {}, finish_reason: 'stop', stop_reason: 'end_turn' }] };
    model.play([{ send: `${openai.text('x')}data: ${JSON.stringify(foreign)}\n\n${openai.done()}` }]);
    expect(await ask('openai', 'd', { stop_sequences: ['END'] })).toMatchObject({ stop_sequence: null });
    const token = { choices: [{ index: 0, delta: {}, finish_reason: 'stop', stop_reason: 151_645 }] };
    model.play([{ send: `${openai.text('x')}data: ${JSON.stringify(token)}\n\n${openai.done()}` }]);
    expect(await ask('openai', 'c', { stop_sequences: ['END'] })).toMatchObject({ stop_reason: 'end_turn' });
  });

  it('gives the model server its own ids of calls back, streamed with reasoning', async () => {
    const piece = (delta: object) => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`;
    const call = { index: 0, id: 'abcDEF123', function: { name: 'weather', arguments: '{"ci' } };
    model.play([
      {
        send:
          openai.thinking('hm') +
          openai.text('Let me see.') +
          piece({ tool_calls: [call] }) +
          piece({ tool_calls: [{ index: 0, function: { arguments: 'ty":"Bern"}' } }] }) +
          openai.finish('tool_calls') +
          openai.done(),
      },
    ]);
    const asking = { ...question, model: 'openai', tools: [TOOL] };
    const message = await client().messages.stream(asking).finalMessage();
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'Let me see.' },
      { type: 'tool_use', id: 'toolu_abcDEF123', name: 'weather', input: { city: 'Bern' } },
    ]);
    const result = { type: 'tool_result' as const, tool_use_id: 'toolu_abcDEF123', content: 'rain' };
    await client().messages.create({
      ...asking,
      messages: [...messages, { role: 'assistant', content: message.content }, { role: 'user', content: [result] }],
    });
    expect(model.requests.at(-1)?.body).toMatchObject({
      messages: [
        ...messages,
        {
          role: 'assistant',
          content: 'Let me see.',
          reasoning_content: 'hm',
          tool_calls: [{ id: 'abcDEF123', function: { name: 'weather', arguments: '{"city":"Bern"}' } }],
        },
        { role: 'tool', content: 'rain', tool_call_id: 'abcDEF123' },
      ],
    });
  });

  it('passes on why a model server failed', async () => {
    model.play([{ status: 400 }, { send: '{"error":{"message":"max_tokens is too large: 20"}}' }]);
    await expect(ask('openai', 'too large')).rejects.toThrow(/max_tokens is too large/);
    model.play([{ status: 400 }, { send: '{"error":{"message":"maximum context length is 4096 tokens"}}' }]);
    await expect(ask('openai', 'too long')).rejects.toMatchObject({
      errorCode: 'context_length_exceeded',
      apiMessage: expect.stringMatching(/^prompt is too long: .*maximum context length is 4096 tokens/),
    });
    model.play([{ send: ollama.text('x') + ollama.error('out of memory') }]);
    await expect(
      client()
        .messages.stream({ ...question, model: 'ollama' })
        .finalMessage(),
    ).rejects.toThrow(/out of memory/);
  });

  it('asks a model of Ollama to reason only where it can', async () => {
    model.play([{ send: ollama.text('x') + ollama.done() }]);
    const thinking = { type: 'enabled', budget_tokens: 1_024 };
    expect((await ask('ollama', 'a', { thinking })).content).toMatchObject([{ text: 'x' }]);
    expect(model.requests.at(-1)?.body).not.toHaveProperty('think');
    const asked = client().messages.create({ ...question, model: 'ollama', output_config: { effort: 'high' } });
    const { response } = await asked.withResponse();
    expect(response.headers.get('x-ignored-fields')).toBe('thinking');
    expect(model.requests.at(-1)?.body).not.toHaveProperty('think');
  });

  it('forces a call where the model server can, and is refused where it cannot', async () => {
    model.play([{ send: openai.text('x') + openai.finish() + openai.done() }]);
    const fields = { tools: [TOOL], tool_choice: { type: 'tool', name: 'weather', disable_parallel_tool_use: true } };
    await ask('openai', 'forced', fields);
    expect(model.requests.at(-1)?.body).toMatchObject({
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
    });
    await expect(ask('ollama', 'forced', fields)).rejects.toThrow(
      /tool_choice \(.*tool_choice\.disable_parallel_tool_use \(/s,
    );
  });

  it('counts tokens by the tokenizer of vLLM, or of llama.cpp', async () => {
    const count = async () => {
      const { data, response } = await client().messages.countTokens({ model: 'openai', messages }).withResponse();
      return [data.input_tokens, response.headers.get('x-token-count')];
    };
    model.play([{ send: JSON.stringify({ count: 17, max_model_len: 4_096, tokens: [1, 2] }) }]);
    expect(await count()).toEqual([17, 'counted']);
    expect(model.requests.at(-1)).toMatchObject({ path: '/tokenize', body: { model: 'openai', messages } });
    model.play(
      [{ send: JSON.stringify({ tokens: [] }) }],
      [{ send: JSON.stringify({ prompt: '<|user|>hello' }) }],
      [{ send: JSON.stringify({ tokens: [5, 6, 7] }) }],
    );
    expect(await count()).toEqual([3, 'counted']);
    expect(model.requests.slice(-2)).toMatchObject([
      { path: '/apply-template', body: { messages } },
      { path: '/tokenize', body: { content: '<|user|>hello', add_special: true } },
    ]);
    for (const script of [[{ status: 404 }], [{ send: '{}' }], [{ send: 'no JSON' }]]) {
      model.play(script);
      expect((await count())[1]).toBe('estimated');
    }
  });

  it('estimates while 16 other prompts are counted', async () => {
    needsOneServer('how many prompts are counted at a time is of each server');
    const { promise, resolve } = Promise.withResolvers<void>();
    model.play([{ wait: promise }, { send: JSON.stringify({ count: 17, tokens: [] }) }]);
    const before = model.requests.length;
    const count = () => client().messages.countTokens({ model: 'openai', messages }).withResponse();
    const counts = Array.from({ length: 16 }, count);
    await vi.waitFor(() => expect(model.requests.length - before).toBe(16));
    expect((await count()).response.headers.get('x-token-count')).toBe('estimated');
    resolve();
    for (const { data } of await Promise.all(counts)) expect(data.input_tokens).toBe(17);
    expect((await count()).response.headers.get('x-token-count')).toBe('counted');
  });

  it('does not count images by a tokenizer of text', async () => {
    const before = model.requests.length;
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: PNG };
    const counted = client().messages.countTokens({
      model: 'openai',
      messages: [{ role: 'user', content: [{ type: 'image', source }] }],
    });
    const { data, response } = await counted.withResponse();
    expect(data.input_tokens).toBeGreaterThan(1_000);
    expect(response.headers.get('x-token-count')).toBe('estimated');
    expect(model.requests).toHaveLength(before);
  });

  it('talks to the built-in model, which counts as many tokens as it then reads', { timeout: 120_000 }, async () => {
    const prompt = { system: 'be brief', messages };
    const counted = await client()
      .messages.countTokens({ model: 'embedded', ...prompt })
      .withResponse();
    expect(counted.response.headers.get('x-token-count')).toBe('counted');
    const message = await client()
      .messages.stream({ model: 'embedded', max_tokens: 8, ...prompt })
      .finalMessage();
    expect(message.usage.input_tokens).toBe(counted.data.input_tokens);
    expect(message.content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/\S/) });
    expect(message.usage.output_tokens).toBeGreaterThan(0);
    const stopped = await ask('embedded', 'Write a long story.', { stop_sequences: [' '] });
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: ' ' });
    await expect(ask('embedded', 'x', { tools: [TOOL] })).rejects.toThrow(/the built-in model cannot use tools/);
  });
});
