import { describe, expect, it } from 'vitest';
import { readModelList } from '#lib/models/openai/model-list';

describe('a list of models', () => {
  it.each([
    ['a list in data', { data: [{ id: 'a' }] }, ['a']],
    ['a bare list', [{ id: 'a' }, { id: 'b' }], ['a', 'b']],
    ['Ollama’s form', { models: [{ name: 'a:latest', model: 'a' }] }, ['a']],
    ['data next to models', { models: [{ model: 'x' }], data: [{ id: 'a' }] }, ['a']],
    ['null', { data: null }, []],
    ['an entry without an id', { data: [{ name: 'Display name' }, { id: 'a' }] }, ['a']],
  ])('is read from %s', (_what, body, ids) => {
    expect(readModelList(body)?.map(({ id }) => id)).toEqual(ids);
  });

  it.each([
    ['an object without a list', {}],
    ['a page', 'text'],
    ['nothing', null],
  ])('is not in %s', (_what, body) => {
    expect(readModelList(body)).toBeUndefined();
  });

  it.each<[name: string, fields: object, context: number | undefined, usable: number | undefined]>([
    ['vLLM', { max_model_len: 8_192 }, 8_192, 8_192],
    ['llama.cpp', { meta: { n_ctx: 4_096, n_ctx_train: 40_960 } }, 40_960, 4_096],
    ['older llama.cpp', { meta: { n_ctx_train: 40_960 } }, 40_960, 40_960],
    ['LM Studio', { max_context_length: 131_072, loaded_context_length: 4_096 }, 131_072, 4_096],
    ['OpenRouter', { context_length: 131_072, top_provider: { context_length: 40_960 } }, 131_072, 40_960],
    ['Groq', { context_window: 131_072 }, 131_072, 131_072],
    ['Anthropic', { max_input_tokens: 200_000 }, 200_000, 200_000],
    ['a server that says nothing', {}, undefined, undefined],
    ['a server that sends a text', { context_length: '8192' }, 8_192, 8_192],
  ])('has the context of %s', (_name, fields, contextLength, usableContextLength) => {
    expect(readModelList([{ id: 'a', ...fields }])).toMatchObject([{ contextLength, usableContextLength }]);
  });

  it.each<[name: string, fields: object, seen: { vision?: boolean; tools: boolean; thinking: boolean }]>([
    [
      'OpenRouter',
      { architecture: { input_modalities: ['text', 'image'] }, supported_parameters: ['tools', 'reasoning'] },
      { vision: true, tools: true, thinking: true },
    ],
    ['LM Studio', { type: 'vlm', capabilities: ['tool_use'] }, { vision: true, tools: true, thinking: false }],
    ['LM Studio without images', { type: 'llm' }, { vision: false, tools: false, thinking: false }],
    ['Azure, which does not say', { capabilities: { chat_completion: true } }, { tools: false, thinking: false }],
    [
      'Mistral',
      { capabilities: { vision: false, function_calling: true, reasoning: true } },
      { vision: false, tools: true, thinking: true },
    ],
    [
      'Anthropic',
      { capabilities: { image_input: { supported: true }, thinking: { supported: false } } },
      { vision: true, tools: false, thinking: false },
    ],
    ['a server that says nothing', {}, { tools: false, thinking: false }],
  ])('has the capabilities of %s', (_name, fields, seen) => {
    expect(readModelList([{ id: 'a', ...fields }])).toMatchObject([{ vision: undefined, ...seen }]);
  });
});
