import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OllamaProvider } from '#lib/models/ollama/provider';
import {
  bodiesOf,
  type CompletionStage,
  clientOf,
  closeCompletions,
  event,
  generated,
  line,
  ollamaClientOf,
  openCompletions,
  restart,
  texts,
} from '../support/completions.ts';
import { PNG } from '../support/images.ts';

let stage: CompletionStage;

beforeEach(async () => {
  stage = await openCompletions();
});

afterEach(() => closeCompletions(stage));

describe('/v1/completions to Ollama', () => {
  it('continues a prompt raw, and passes the text on as the model writes it', async () => {
    stage.model.play(generated('<think> two', ','));
    const { choices, usage } = await clientOf(stage).completions.create({
      model: 'ollama',
      prompt: 'One,',
      max_tokens: 5,
    });
    expect(choices).toEqual([{ index: 0, text: '<think> two,', logprobs: null, finish_reason: 'stop' }]);
    expect(usage?.total_tokens).toBe(8);
    expect(stage.model.requests[0]?.path).toBe('/api/generate');
    expect(bodiesOf(stage)).toEqual([
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
    stage.model.play(generated('x'));
    await clientOf(stage).completions.create({ model: 'ollama', prompt: 'def f(', suffix: '):', temperature: 0 });
    expect(bodiesOf(stage)).toMatchObject([
      { prompt: 'def f(', suffix: '):', options: { temperature: 0, num_predict: 16 } },
    ]);
    expect(bodiesOf(stage)[0]).not.toHaveProperty('raw');
  });

  it('returns log probabilities, and the prompt with echo', async () => {
    const logprobs = [{ token: ' two', logprob: -0.1, bytes: [32], top_logprobs: [{ token: ' 2', logprob: -3 }] }];
    stage.model.play([line({ response: ' two', done: false, logprobs }), ...generated()]);
    const scored = await clientOf(stage).completions.create({ model: 'ollama', prompt: 'One,', logprobs: 1 });
    expect(bodiesOf(stage)).toMatchObject([{ logprobs: true, top_logprobs: 1 }]);
    expect(scored.choices[0]?.logprobs).toEqual({
      tokens: [' two'],
      token_logprobs: [-0.1],
      top_logprobs: [{ ' 2': -3 }],
      text_offset: [0],
    });
    stage.model.play(generated(' two'));
    const echoed = await clientOf(stage).completions.create({ model: 'ollama', prompt: 'One,', echo: true });
    expect(echoed.choices[0]?.text).toBe('One, two');
  });
});

describe('/api/generate to Ollama', () => {
  it('passes every field on, and returns the context, also from the cache', async () => {
    stage.model.play(generated('a', 'b'));
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
    const whole = await ollamaClientOf(stage).generate(request);
    expect(bodiesOf(stage)).toEqual([{ ...request, stream: true, keep_alive: '5m' }]);
    expect(stage.model.requests[0]?.path).toBe('/api/generate');
    expect(whole).toMatchObject({ response: 'ab', done: true, done_reason: 'stop', context: [1, 2, 3], eval_count: 5 });
    const lines = await Array.fromAsync(await ollamaClientOf(stage).generate({ ...request, stream: true }));
    expect(lines.at(-1)).toMatchObject({ done: true, context: [1, 2, 3] });
    expect(lines.slice(0, -1).every((one) => one.context === undefined)).toBe(true);
    expect(stage.model.requests).toHaveLength(1);
  });

  it('sends a plain prompt with the system prompt of the server, so that its context comes back', async () => {
    await stage.s.close();
    await restart(stage, { OLLAMA_SYSTEM_PROMPT: 'be kind' });
    stage.model.play(generated('x'));
    expect((await ollamaClientOf(stage).generate({ model: 'ollama', prompt: 'hi' })).context).toEqual([1, 2, 3]);
    expect(bodiesOf(stage)).toMatchObject([{ prompt: 'hi', system: 'be kind' }]);
    expect(bodiesOf(stage)[0]).not.toHaveProperty('raw');
  });

  it('sends a raw prompt and one with a suffix without a system prompt', async () => {
    await stage.s.close();
    await restart(stage, { OLLAMA_SYSTEM_PROMPT: 'be kind' });
    stage.model.play(generated('x'));
    await ollamaClientOf(stage).generate({ model: 'ollama', prompt: 'hi', raw: true });
    const response = await fetch(`${stage.s.url}/api/generate`, {
      method: 'POST',
      body: JSON.stringify({ model: 'ollama', prompt: 'hi', suffix: '!', system: 'be brief', stream: false }),
    });
    expect(response.headers.get('x-ignored-fields')).toBe('system');
    for (const body of bodiesOf(stage)) expect(body).not.toHaveProperty('system');
    expect(bodiesOf(stage)).toMatchObject([
      { prompt: 'hi', raw: true },
      { prompt: 'hi', suffix: '!' },
    ]);
  });

  it('splits reasoning as Ollama sends it', async () => {
    stage.model.play([line({ response: '', thinking: 'hm', done: false }), ...generated('x')]);
    const whole = await ollamaClientOf(stage).generate({ model: 'ollama', prompt: 'hi', think: true });
    expect(whole).toMatchObject({ response: 'x', thinking: 'hm' });
    expect(bodiesOf(stage)).toMatchObject([{ think: true }]);
  });

  it('asks for a longer context where prompt and context need it', async () => {
    stage.providers.ollama = new OllamaProvider({ url: stage.model.url, keepAlive: '5m', maxContextTokens: 32_768 });
    stage.model.setResponse('/api/show', { model_info: { 'general.architecture': 'x', 'x.context_length': 131_072 } });
    stage.model.play(generated('x'));
    await ollamaClientOf(stage).generate({ model: 'ollama', prompt: 'word '.repeat(1_000), raw: true });
    await ollamaClientOf(stage).generate({
      model: 'ollama',
      prompt: 'hi',
      context: Array.from({ length: 9_000 }, () => 1),
    });
    expect(bodiesOf(stage)).toMatchObject([{ options: {} }, { options: { num_ctx: 16_384 } }]);
  });

  it('reports why Ollama refuses', async () => {
    stage.model.play([{ status: 400 }, { send: '{"error":"m does not support insert"}' }]);
    await expect(ollamaClientOf(stage).generate({ model: 'ollama', prompt: 'a', suffix: 'b' })).rejects.toMatchObject({
      status_code: 422,
      error: expect.stringContaining('does not support insert'),
    });
  });
});

describe('/api/generate to an OpenAI-compatible server', () => {
  it('becomes a completion with raw or a suffix, as long as the context allows', async () => {
    stage.providers['test:latest'] = stage.providers.openai;
    stage.model.setResponse('/v1/models', { data: [{ id: 'test:latest', max_model_len: 1_000 }] });
    await stage.providers.openai.models(new AbortController().signal);
    stage.model.play(texts(' two'));
    const whole = await ollamaClientOf(stage).generate({ model: 'test:latest', prompt: 'One,', raw: true });
    expect(whole).toMatchObject({ response: ' two', done: true, done_reason: 'stop', eval_count: 5 });
    await ollamaClientOf(stage).generate({ model: 'openai', prompt: 'f(', suffix: ')', options: { num_predict: 9 } });
    const shared = { stream: true, stream_options: { include_usage: true } };
    expect(bodiesOf(stage)).toEqual([
      { model: 'test:latest', prompt: 'One,', max_tokens: 998, ...shared },
      { model: 'openai', prompt: 'f(', suffix: ')', max_tokens: 9, ...shared },
    ]);
  });

  it('is a chat of one message without them, and shares its response', async () => {
    stage.model.play([event({ choices: [{ index: 0, delta: { content: 'Hi.' }, finish_reason: 'stop' }] })]);
    const options = { temperature: 0 };
    const whole = await ollamaClientOf(stage).generate({
      model: 'openai',
      prompt: 'hello',
      system: 'be brief',
      options,
    });
    expect(whole).toMatchObject({ response: 'Hi.' });
    expect(whole).not.toHaveProperty('context');
    const messages = [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'hello' },
    ];
    expect((await ollamaClientOf(stage).chat({ model: 'openai', messages, options })).message.content).toBe('Hi.');
    expect(stage.model.requests.map(({ path }) => path)).toEqual(['/v1/chat/completions']);
  });

  it.each([
    ['template', { template: '{{ .Prompt }}' }],
    ['context', { context: [1] }],
    ['images', { images: [PNG], raw: true }],
  ])('refuses %s by name', async (field, fields) => {
    for (const name of ['openai', 'embedded'])
      await expect(ollamaClientOf(stage).generate({ model: name, prompt: 'a', ...fields })).rejects.toMatchObject({
        status_code: 400,
        error: expect.stringContaining(`${field} (`),
      });
    expect(stage.model.requests).toEqual([]);
  });
});

it('leaves out a context that is no list of tokens', async () => {
  stage.model.play([
    line({ response: 'x', done: false }),
    line({ response: '', done: true, done_reason: 'stop', context: [1, -2, 'x'] }),
  ]);
  const whole = await ollamaClientOf(stage).generate({ model: 'ollama', prompt: 'hi' });
  expect(whole.response).toBe('x');
  expect(whole).not.toHaveProperty('context');
});
