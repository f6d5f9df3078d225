import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '#lib/errors';
import { anthropicRequestSchema } from '#lib/wire/anthropic-request';
import type { ScriptedCall } from '../support/chat.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { PNG } from '../support/images.ts';

const messages = [{ role: 'user' as const, content: 'hello' }];
const question = { model: 'm', max_tokens: 64, messages };
const TOOL = {
  name: 'weather',
  description: 'The weather of a city.',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
};

let s: ChatServer;
const client = (options: object = {}) => new Anthropic({ baseURL: s.url, apiKey: 'none', maxRetries: 0, ...options });

describe('the official Anthropic client', () => {
  beforeEach(async () => {
    s = await chatServer({ CACHE_SDK: 'always' });
  });

  afterEach(async () => {
    await s.close();
    expect(s.provider.open).toBe(0);
  });

  it('gets a message with usage, and the same one from the cache that the pages use', async () => {
    s.provider.onCall = (call) => void call.say('Rust').done();
    const { data, response, request_id } = await client().messages.create(question).withResponse();
    expect(data).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: 'Rust' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 5, cache_read_input_tokens: 0 },
    });
    expect(data.id).toBe(`msg_${request_id}`);
    expect(response.headers.get('x-request-id')).toBe(request_id);
    const again = await client().messages.create(question).withResponse();
    expect(again.response.headers.get('x-cache')).toBe('hit');
    expect(again.data.content).toEqual(data.content);
    expect(again.data.id).not.toBe(data.id);
    const page = await fetch(`${s.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages, max_tokens: 64, stream: false }),
    });
    expect(page.headers.get('x-cache')).toBe('hit');
    await page.body?.cancel();
    expect(s.provider.calls).toHaveLength(1);
  });

  it('streams reasoning, text and usage by its helpers, and the same from the cache', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('Ru').say('st').done('length');
    const stream = client().messages.stream(question);
    const texts: string[] = [];
    const thoughts: string[] = [];
    stream.on('text', (text) => texts.push(text)).on('thinking', (text) => thoughts.push(text));
    const message = await stream.finalMessage();
    expect([thoughts.join(''), texts.join('')]).toEqual(['hm', 'Rust']);
    expect(message).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'hm', signature: expect.stringMatching(/./) },
        { type: 'text', text: 'Rust' },
      ],
      stop_reason: 'max_tokens',
      usage: { input_tokens: 3, output_tokens: 5 },
    });
    s.provider.onCall = (call) => void call.think('hm').say('Rust').done();
    const other = { ...question, messages: [{ role: 'user' as const, content: 'other' }] };
    const first = await client().messages.stream(other).finalMessage();
    const cached = client().messages.stream(other);
    expect(await cached.finalMessage()).toEqual({ ...first, id: expect.stringMatching(/^msg_/) });
    expect(cached.response?.headers.get('x-cache')).toBe('hit');
    expect(s.provider.calls).toHaveLength(2);
  });

  it('takes the fields of the beta, at its address too', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { data, response } = await client({ defaultHeaders: { 'anthropic-version': '2023-06-01' } })
      .beta.messages.create({
        ...question,
        betas: ['context-management-2025-06-27'],
        context_management: { edits: [] },
      })
      .withResponse();
    expect(data.content).toMatchObject([{ type: 'text', text: 'x' }]);
    expect(response.headers.get('x-ignored-fields')).toBe('context_management');
    const earlier = client().post('/v1/messages?beta=true', { body: question });
    expect(await earlier).toMatchObject({ content: [{ type: 'text', text: 'x' }] });
  });

  it('passes the system prompt, sampling, images and documents on, and reports cache_control', async () => {
    s.provider.onCall = (call) => void call.say('a dot').done();
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: PNG };
    const { response } = await client()
      .messages.create({
        ...question,
        system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral' } }],
        stop_sequences: ['x'],
        metadata: { user_id: 'ann' },
        thinking: { type: 'enabled', budget_tokens: 1_024 },
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'what is it?', cache_control: { type: 'ephemeral' } },
              { type: 'image', source },
              { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'a text' } },
            ],
          },
        ],
      })
      .withResponse();
    expect(s.provider.last.request).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'be brief' },
        {
          role: 'user',
          content: 'what is it?\n<document>\n<title>T</title>\n<content>\na text\n</content>\n</document>',
          images: [PNG],
        },
      ],
      options: { num_predict: 64, stop: ['x'] },
      think: true,
      thinkOptional: true,
    });
    expect(response.headers.get('x-ignored-fields')?.split(', ').sort()).toEqual([
      'messages.content.cache_control',
      'metadata',
      'system.cache_control',
      'thinking.budget_tokens',
    ]);
  });

  it('goes through a round of tool calls, streamed and not, with the model’s own ids', async () => {
    const calls = [{ id: 'c1', function: { name: 'weather', arguments: { city: 'Bern' } } }];
    s.provider.onCall = (call) => void call.think('hm').ask(calls).done();
    const asking = { ...question, tools: [TOOL], tool_choice: { type: 'auto' as const } };
    const message = await client().messages.create(asking);
    expect(s.provider.last.request.tools).toMatchObject([{ function: { name: 'weather' } }]);
    expect(message).toMatchObject({
      stop_reason: 'tool_use',
      content: [
        { type: 'thinking', thinking: 'hm' },
        { type: 'tool_use', id: 'toolu_c1', name: 'weather', input: { city: 'Bern' } },
      ],
    });
    expect((await client().messages.stream(asking).finalMessage()).content).toEqual(message.content);
    expect(s.provider.calls).toHaveLength(1);
    s.provider.onCall = (call) => void call.say('Rain.').done();
    const { response } = await client()
      .messages.create({
        ...asking,
        messages: [
          ...messages,
          { role: 'assistant', content: message.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_c1', content: 'rain' }] },
        ],
      })
      .withResponse();
    expect(s.provider.last.request.messages.slice(1)).toEqual([
      { role: 'assistant', content: '', thinking: 'hm', tool_calls: calls },
      { role: 'tool', content: 'rain', tool_call_id: 'c1', tool_name: 'weather' },
    ]);
    // A response that is given back has nothing without effect.
    expect(response.headers.get('x-ignored-fields')).toBeNull();
  });

  it('runs tools in a loop by the helper of the SDK', async () => {
    const asked: string[] = [];
    const weather = betaZodTool({
      name: 'weather',
      description: 'The weather of a city.',
      inputSchema: z.object({ city: z.string() }),
      run: ({ city }) => {
        asked.push(city);
        if (city === 'Atlantis') throw new Error('no such city');
        return [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }];
      },
    });
    const replies = [
      (call: ScriptedCall) => call.ask([{ id: 'c1', function: { name: 'weather', arguments: { city: 'Bern' } } }]),
      (call: ScriptedCall) => call.ask([{ id: 'c2', function: { name: 'weather', arguments: { city: 'Atlantis' } } }]),
      (call: ScriptedCall) => call.say('Rain.'),
    ];
    s.provider.onCall = (call) => void replies.shift()?.(call).done();
    const final = await client().beta.messages.toolRunner({ ...question, tools: [weather], stream: true });
    expect(final.content).toMatchObject([{ type: 'text', text: 'Rain.' }]);
    expect(asked).toEqual(['Bern', 'Atlantis']);
    expect(s.provider.last.request.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'c1', function: { name: 'weather', arguments: { city: 'Bern' } } }],
      },
      { role: 'tool', content: '', tool_call_id: 'c1', tool_name: 'weather' },
      { role: 'user', content: '[Images of the result of tool call c1: 1]', images: [PNG] },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'c2', function: { name: 'weather', arguments: { city: 'Atlantis' } } }],
      },
      {
        role: 'tool',
        content: expect.stringMatching(/^Error: .*no such city/),
        tool_call_id: 'c2',
        tool_name: 'weather',
      },
    ]);
  });

  it('parses structured output', async () => {
    s.provider.onCall = (call) => void call.say('{"city":"Bern"}').done();
    const format = zodOutputFormat(z.object({ city: z.string() }));
    const message = await client().messages.parse({ ...question, output_config: { format } });
    expect(message.parsed_output).toEqual({ city: 'Bern' });
    expect(s.provider.last.request.format).toMatchObject({ type: 'object', required: ['city'] });
  });

  it('continues a last message of the assistant', async () => {
    s.provider.onCall = (call) => void call.say('B').done();
    const begun = { role: 'assistant' as const, content: 'The answer is ' };
    const message = await client().messages.create({ ...question, messages: [...messages, begun] });
    expect(message.content).toMatchObject([{ text: 'B' }]);
    expect(s.provider.last.request.messages.at(-1)).toEqual(begun);
  });

  it('reads errors: of the request, of the model, and in mid-stream', async () => {
    await expect(client().messages.create({ ...question, messages: [] })).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      errorCode: 'invalid_request',
      requestID: expect.stringMatching(/./),
    });
    const image = { type: 'image' as const, source: { type: 'url' as const, url: 'https://example.com/a.png' } };
    await expect(
      client().messages.create({ ...question, messages: [{ role: 'user', content: [image] }] }),
    ).rejects.toThrow(/images are not fetched from elsewhere/);
    await expect(
      client().messages.create({ ...question, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
    ).rejects.toThrow(/tools\.0\.type \(web_search_20250305 is not offered here/);
    s.provider.onCall = (call) => void call.fail(new AppError('model_not_found', 'Pull it.'));
    await expect(client().messages.create({ ...question, stream: true })).rejects.toMatchObject({
      status: 404,
      type: 'not_found_error',
      apiMessage: 'Pull it.',
    });
    s.provider.onCall = (call) => void call.say('x').fail(new AppError('upstream_failed', 'It broke.'));
    await expect(client().messages.stream(question).finalMessage()).rejects.toMatchObject({
      type: 'api_error',
      apiMessage: 'It broke.',
    });
    await expect(client().models.retrieve('no/such')).rejects.toMatchObject({ type: 'not_found_error' });
    await expect(client().messages.batches.list()).rejects.toMatchObject({
      status: 404,
      type: 'not_found_error',
      apiMessage: expect.stringContaining('POST /v1/messages'),
    });
    await expect(client().get('/v1/messages')).rejects.toMatchObject({ status: 405, errorCode: 'method_not_allowed' });
  });

  it('caches what Claude Code asks, whatever its version', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const caches: (string | null)[] = [];
    for (const version of ['2.1.332.193', '2.1.332.7ab']) {
      const billing = { type: 'text' as const, text: `x-anthropic-billing-header: cc_version=${version};` };
      const system = [billing, { type: 'text' as const, text: 'be brief' }];
      const { response } = await client()
        .messages.create({ ...question, system })
        .withResponse();
      caches.push(response.headers.get('x-cache'));
      expect(response.headers.get('x-ignored-fields')).toBe('system.x-anthropic-billing-header');
    }
    expect(caches).toEqual(['miss', 'hit']);
    expect(s.provider.last.request.messages[0]).toEqual({ role: 'system', content: 'be brief' });
  });

  it('takes null for every field that may be missing', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const optional = Object.keys(anthropicRequestSchema.shape).filter((name) => name !== 'messages');
    const nulls = Object.fromEntries(optional.map((name) => [name, null]));
    const block = { type: 'text', text: 'x', citations: null, cache_control: null };
    const body = { ...nulls, messages: [{ role: 'user', content: [block] }] };
    const { response } = await client().post('/v1/messages', { body }).withResponse();
    expect(response.headers.get('x-ignored-fields')).toBeNull();
    expect(s.provider.last.request).toMatchObject({ messages: [{ role: 'user', content: 'x' }], options: {} });
  });

  it('sends large images, also of tools, and no text of their size', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const data = Buffer.alloc(1_500_000, 7).toString('base64');
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data };
    const block = { type: 'image' as const, source };
    const inResult = { type: 'tool_result' as const, tool_use_id: 'toolu_a', content: [block] };
    for (const content of [[block], [inResult]])
      await client().messages.create({ ...question, messages: [{ role: 'user', content }] });
    expect(s.provider.last.request.messages.at(-1)?.images).toEqual([data]);
    const text = {
      type: 'document' as const,
      source: { type: 'text' as const, media_type: 'text/plain' as const, data },
    };
    await expect(
      client().messages.create({ ...question, messages: [{ role: 'user', content: [text] }] }),
    ).rejects.toMatchObject({ status: 413, type: 'request_too_large' });
  });

  it('shows its key in either header, and reads a refusal as one of Anthropic’s', async () => {
    await s.close();
    s = await chatServer({ API_KEYS: 'right' });
    s.provider.onCall = (call) => void call.say('x').done();
    const ask = (options: object) => client(options).messages.create(question);
    const headers = { authorization: null, 'x-api-key': 'right' };
    expect((await ask({ apiKey: 'right' })).content).toMatchObject([{ text: 'x' }]);
    expect((await ask({ apiKey: null, authToken: 'right' })).content).toMatchObject([{ text: 'x' }]);
    expect((await ask({ defaultHeaders: headers })).content).toMatchObject([{ text: 'x' }]);
    for (const wrong of [{ apiKey: 'wrong' }, { defaultHeaders: { ...headers, 'x-api-key': 'wrong' } }])
      await expect(ask(wrong)).rejects.toMatchObject({ status: 401, type: 'authentication_error' });
  });

  it('lists models page by page, and finds one', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list({ limit: 1 })) ids.push(model.id);
    expect(ids).toEqual(['default-model', 'other:7b']);
    expect(await client().models.retrieve('other:7b')).toMatchObject({
      type: 'model',
      id: 'other:7b',
      max_input_tokens: 2_048,
      capabilities: { thinking: { supported: true }, image_input: { supported: false } },
    });
    const openAi = await fetch(`${s.url}/v1/models`);
    expect(await openAi.json()).toMatchObject({ object: 'list', data: [{ object: 'model' }, {}] });
  });

  it('gets an estimate of tokens from a server without a tokenizer', async () => {
    const { data, response } = await client().messages.countTokens({ model: 'm', messages }).withResponse();
    expect(data.input_tokens).toBeGreaterThan(1);
    expect(response.headers.get('x-token-count')).toBe('estimated');
    const more = await client().messages.countTokens({ model: 'm', messages, tools: [TOOL], system: 'be brief' });
    expect(more.input_tokens).toBeGreaterThan(data.input_tokens + 20);
    await expect(client().messages.countTokens({ model: 'm', messages: [] })).rejects.toMatchObject({ status: 400 });
    expect(s.provider.calls).toHaveLength(0);
  });
});
