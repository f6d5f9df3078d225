import OpenAI from 'openai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { choicesLogFields } from '#lib/chat/http/access-log-fields';
import { AppError } from '#lib/errors';
import type { ScriptedCall } from '../support/chat.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

/** `n` above 1 at `/v1/chat/completions`. */

let s: ChatServer;

afterEach(async () => {
  await s.close();
  expect(s.provider.open).toBe(0);
});

const messages = [{ role: 'user' as const, content: 'hello' }];
const client = () => new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });
const create = (fields: object) =>
  client()
    .chat.completions.create({ model: 'm', messages, n: 3, ...fields, stream: false })
    .withResponse();
const textsOf = ({ data }: Awaited<ReturnType<typeof create>>) => data.choices.map(({ message }) => message.content);

function samples(): void {
  let count = 0;
  s.provider.onCall = (call) => void call.say(`sample ${++count}`).done();
}

const bySeed = (call: ScriptedCall) => void call.say(`seed ${call.request.options.seed}`).done();

describe('several choices', () => {
  it('are as many generations, with their usage together', async () => {
    s = await chatServer();
    samples();
    const reply = await create({});
    expect(textsOf(reply)).toEqual(['sample 1', 'sample 2', 'sample 3']);
    expect(reply.data).toMatchObject({
      id: `chatcmpl-${reply.response.headers.get('x-request-id')}`,
      object: 'chat.completion',
      choices: [0, 1, 2].map((index) => ({ index, finish_reason: 'stop' })),
      usage: { prompt_tokens: 3, completion_tokens: 15, total_tokens: 18 },
    });
    expect(reply.response.headers.get('x-cache')).toBe('bypass');
    expect(s.provider.calls.map(({ request }) => request.options)).toEqual([{}, {}, {}]);
  });

  it('have a seed each, by which they are cached one by one', async () => {
    s = await chatServer();
    s.provider.onCall = bySeed;
    const first = await create({ seed: 7 });
    expect(textsOf(first)).toEqual(['seed 7', 'seed 8', 'seed 9']);
    expect(first.response.headers.get('x-cache')).toBe('miss');
    const again = await create({ seed: 7 });
    expect(textsOf(again)).toEqual(['seed 7', 'seed 8', 'seed 9']);
    expect([again.response.headers.get('x-cache'), again.response.headers.get('age')]).toEqual(['hit', '0']);
    expect(textsOf(await create({ seed: 9, n: 1 }))).toEqual(['seed 9']);
    expect(textsOf(await create({ seed: 8 }))).toEqual(['seed 8', 'seed 9', 'seed 10']);
    expect(s.provider.calls).toHaveLength(4);
  });

  it('are never one cached response, also where the cache is read', async () => {
    s = await chatServer({ CACHE_SDK: 'always' });
    samples();
    expect(new Set(textsOf(await create({}))).size).toBe(3);
    const texts = textsOf(await create({ cache: 'on' }));
    expect(texts[0]).toBe('sample 1');
    expect(new Set(texts).size).toBe(3);
  });

  it('wait for their own slots, and say the place of the last', async () => {
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '1' });
    const reply = create({ n: 2 });
    await vi.waitFor(() => expect(s.engine.load).toEqual({ running: 1, waiting: 1 }));
    await s.clock.advance(2_000);
    s.provider.last.say('one').done();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    s.provider.last.say('two').done();
    const { response } = await reply;
    expect(response.headers.get('x-queue-position')).toBe('1');
    expect(response.headers.get('x-queue-wait-ms')).toBe('2000');
    expect(textsOf(await reply)).toEqual(['one', 'two']);
  });

  it('come in one stream with their indexes, one usage and one end', async () => {
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '2' });
    const reply = fetch(`${s.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages, n: 2, stream: true, stream_options: { include_usage: true } }),
    });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    const [one, two] = s.provider.calls;
    two?.say('b');
    one?.say('a').done();
    two?.say('c').done('length');
    const text = await (await reply).text();
    const lines = text.split('\n').filter((line) => line.startsWith('data: '));
    expect(lines.at(-1)).toBe('data: [DONE]');
    expect(lines.filter((line) => line.includes('[DONE]'))).toHaveLength(1);
    const chunks: OpenAI.ChatCompletionChunk[] = lines.slice(0, -1).map((line) => JSON.parse(line.slice(6)));
    const contents = ['', ''];
    const ends: (string | null)[] = [null, null];
    for (const { choices } of chunks)
      for (const { index, delta, finish_reason } of choices) {
        contents[index] += delta.content ?? '';
        ends[index] ??= finish_reason;
      }
    expect(contents).toEqual(['a', 'bc']);
    expect(ends).toEqual(['stop', 'length']);
    expect(chunks.filter(({ usage }) => usage != null).map(({ usage }) => usage)).toEqual([
      { prompt_tokens: 3, completion_tokens: 10, total_tokens: 13 },
    ]);
    expect(chunks.at(-1)?.choices).toEqual([]);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('are read by the SDK from a stream, also from the cache', async () => {
    s = await chatServer();
    s.provider.onCall = bySeed;
    for (const _ of [1, 2]) {
      const contents = ['', '', ''];
      const stream = await client().chat.completions.create({ model: 'm', messages, n: 3, seed: 1, stream: true });
      for await (const { choices } of stream)
        for (const { index, delta } of choices) contents[index] += delta.content ?? '';
      expect(contents).toEqual(['seed 1', 'seed 2', 'seed 3']);
    }
    expect(s.provider.calls).toHaveLength(3);
  });

  it.each([false, true])('fail together before the first token, and end upstream (stream: %s)', async (stream) => {
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '3' });
    const reply = client().chat.completions.create({ model: 'm', messages, n: 3, stream });
    reply.catch(() => {});
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(3));
    s.provider.last.fail(new AppError('provider_unavailable', 'It is busy.'));
    await expect(reply).rejects.toMatchObject({ status: 503, code: 'provider_unavailable' });
    await vi.waitFor(() => expect(s.provider.open).toBe(0));
  });

  it('end a stream with the error of one', async () => {
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '3' });
    const contents = ['', '', ''];
    const read = async () => {
      for await (const { choices } of await client().chat.completions.create({
        model: 'm',
        messages,
        n: 3,
        stream: true,
      }))
        for (const { index, delta } of choices) contents[index] += delta.content ?? '';
    };
    const reading = read();
    reading.catch(() => {});
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(3));
    s.provider.calls[0]?.say('a');
    await vi.waitFor(() => expect(contents[0]).toBe('a'));
    s.provider.calls[1]?.fail(new AppError('upstream_failed', 'It broke.'));
    await expect(reading).rejects.toThrow(/It broke/);
    await vi.waitFor(() => expect(s.provider.open).toBe(0));
  });

  it('are refused as a whole if not all of them have a place', async () => {
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '1', QUEUE_MAX_SIZE: '1' });
    await expect(create({ n: 4 })).rejects.toMatchObject({ status: 503, code: 'queue_full' });
    await vi.waitFor(() => expect(s.engine.load).toEqual({ running: 0, waiting: 0 }));
  });

  it('are one line of the access log, with the tokens of all', async () => {
    s = await chatServer();
    samples();
    const { all, first } = await submitted(3);
    expect(JSON.parse(`{"id":""${choicesLogFields(all, 'bypass')}}`)).toMatchObject({
      cache: 'bypass',
      model: 'm',
      choices: 3,
      prompt_tokens: 9,
      completion_tokens: 15,
      outcome: 'completed',
    });
    expect(choicesLogFields([first], 'bypass')).toContain('"choices":1');

    async function submitted(count: number) {
      const request = { model: 'm', cache: 'off' as const };
      const all = await Promise.all(Array.from({ length: count }, () => s.submit(request)));
      const [first] = all;
      if (first === undefined) throw new Error('nothing was submitted');
      await vi.waitFor(() => expect(all.map(({ state }) => state)).toEqual(all.map(() => 'completed')));
      return { all, first };
    }
  });

  it('count as many requests of the rate limit', async () => {
    s = await chatServer({ RATE_LIMIT_CHAT: '4' });
    samples();
    await create({ n: 3 });
    await expect(create({ n: 2 })).rejects.toMatchObject({ status: 429 });
  });

  it('that the rate limit refuses count as one request', async () => {
    s = await chatServer({ RATE_LIMIT_CHAT: '6' });
    samples();
    await create({ n: 4 });
    await expect(create({ n: 4 })).rejects.toMatchObject({ status: 429 });
    expect(textsOf(await create({ n: 1 }))).toEqual(['sample 5']);
  });
});
