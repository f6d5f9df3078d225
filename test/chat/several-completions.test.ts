import type OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { member } from '#lib/http/principal';
import {
  bodiesOf,
  type CompletionStage,
  clientOf,
  closeCompletions,
  event,
  generated,
  openCompletions,
  piece,
  promptOf,
  restart,
  texts,
} from '../support/completions.ts';

let stage: CompletionStage;

beforeEach(async () => {
  stage = await openCompletions();
});

afterEach(() => closeCompletions(stage));

describe('several prompts of one request', () => {
  it('get one choice each, in their order, from the cache where it has them', async () => {
    const first = Promise.withResolvers<void>();
    stage.model.choose((body) => {
      const prompt = promptOf(body);
      if (prompt === 'b') first.resolve();
      return [...(prompt === 'a' ? [{ wait: first.promise }] : []), ...texts(`${prompt}!`)];
    });
    const create = () =>
      clientOf(stage)
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
    expect(bodiesOf(stage).map(promptOf).sort()).toEqual(['a', 'b']);
    const again = await create();
    expect(again.response.headers.get('x-cache')).toBe('hit');
    expect(again.data.choices).toEqual(data.choices);
    expect(stage.model.requests).toHaveLength(2);
  });

  it('stream together, each chunk with the index of its prompt', async () => {
    const second = Promise.withResolvers<void>();
    stage.model.choose((body) =>
      promptOf(body) === 'a' ? [{ wait: second.promise }, ...texts('a1', 'a2')] : texts('b1', 'b2'),
    );
    const stream = await clientOf(stage).completions.create({
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
    stage.model.choose((body) =>
      promptOf(body) === 'bad' ? [{ status: 400 }, { send: '{"error":{"message":"bad prompt"}}' }] : ['hang'],
    );
    for (const stream of [false, true])
      await expect(
        clientOf(stage).completions.create({ model: 'openai', prompt: ['good', 'bad'], stream }),
      ).rejects.toMatchObject({ status: 422, message: expect.stringContaining('bad prompt') });
    await stage.model.idle();
    expect(stage.s.engine.overview(member('x')).processing).toEqual([]);
  });

  it('report a failure after the first text as an event of the stream', async () => {
    const begun = Promise.withResolvers<void>();
    stage.model.choose((body) =>
      promptOf(body) === 'a'
        ? [piece('a'), 'hang']
        : [{ wait: begun.promise }, { status: 400 }, { send: '{"error":{"message":"bad prompt"}}' }],
    );
    const stream = await clientOf(stage).completions.create({ model: 'openai', prompt: ['a', 'b'], stream: true });
    const read = async () => {
      for await (const chunk of stream) if (chunk.choices[0]?.text === 'a') begun.resolve();
    };
    await expect(read()).rejects.toThrow(/bad prompt/);
    await stage.model.idle();
  });

  it('end with the failure of one that had begun', async () => {
    const read = Promise.withResolvers<void>();
    stage.model.choose((body) =>
      promptOf(body) === 'a'
        ? [piece('a'), 'hang']
        : [piece('b'), { wait: read.promise }, event({ error: { message: 'out of memory' } })],
    );
    const response = await fetch(`${stage.s.url}/v1/completions`, {
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
    await stage.model.idle();
  });

  it('name a field without an effect by OpenAI’s name', async () => {
    stage.model.play(generated('{}'));
    const format = { type: 'json_schema', json_schema: { name: 'a', description: 'b', schema: { type: 'object' } } };
    const { response } = await clientOf(stage)
      .completions.create({ model: 'ollama', prompt: ['a', 'b'], ...{ response_format: format } })
      .withResponse();
    expect(response.headers.get('x-ignored-fields')).toBe('response_format.json_schema.description');
  });

  it('count as as many requests for the rate limit', async () => {
    await stage.s.close();
    await restart(stage, { RATE_LIMIT_CHAT: '3' });
    stage.model.play(texts('x'));
    await clientOf(stage).completions.create({ model: 'openai', prompt: ['a', 'b'] });
    await expect(clientOf(stage).completions.create({ model: 'openai', prompt: ['c', 'd'] })).rejects.toMatchObject({
      status: 429,
      code: 'rate_limited',
    });
    expect(stage.model.requests).toHaveLength(2);
  });

  it('go on for a moment when their client has left, and are cancelled then', async () => {
    await stage.s.close();
    await restart(stage, { DISCONNECT_GRACE_MS: '10000' }, {});
    stage.model.play(['hang']);
    const controller = new AbortController();
    const asked = clientOf(stage).completions.create(
      { model: 'openai', prompt: ['a', 'b'] },
      { signal: controller.signal },
    );
    await vi.waitFor(() => expect(stage.model.running).toBe(2));
    controller.abort();
    await expect(asked).rejects.toThrow();
    const pending = stage.s.engine
      .overview(member('127.0.0.1'))
      .processing.map(({ request_id: id }) => stage.s.engine.find(String(id), '127.0.0.1'));
    await vi.waitFor(() => expect(pending.map(({ generation }) => generation.isRetained)).toEqual([false, false]));
    expect(pending.map(({ state }) => state)).toEqual(['running', 'running']);
    await stage.s.clock.advance(10_000);
    await stage.model.idle();
    expect(pending.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
  });

  it('are cancelled when the client of their stream has left', async () => {
    stage.model.play([piece('x'), 'hang']);
    const stream = await clientOf(stage).completions.create({ model: 'openai', prompt: ['a', 'b'], stream: true });
    await stream[Symbol.asyncIterator]().next();
    await vi.waitFor(() => expect(stage.model.running).toBe(2));
    stream.controller.abort();
    await stage.model.idle();
    expect(await Promise.all(stage.model.requests.map(({ over }) => over))).toEqual([false, false]);
  });
});

describe('n choices of /v1/completions', () => {
  const bySeed = () =>
    stage.model.choose((body) => texts(`${promptOf(body)} ${Reflect.get(Object(body), 'seed') ?? 'random'}`));

  it('are as many generations, with a seed each, by which they are cached one by one', async () => {
    bySeed();
    const create = (fields: object) =>
      clientOf(stage)
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
    for (const body of bodiesOf(stage)) expect(Object.keys(Object(body))).not.toContain('n');
    const again = await create({});
    expect([again.response.headers.get('x-cache'), again.response.headers.get('age')]).toEqual(['hit', '0']);
    expect(again.data.choices).toEqual(first.data.choices);
    expect((await create({ n: 1, best_of: 1, seed: 8 })).response.headers.get('x-cache')).toBe('hit');
    expect(stage.model.requests).toHaveLength(3);
  });

  it('follow each other for each of several prompts', async () => {
    bySeed();
    const { choices, usage } = await clientOf(stage).completions.create({
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
    stage.model.choose(() => texts(`sample ${++count}`));
    const ask = { model: 'openai', prompt: 'a', n: 3, ...{ cache: 'on' } };
    for (const _ of [1, 2]) {
      const { choices } = await clientOf(stage).completions.create(ask);
      expect(new Set(choices.map(({ text }) => text)).size).toBe(3);
    }
    expect(stage.model.requests).toHaveLength(5);
  });

  it('come in one stream with their indexes, one usage and one end', async () => {
    bySeed();
    const stream = await clientOf(stage).completions.create({
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
    await stage.s.close();
    await restart(stage, { RATE_LIMIT_CHAT: '5' });
    stage.model.play(texts('x'));
    await clientOf(stage).completions.create({ model: 'openai', prompt: ['a', 'b'], n: 2 });
    await expect(clientOf(stage).completions.create({ model: 'openai', prompt: 'c', n: 2 })).rejects.toMatchObject({
      status: 429,
    });
  });
});
