import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bodiesOf,
  type CompletionStage,
  clientOf,
  closeCompletions,
  ended,
  event,
  generated,
  openCompletions,
  piece,
  texts,
} from '../support/completions.ts';

let stage: CompletionStage;

beforeEach(async () => {
  stage = await openCompletions();
});

afterEach(() => closeCompletions(stage));

describe('/v1/completions to an OpenAI-compatible server', () => {
  it('continues a prompt, with OpenAI’s default limit', async () => {
    stage.model.play(texts(' two', ','));
    const completion = await clientOf(stage).completions.create({ model: 'openai', prompt: 'One,' });
    expect(completion).toEqual({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      created: expect.any(Number),
      model: 'openai',
      choices: [{ index: 0, text: ' two,', logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
    });
    expect(stage.model.requests[0]?.path).toBe('/v1/completions');
    expect(bodiesOf(stage)).toEqual([
      { model: 'openai', prompt: 'One,', max_tokens: 16, stream: true, stream_options: { include_usage: true } },
    ]);
  });

  it('passes the suffix, sampling and extras of vLLM and llama.cpp on', async () => {
    stage.model.play(texts('x'));
    const extras = { top_k: 40, min_p: 0.1, repetition_penalty: 1.1, ignore_eos: true, cache_prompt: true };
    await clientOf(stage).completions.create({
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
    expect(bodiesOf(stage)).toEqual([
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
    stage.model.play(texts(...pieces));
    const stream = await clientOf(stage).completions.create({
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
    stage.model.play([piece(' two', logprobs), ...ended()]);
    const { choices } = await clientOf(stage).completions.create({ model: 'openai', prompt: 'One,', logprobs: 2 });
    expect(choices[0]?.logprobs).toEqual({
      tokens: [' two'],
      token_logprobs: [-0.1],
      top_logprobs: [{ ' two': -0.1, ' 2': -3 }],
      text_offset: [0],
    });
    expect(bodiesOf(stage)).toMatchObject([{ logprobs: 2 }]);
  });

  it('puts the prompt in front of the text with echo, and asks the server for it only with logprobs', async () => {
    stage.model.play(texts(' two'));
    const plain = await clientOf(stage).completions.create({ model: 'openai', prompt: 'One,', echo: true });
    expect(plain.choices[0]?.text).toBe('One, two');
    expect(bodiesOf(stage)[0]).not.toHaveProperty('echo');
    const logprobs = { tokens: ['One,', ' two'], token_logprobs: [null, -1], top_logprobs: [null, { ' two': -1 }] };
    stage.model.play([piece('One, two', logprobs), ...ended()]);
    const scored = await clientOf(stage).completions.create({
      model: 'openai',
      prompt: 'One,',
      echo: true,
      logprobs: 0,
    });
    expect(bodiesOf(stage)[1]).toMatchObject({ echo: true, logprobs: 1 });
    expect(scored.choices[0]).toMatchObject({
      text: 'One, two',
      logprobs: { tokens: ['One,', ' two'], token_logprobs: [null, -1], text_offset: [0, 4] },
    });
  });

  it('passes tokens on as one prompt, and lists of them as several', async () => {
    stage.model.play(texts('x'));
    await clientOf(stage).completions.create({ model: 'openai', prompt: [1, 2] });
    await clientOf(stage).completions.create({ model: 'openai', prompt: [[3, 4], [5]] });
    expect(bodiesOf(stage).map((body) => Reflect.get(Object(body), 'prompt'))).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('serves a text from the cache that ended at its limit, and joins identical requests', async () => {
    stage.model.play([piece('x'), ...ended('length')]);
    const create = () =>
      clientOf(stage)
        .completions.create({ model: 'openai', prompt: 'a', max_tokens: 1, temperature: 0 })
        .withResponse();
    const both = await Promise.all([create(), create()]);
    expect(both.map(({ response }) => response.headers.get('x-cache')).sort()).toEqual(['joined', 'miss']);
    const { data, response } = await create();
    expect(response.headers.get('x-cache')).toBe('hit');
    expect(data.choices[0]).toMatchObject({ text: 'x', finish_reason: 'length' });
    expect(stage.model.requests).toHaveLength(1);
  });

  it('has nothing in common with a chat of the same text', async () => {
    stage.model.play(texts('x'));
    await clientOf(stage).completions.create({ model: 'openai', prompt: 'a', max_tokens: 5 });
    const messages = [{ role: 'user' as const, content: 'a' }];
    await clientOf(stage).chat.completions.create({ model: 'openai', messages, max_tokens: 5 });
    expect(stage.model.requests.map(({ path }) => path)).toEqual(['/v1/completions', '/v1/chat/completions']);
  });
});

describe('a suffix to llama.cpp', () => {
  const listed = { data: [{ id: 'test:latest', owned_by: 'llamacpp', meta: { n_ctx_train: 4_096 } }] };
  const fill = () =>
    clientOf(stage).completions.create({
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
    stage.providers['test:latest'] = stage.providers.openai;
    stage.model.setResponse('/v1/models', listed);
    await stage.providers.openai.models(new AbortController().signal);
  });

  it('goes to its own route, and its response is read', async () => {
    const completion_probabilities = [{ id: 1, token: 'x', logprob: -1, bytes: [120], top_logprobs: [] }];
    stage.model.play([
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
    expect(stage.model.requests[0]?.path).toBe('/infill');
    expect(bodiesOf(stage)).toEqual([
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
    stage.model.play(texts('z'));
    await clientOf(stage).completions.create({ model: 'test:latest', prompt: 'a' });
    expect(stage.model.requests[1]?.path).toBe('/v1/completions');
  });

  it('is refused with its reason if the model cannot', async () => {
    stage.model.play([{ status: 501 }, { send: '{"error":{"code":501,"message":"prefix token is missing. "}}' }]);
    await expect(fill()).rejects.toMatchObject({ status: 422, message: expect.stringContaining('prefix token') });
    stage.model.play([event({ content: 'x', stop: false })]);
    await expect(fill()).rejects.toMatchObject({ status: 502, code: 'upstream_truncated' });
  });
});

describe('/v1/infill', () => {
  const post = (fields: object) =>
    fetch(`${stage.s.url}/v1/infill`, {
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
    stage.model.play(generated('x', ', y'));
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
    expect(bodiesOf(stage)).toMatchObject([
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
    stage.providers['test:latest'] = stage.providers.openai;
    stage.model.setResponse('/v1/models', { data: [{ id: 'test:latest', owned_by: 'llamacpp' }] });
    await stage.providers.openai.models(new AbortController().signal);
    stage.model.play([event({ content: 'x', stop: false }), event({ content: '', stop: true, stop_type: 'eos' })]);
    const response = await post({ ...vim, model: 'test:latest' });
    expect(response.headers.get('x-ignored-fields')).toBeNull();
    expect(await response.json()).toMatchObject({ content: 'x' });
    const { response_fields: _fields, stop: _none, stream: _stream, ...sent } = vim;
    expect(bodiesOf(stage)).toEqual([
      { model: 'test:latest', input_prefix: 'a\nf(', input_suffix: ')\n', ...sent, stream: true },
    ]);
  });

  it('continues the text at its end, where there is no suffix', async () => {
    stage.model.play(generated('x'));
    await post({ input_suffix: '' });
    expect(bodiesOf(stage)).toMatchObject([{ prompt: 'a\nf(', raw: true }]);
    expect(bodiesOf(stage)[0]).not.toHaveProperty('suffix');
  });

  it('streams pieces, and the end with its figures', async () => {
    stage.model.play(generated('x', 'y'));
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
    expect(stage.model.requests).toEqual([]);
  });
});
