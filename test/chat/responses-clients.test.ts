import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { systemClock } from '#lib/chat/clock';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { type FaultyModelServer, ollama, openai, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { type RunningApp, startApp } from '../support/running-app.ts';

let s: ChatServer;
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WEATHER = {
  type: 'function' as const,
  name: 'weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: null,
};
const CALL = { id: 'c1', function: { name: 'weather', arguments: { city: 'Bern' } } };

function client(apiKey = 'none'): OpenAI {
  return new OpenAI({ baseURL: `${s.url}/v1`, apiKey, maxRetries: 0 });
}

async function eventsOf(stream: AsyncIterable<ResponseStreamEvent>): Promise<ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

const types = (events: readonly ResponseStreamEvent[]) => events.map(({ type }) => type.replace('response.', ''));

describe('the official openai client, over responses', () => {
  beforeEach(async () => {
    s = await chatServer({ CACHE_SDK: 'always' });
  });

  afterEach(async () => {
    await s.close();
    expect(s.provider.open).toBe(0);
  });

  it('gets a response with the fields of its type', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('Rust').done();
    const { responses } = client();
    const response = await responses.create({
      model: 'm',
      input: 'hello',
      instructions: 'be brief',
      metadata: { topic: 'x' },
    });
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      model: 'm',
      error: null,
      incomplete_details: null,
      instructions: 'be brief',
      metadata: { topic: 'x' },
      output_text: 'Rust',
      parallel_tool_calls: true,
      tool_choice: 'auto',
      tools: [],
      usage: {
        input_tokens: 3,
        output_tokens: 5,
        total_tokens: 8,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens_details: { reasoning_tokens: 0 },
      },
    });
    const id = response.id.replace('resp_', '');
    expect(response.output).toEqual([
      {
        id: `rs_${id}_0`,
        type: 'reasoning',
        status: 'completed',
        summary: [],
        content: [{ type: 'reasoning_text', text: 'hm' }],
      },
      {
        id: `msg_${id}_1`,
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'Rust', annotations: [], logprobs: [] }],
      },
    ]);
    expect(s.provider.last.request.messages).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'hello' },
    ]);
    expect(await responses.retrieve(response.id)).toEqual(response);
  });

  it('streams every event in its order, and ends with what the deltas say', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('Ru').say('st').ask([CALL]).done();
    const stream = await client().responses.create({ model: 'm', input: 'hello', tools: [WEATHER], stream: true });
    const events = await eventsOf(stream);
    expect(types(events)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'reasoning_text.delta',
      'reasoning_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error('the stream did not complete');
    expect(last.response.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call']);
    expect(await client().responses.retrieve(last.response.id)).toMatchObject({
      status: 'completed',
      output: last.response.output,
    });
  });

  it('keeps the order of texts and reasoning, streamed or not, and when it is read again', async () => {
    s.provider.onCall = (call) => void call.say('a').think('b').ask([CALL]).say('c').done('length');
    const { responses } = client();
    const request = { model: 'm', input: 'hello', tools: [WEATHER] };
    const whole = await responses.create(request);
    const streamed = await responses.stream(request).finalResponse();
    const kinds = ['message', 'reasoning', 'function_call', 'message'];
    expect(whole.output.map(({ type }) => type)).toEqual(kinds);
    expect(streamed.output.map(({ type }) => type)).toEqual(kinds);
    for (const { id, output } of [whole, streamed]) {
      const ids = (await responses.retrieve(id)).output.map((item) => item.id);
      expect(ids).toEqual(output.map((item) => item.id));
    }
  });

  it('names each event in its own line', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const reply = await post({ model: 'm', input: 'hello', stream: true });
    const names = [...(await reply.text()).matchAll(/^event: (\S+)\ndata: \{"type":"([^"]+)"/gm)];
    expect(names.length).toBeGreaterThan(8);
    for (const [, name, type] of names) expect(name).toBe(type);
  });

  it('says that a request waits, and then what it is about', async () => {
    const first = client().responses.create({ model: 'm', input: 'first' });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    const second = client().responses.create({ model: 'm', input: 'second', stream: true }).then(eventsOf);
    await vi.waitFor(() => expect(s.engine.overview(member('127.0.0.1')).queue_length).toBe(1));
    s.provider.onCall = (call) => void call.say('two').done();
    s.provider.last.say('one').done();
    await first;
    await vi.waitFor(async () => {
      await s.clock.advance(1_000);
      expect(s.provider.calls).toHaveLength(2);
    });
    const events = await second;
    expect(types(events).slice(0, 3)).toEqual(['created', 'queued', 'in_progress']);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const [created] = events;
    if (created?.type !== 'response.created') throw new Error('the stream does not begin with its creation');
    const again = await client().responses.retrieve(created.response.id, { stream: true, starting_after: 1 });
    expect(await eventsOf(again)).toEqual(events.slice(2));
  });

  it('reads the stream by its helper, and gives the same to the same question from the cache', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('Rust').done();
    const read = () => client().responses.stream({ model: 'm', input: 'hello' }).finalResponse();
    const fresh = await read();
    const cached = [await read(), await read()];
    expect(s.provider.calls).toHaveLength(1);
    expect(fresh.output_text).toBe('Rust');
    for (const { output_text, id } of cached) {
      expect(output_text).toBe('Rust');
      expect(id).not.toBe(fresh.id);
      expect(await client().responses.retrieve(id)).toMatchObject({ id, status: 'completed', output_text: 'Rust' });
    }
    for (const _ of [1, 2]) {
      const { data, response } = await client().responses.create({ model: 'm', input: 'hello' }).withResponse();
      expect(response.headers.get('x-cache')).toBe('hit');
      expect(data.output_text).toBe('Rust');
      expect(await client().responses.retrieve(data.id)).toEqual(data);
      const [page] = await Promise.all([client().responses.retrieve(data.id, { stream: true }).then(eventsOf)]);
      expect(page.at(-1)).toMatchObject({ response: { id: data.id, output: data.output } });
    }
    const page = await fetch(`${s.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
    });
    expect(page.headers.get('x-cache')).toBe('hit');
  });

  it('repeats the parameters of each request that shares a cached response', async () => {
    s.provider.onCall = (call) => void call.say('Rust').done();
    for (const topic of ['a', 'b', 'a', 'b', 'b']) {
      const response = await client().responses.create({ model: 'm', input: 'hello', metadata: { topic } });
      expect(response.metadata).toEqual({ topic });
    }
    expect(s.provider.calls).toHaveLength(1);
  });

  it('goes through a loop of tools by the id of the previous response', async () => {
    s.provider.onCall = (call) => void call.think('which city?').ask([CALL]).done();
    const { responses } = client();
    const first = await responses.create({ model: 'm', input: 'weather in Bern?', tools: [WEATHER] });
    expect(s.provider.last.request.tools).toEqual([
      {
        type: 'function',
        function: { name: 'weather', description: WEATHER.description, parameters: WEATHER.parameters },
      },
    ]);
    const called = first.output.find((item) => item.type === 'function_call');
    expect(called).toMatchObject({ call_id: 'c1', name: 'weather', arguments: '{"city":"Bern"}' });
    s.provider.onCall = (call) => void call.say('Rain.').done();
    const second = await responses.create({
      model: 'm',
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id: 'c1', output: 'rain' }],
      tools: [WEATHER],
    });
    expect(second).toMatchObject({ output_text: 'Rain.', previous_response_id: first.id });
    const conversation = [
      { role: 'user', content: 'weather in Bern?' },
      { role: 'assistant', content: '', thinking: 'which city?', tool_calls: [CALL] },
      { role: 'tool', content: 'rain', tool_call_id: 'c1', tool_name: 'weather' },
    ];
    expect(s.provider.last.request.messages).toEqual(conversation);
    s.provider.onCall = (call) => void call.say('Yes.').done();
    await responses.create({ model: 'm', previous_response_id: second.id, input: 'sure?' });
    expect(s.provider.last.request.messages).toEqual([
      ...conversation,
      { role: 'assistant', content: 'Rain.' },
      { role: 'user', content: 'sure?' },
    ]);
  });

  it('takes the whole conversation as items, as an agent sends it without a state', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('One moment.').ask([CALL]).done();
    const { responses } = client();
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'weather?' }];
    const first = await responses.create({ model: 'm', input, tools: [WEATHER], store: false });
    s.provider.onCall = (call) => void call.say('Rain.').done();
    const { response } = await responses
      .create({
        model: 'm',
        input: [
          ...input,
          ...(first.output as OpenAI.Responses.ResponseInput),
          { type: 'function_call_output', call_id: 'c1', output: 'rain' },
        ],
        store: false,
      })
      .withResponse();
    expect(response.headers.get('x-ignored-fields')).toBeNull();
    expect(s.provider.last.request.messages).toEqual([
      { role: 'user', content: 'weather?' },
      { role: 'assistant', content: 'One moment.', thinking: 'hm', tool_calls: [CALL] },
      { role: 'tool', content: 'rain', tool_call_id: 'c1', tool_name: 'weather' },
    ]);
    await expect(responses.retrieve(first.id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
    await expect(
      responses.create({ model: 'm', previous_response_id: first.id, input: 'go on' }),
    ).rejects.toMatchObject({ status: 400, param: 'previous_response_id', code: 'previous_response_not_found' });
  });

  it('parses structured output by a zod schema', async () => {
    const city = z.object({ name: z.string(), inhabitants: z.number() });
    s.provider.onCall = (call) => void call.say('{"name":"Bern","inhabitants":140000}').done();
    const request = { model: 'm', input: 'a city', text: { format: zodTextFormat(city, 'city') } };
    expect((await client().responses.parse(request)).output_parsed).toEqual({ name: 'Bern', inhabitants: 140_000 });
    const streamed = await client().responses.stream(request).finalResponse();
    expect(streamed.output_parsed).toEqual({ name: 'Bern', inhabitants: 140_000 });
    expect(s.provider.last.request).toMatchObject({
      format: { type: 'object', required: ['name', 'inhabitants'] },
      formatDetails: { name: 'city', strict: true },
    });
  });

  it('passes sampling, effort, images, files and roles on', async () => {
    s.provider.onCall = (call) => void call.say('a dot').done();
    await client().responses.create({
      model: 'm',
      instructions: 'be brief',
      temperature: 0.5,
      top_p: 0.9,
      max_output_tokens: 7,
      reasoning: { effort: 'low', summary: 'auto' },
      input: [
        { role: 'developer', content: 'be kind' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'what is it?' },
            { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${PNG}` },
            { type: 'input_file', filename: 'a.txt', file_data: `data:text/plain;base64,${btoa('note')}` },
          ],
        },
      ],
    });
    expect(s.provider.last.request).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'be brief\n\nbe kind' },
        { role: 'user', content: 'what is it?\nFile a.txt:\nnote', images: [PNG] },
      ],
      options: { temperature: 0.5, top_p: 0.9, num_predict: 7 },
      think: 'low',
      passthrough: { reasoning_effort: 'low' },
    });
  });

  it('calls custom tools and tools in namespaces by the names of the request', async () => {
    s.provider.onCall = (call) =>
      void call
        .ask([
          { id: 'c1', function: { name: 'patch', arguments: { input: '*** Begin' } } },
          { id: 'c2', function: { name: 'crm__find', arguments: { id: 1 } } },
        ])
        .done();
    const tools: OpenAI.Responses.Tool[] = [
      { type: 'custom', name: 'patch', description: 'Edits files.' },
      {
        type: 'namespace',
        name: 'crm',
        description: 'Customers.',
        tools: [{ type: 'function', name: 'find', parameters: { type: 'object', properties: {} } }],
      },
    ];
    const { responses } = client();
    const streamed = await responses.stream({ model: 'm', input: 'edit', tools }).finalResponse();
    expect(streamed.output).toMatchObject([
      { type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: '*** Begin' },
      { type: 'function_call', call_id: 'c2', name: 'find', namespace: 'crm', arguments: '{"id":1}' },
    ]);
    expect(s.provider.last.request.tools?.map(({ function: { name, description } }) => [name, description])).toEqual([
      ['patch', 'Edits files.'],
      ['crm__find', 'Customers.'],
    ]);
    s.provider.onCall = (call) => void call.say('Done.').done();
    await responses.create({
      model: 'm',
      previous_response_id: streamed.id,
      tools,
      input: [
        { type: 'custom_tool_call_output', call_id: 'c1', output: 'edited' },
        { type: 'function_call_output', call_id: 'c2', output: 'Ann' },
      ],
    });
    expect(s.provider.last.request.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'c1', function: { name: 'patch', arguments: { input: '*** Begin' } } },
          { id: 'c2', function: { name: 'crm__find', arguments: { id: 1 } } },
        ],
      },
      { role: 'tool', content: 'edited', tool_call_id: 'c1', tool_name: 'patch' },
      { role: 'tool', content: 'Ann', tool_call_id: 'c2', tool_name: 'crm__find' },
    ]);
  });

  it('ends as incomplete at the token limit', async () => {
    s.provider.onCall = (call) => void call.say('Ru').done('length');
    const incomplete = {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ type: 'message', status: 'incomplete' }],
    };
    const { responses } = client();
    expect(await responses.create({ model: 'm', input: 'x', max_output_tokens: 1 })).toMatchObject(incomplete);
    const events = await eventsOf(await responses.create({ model: 'm', input: 'x', stream: true }));
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: incomplete });
  });

  it('returns log probabilities with the text', async () => {
    s.provider.onCall = (call) => void call.logprobs('Ru').say('Ru').logprobs('st').say('st').done();
    const request = {
      model: 'm',
      input: 'x',
      include: ['message.output_text.logprobs' as const],
      top_logprobs: 1,
    };
    const streamed = await client().responses.stream(request).finalResponse();
    const whole = await client().responses.create(request);
    for (const { output } of [streamed, whole])
      expect(output).toMatchObject([
        {
          content: [
            {
              text: 'Rust',
              logprobs: [
                { token: 'Ru', logprob: -0.5, bytes: [82, 117], top_logprobs: [{ token: 'other', logprob: -2 }] },
                { token: 'st' },
              ],
            },
          ],
        },
      ]);
    expect(s.provider.last.request).toMatchObject({ logprobs: true, topLogprobs: 1 });
  });

  it('reads errors: of the request, of the model, and in mid-stream', async () => {
    const { responses } = client();
    await expect(responses.create({ model: 'm', input: [] })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_request',
      param: 'input',
      type: 'invalid_request_error',
    });
    await expect(responses.create({ model: 'm', input: 'x', tools: [{ type: 'web_search' }] })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'tools.0.type',
    });
    s.provider.onCall = (call) => void call.fail(new AppError('model_not_found', 'Pull it.'));
    for (const stream of [true, false])
      await expect(responses.create({ model: 'm', input: 'x', stream })).rejects.toMatchObject({
        status: 404,
        code: 'model_not_found',
      });
    s.provider.onCall = (call) => void call.say('x').fail(new AppError('upstream_failed', 'It broke.'));
    const events = await eventsOf(await responses.create({ model: 'm', input: 'x', stream: true }));
    const last = events.at(-1);
    if (last?.type !== 'response.failed') throw new Error('the stream did not fail');
    const failed = { status: 'failed', error: { code: 'server_error', message: 'It broke.' } };
    expect(last.response).toMatchObject({ ...failed, output: [{ type: 'message', status: 'incomplete' }] });
    expect(await responses.retrieve(last.response.id)).toMatchObject(failed);
  });

  it('ends the call upstream after an abort without a return', async () => {
    s.provider.onCall = (call) => void call.say('x');
    const stream = await client().responses.create({ model: 'm', input: 'hello', stream: true });
    await stream[Symbol.asyncIterator]().next();
    stream.controller.abort();
    const id = s.engine.overview(member('127.0.0.1')).processing[0]?.request_id ?? '';
    const { generation } = s.engine.find(id, '127.0.0.1');
    await vi.waitFor(() => expect(generation.isRetained).toBe(false));
    await s.clock.advance(10_000);
    expect(s.provider.last.signal.aborted).toBe(true);
    expect(await client().responses.retrieve(`resp_${id}`)).toMatchObject({ status: 'cancelled' });
  });

  it('runs in the background: polled, read again, cancelled', async () => {
    const { responses } = client();
    const started = await responses.create({ model: 'm', input: 'hello', background: true });
    expect(started).toMatchObject({ status: 'in_progress', background: true, output: [] });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    await s.clock.advance(60_000);
    s.provider.last.say('Ru');
    const reader = responses.retrieve(started.id, { stream: true }).then(eventsOf);
    s.provider.last.say('st').done();
    const events = await reader;
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { id: started.id } });
    expect(await responses.retrieve(started.id)).toMatchObject({ status: 'completed', output_text: 'Rust' });
    const rest = await responses.retrieve(started.id, { stream: true, starting_after: 4 });
    expect(await eventsOf(rest)).toEqual(events.slice(5));

    const other = await responses.create({ model: 'm', input: 'other', background: true });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    expect(await responses.cancel(other.id)).toMatchObject({ id: other.id, status: 'cancelled' });
    expect(s.provider.last.signal.aborted).toBe(true);
    expect(await responses.cancel(other.id)).toMatchObject({ status: 'cancelled' });
    expect(await responses.cancel(started.id)).toMatchObject({ status: 'completed' });
    await expect(responses.create({ model: 'm', input: 'x', background: true, store: false })).rejects.toMatchObject({
      status: 400,
      param: 'background',
    });
  });

  it('goes on in the background when its reader disconnects', async () => {
    const { responses } = client();
    const stream = await responses.create({ model: 'm', input: 'hello', background: true, stream: true });
    const events = stream[Symbol.asyncIterator]();
    const { value: created } = await events.next();
    stream.controller.abort();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    await s.clock.advance(60_000);
    s.provider.last.say('Rust').done();
    await vi.waitFor(async () =>
      expect(await responses.retrieve(created.response.id)).toMatchObject({ output_text: 'Rust' }),
    );
  });

  it('replays a stored response as a stream when its own events are not kept', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('Ru').say('st').ask([CALL]).done();
    const { responses } = client();
    const { id, output } = await responses.create({ model: 'm', input: 'hello', tools: [WEATHER] });
    await s.clock.advance(20 * 60_000);
    const events = await eventsOf(await responses.retrieve(id, { stream: true }));
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { id, output } });
    await expect(responses.retrieve(id, { stream: true, starting_after: 3 })).rejects.toMatchObject({
      status: 400,
      param: 'starting_after',
    });
  });

  it('lists the items of a conversation, refers to them and deletes them', async () => {
    s.provider.onCall = (call) => void call.say('Rust').done();
    const { responses } = client();
    const first = await responses.create({ model: 'm', input: 'hello', instructions: 'be brief' });
    const second = await responses.create({ model: 'm', previous_response_id: first.id, input: 'again' });
    const items: OpenAI.Responses.ResponseItem[] = [];
    for await (const item of responses.inputItems.list(second.id, { order: 'asc', limit: 2 })) items.push(item);
    expect(items).toMatchObject([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Rust' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'again' }] },
    ]);
    const newest = await responses.inputItems.list(second.id);
    expect(newest.data.map(({ id }) => id)).toEqual(items.map(({ id }) => id).reverse());
    await responses.create({
      model: 'm',
      input: [
        { type: 'item_reference', id: String(items[0]?.id) },
        { type: 'item_reference', id: String(first.output[0]?.id) },
        { role: 'user', content: 'go on' },
      ],
    });
    expect(s.provider.last.request.messages).toEqual([
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'Rust' },
      { role: 'user', content: 'go on' },
    ]);
    await responses.delete(first.id);
    await expect(responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
    await expect(responses.create({ model: 'm', previous_response_id: second.id, input: 'x' })).rejects.toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
    });
    await expect(
      responses.create({ model: 'm', input: [{ type: 'item_reference', id: 'msg_none' }] }),
    ).rejects.toMatchObject({ status: 400, param: 'input.0.id' });
  });

  it('ends what it deletes', async () => {
    const { responses } = client();
    const { id } = await responses.create({ model: 'm', input: 'hello', background: true });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    await responses.delete(id);
    expect(s.provider.last.signal.aborted).toBe(true);
    await expect(responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it('refuses to continue a response that is not complete', async () => {
    const { responses } = client();
    const { id } = await responses.create({ model: 'm', input: 'hello', background: true });
    await expect(responses.create({ model: 'm', previous_response_id: id, input: 'x' })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/not complete yet/),
    });
    await responses.cancel(id);
  });

  it('forgets a response after its time', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { responses } = client();
    const { id } = await responses.create({ model: 'm', input: 'hello' });
    await s.clock.advance(86_400_000 - 1);
    await responses.retrieve(id);
    await s.clock.advance(86_400_000 + 1);
    await expect(responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it('keeps its responses when the operator clears the caches', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { responses } = client();
    await responses.create({ model: 'm', input: 'hello' });
    const { id } = await responses.create({ model: 'm', input: 'hello' });
    await fetch(`${s.url}/api/cache-stats`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'clear' }),
    });
    expect(await responses.retrieve(id)).toMatchObject({ output_text: 'x' });
  });

  it('keeps what belongs to one key from another', async () => {
    await s.close();
    s = await chatServer({ API_KEYS: 'ann,bob' });
    s.provider.onCall = (call) => void call.say('x').done();
    const { id, output } = await client('ann').responses.create({ model: 'm', input: 'hello' });
    const { responses } = client('bob');
    for (const use of [
      () => responses.retrieve(id),
      () => responses.delete(id),
      () => responses.cancel(id),
      () => responses.inputItems.list(id),
    ])
      await expect(use()).rejects.toMatchObject({ status: 404, code: 'not_found' });
    await expect(responses.create({ model: 'm', previous_response_id: id, input: 'x' })).rejects.toMatchObject({
      status: 400,
    });
    const reference = { type: 'item_reference' as const, id: String(output[0]?.id) };
    await expect(responses.create({ model: 'm', input: [reference] })).rejects.toMatchObject({ status: 400 });
    expect(await client('ann').responses.retrieve(id)).toMatchObject({ id });
  });

  it('never replaces a stored response by one with an id that its client chose', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const headers = { 'x-request-id': '00000000-0000-4000-8000-000000000001' };
    const first = await client().responses.create({ model: 'm', input: 'one' }, { headers });
    const second = await client().responses.create(
      { model: 'm', input: 'two', previous_response_id: first.id },
      { headers },
    );
    expect(first.id).toBe(`resp_${headers['x-request-id']}`);
    expect(second.id).not.toBe(first.id);
  });

  it('gives each of two requests that share a generation its own response', async () => {
    const { responses } = client();
    const start = () => responses.create({ model: 'm', input: 'hello', background: true });
    const [first, second] = [await start(), await start()];
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    expect(second.id).not.toBe(first.id);
    s.provider.last.say('Ru');
    expect(await responses.cancel(first.id)).toMatchObject({ status: 'cancelled' });
    s.provider.last.say('st').done();
    await vi.waitFor(async () =>
      expect(await responses.retrieve(second.id)).toMatchObject({ status: 'completed', output_text: 'Rust' }),
    );
    expect(await responses.retrieve(first.id)).toMatchObject({
      status: 'cancelled',
      output: [{ type: 'message', status: 'incomplete', content: [{ text: 'Ru' }] }],
    });
    expect(s.provider.calls).toHaveLength(1);
    const cached = await start();
    expect(cached).toMatchObject({ status: 'completed', output: [{ content: [{ text: 'Rust' }] }] });
    expect(await responses.retrieve(cached.id)).toMatchObject({ output_text: 'Rust' });
  });

  it('honours an Idempotency-Key in the background', async () => {
    s.provider.onCall = (call) => void call.say('x').done('length');
    const start = (key: string) =>
      client().responses.create(
        { model: 'm', input: 'hello', background: true },
        { headers: { 'idempotency-key': key } },
      );
    const [first, again, other] = [await start('a'), await start('a'), await start('b')];
    expect(again.id).toBe(first.id);
    expect(other.id).not.toBe(first.id);
    expect(await client().responses.retrieve(first.id)).toMatchObject({ status: 'incomplete' });
  });

  it('takes large images, and refuses as much text', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { responses } = client();
    const image_url = `data:image/png;base64,${'A'.repeat(1_500_000)}`;
    const image = { type: 'input_image' as const, detail: 'auto' as const, image_url };
    const call = { type: 'function_call' as const, call_id: 'c1', name: 'look', arguments: '{}' };
    for (const input of [
      [{ role: 'user' as const, content: [image] }],
      [
        { role: 'user' as const, content: 'x' },
        call,
        { type: 'function_call_output' as const, call_id: 'c1', output: [image] },
      ],
    ])
      expect(await responses.create({ model: 'm', input })).toMatchObject({ output_text: 'x' });
    await expect(responses.create({ model: 'm', input: image_url })).rejects.toMatchObject({
      status: 413,
      code: 'body_too_large',
    });
  });

  it('refuses to make a request of more than 20 MiB of what is stored', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { responses } = client();
    const image_url = `data:image/png;base64,${'A'.repeat(11_000_000)}`;
    const input = [
      { role: 'user' as const, content: [{ type: 'input_image' as const, detail: 'auto' as const, image_url }] },
    ];
    const first = await responses.create({ model: 'm', input });
    const second = await responses.create({ model: 'm', input, previous_response_id: first.id });
    await expect(responses.create({ model: 'm', input: 'x', previous_response_id: second.id })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/larger than 20 MiB/),
    });
    const { data } = await responses.inputItems.list(first.id);
    const reference = { type: 'item_reference' as const, id: String(data[0]?.id) };
    await expect(responses.create({ model: 'm', input: [reference, reference] })).rejects.toMatchObject({
      status: 400,
      param: 'input.0.id',
    });
    expect(s.provider.calls).toHaveLength(2);
  }, 30_000);

  it('counts the tokens of an input by the model server', async () => {
    s.provider.onCall = (call) => void call.say('x').done('length');
    expect(await client().responses.inputTokens.count({ model: 'm', input: 'hello' })).toEqual({
      object: 'response.input_tokens',
      input_tokens: 3,
    });
    expect(s.provider.last.request.options).toEqual({ num_predict: 1 });
  });

  it.each([
    [{ prompt_tokens: 9, completion_tokens: 1, prompt_truncated: true }, 400, 'context_length_exceeded'],
    [{ prompt_tokens: 0, completion_tokens: 1 }, 502, 'upstream_failed'],
  ])('gives no count that is not that of the whole input: %j', async (usage, status, code) => {
    s.provider.chat = async (_request, _signal, emit) => emit({ type: 'done', done_reason: 'length', usage });
    await expect(client().responses.inputTokens.count({ model: 'm', input: 'hello' })).rejects.toMatchObject({
      status,
      code,
    });
  });
});

function post(body: object): Promise<Response> {
  return fetch(`${s.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

describe.each(['openai', 'ollama'] as const)('responses before a model server of the kind %s', (kind) => {
  let model: FaultyModelServer;

  beforeAll(async () => {
    model = await startFaultyModelServer();
    const provider =
      kind === 'openai'
        ? new OpenAiProvider({ url: `${model.url}/v1` })
        : new OllamaProvider({ url: model.url, keepAlive: '5m' });
    s = await chatServer(
      {},
      { clock: systemClock, directory: { resolve: async (name) => ({ provider, model: name ?? 'm' }) } },
    );
  });

  afterAll(async () => {
    await s.close();
    await model.close();
  });

  it('asks it in its own API, and reads its stream', async () => {
    model.play([
      {
        send:
          kind === 'openai'
            ? openai.text('Rust') + openai.finish() + openai.usage() + openai.done()
            : ollama.text('Rust') + ollama.done(),
      },
    ]);
    const response = await client()
      .responses.stream({ model: 'm', instructions: 'be brief', input: 'hello', user: 'ann', max_output_tokens: 9 })
      .finalResponse();
    expect(response).toMatchObject({ status: 'completed', output_text: 'Rust', user: 'ann' });
    expect(response.usage?.total_tokens).toBeGreaterThan(0);
    expect(model.requests.at(-1)).toMatchObject({
      path: kind === 'openai' ? '/v1/chat/completions' : '/api/chat',
      body: {
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'user', content: 'hello' },
        ],
        ...(kind === 'openai' ? { user: 'ann', max_tokens: 9 } : { options: { num_predict: 9 } }),
      },
    });
  });
});

describe('responses of the built-in model', () => {
  let app: RunningApp;

  beforeAll(async () => {
    app = await startApp('server', { LOG_LEVEL: 'silent', MODEL_PROVIDER: 'embedded' });
  }, 60_000);

  afterAll(() => app.stop());

  it('stream, are stored and continued', async () => {
    const { responses } = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const first = await responses.stream({ input: 'Say hello.', temperature: 0, max_output_tokens: 8 }).finalResponse();
    expect(first.output_text).not.toBe('');
    expect(first.usage?.input_tokens).toBeGreaterThan(0);
    const second = await responses.create({
      previous_response_id: first.id,
      input: 'Say it again.',
      temperature: 0,
      max_output_tokens: 8,
    });
    expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? 0);
    expect(await responses.retrieve(second.id)).toMatchObject({ output: second.output });
    expect((await responses.inputTokens.count({ input: 'Say hello.' })).input_tokens).toBe(first.usage?.input_tokens);
  }, 120_000);
});
