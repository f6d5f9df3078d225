import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CompletionStage,
  clientOf,
  closeCompletions,
  event,
  openCompletions,
  piece,
  texts,
} from '../support/completions.ts';

let stage: CompletionStage;

beforeEach(async () => {
  stage = await openCompletions();
});

afterEach(() => closeCompletions(stage));

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
    const response = await fetch(`${stage.s.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'openai', prompt: 'x', ...fields }),
    });
    expect(response.status).toBe(400);
    const { error } = await response.json();
    expect(error).toMatchObject({ param, code, type: 'invalid_request_error' });
    expect(stage.model.requests).toEqual([]);
  });

  it('fields of a chat with a header that names them', async () => {
    stage.model.play(texts('x'));
    const { response } = await clientOf(stage)
      .completions.create({ model: 'openai', prompt: 'x', ...{ messages: [], reasoning_effort: 'low' } })
      .withResponse();
    expect(response.headers.get('x-ignored-fields')).toBe('messages, reasoning_effort');
  });

  it('what a server without the route cannot do, with the reason of any other server', async () => {
    await stage.providers.openai.models(new AbortController().signal);
    const create = (name: string) => clientOf(stage).completions.create({ model: name, prompt: `${name} x` });
    stage.providers['test:latest'] = stage.providers.openai;
    stage.model.play([{ status: 404 }, { send: '{"error":{"message":"Not Found"}}' }]);
    await expect(create('test:latest')).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('Use /v1/chat/completions'),
    });
    await expect(create('openai')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    stage.model.play([{ status: 400 }, { send: '{"error":{"message":"suffix is not currently supported"}}' }]);
    await expect(create('openai')).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('suffix is not currently supported'),
    });
    stage.model.play([piece('a'), event({ error: { message: 'out of memory' } })]);
    const stream = await clientOf(stage).completions.create({ model: 'openai', prompt: 'y', stream: true });
    await expect(Array.fromAsync(stream)).rejects.toThrow(/out of memory/);
  });
});
