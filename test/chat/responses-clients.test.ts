import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { CALL, eventsOf, types, WEATHER } from '../support/responses-clients.ts';

let s: ChatServer;

function client(apiKey = 'none'): OpenAI {
  return new OpenAI({ baseURL: `${s.url}/v1`, apiKey, maxRetries: 0 });
}

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
