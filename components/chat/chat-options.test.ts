import { describe, expect, it } from 'vitest';
import type { Models } from '#lib/wire/models';
import { defaultText, optionContext, optionText, readNumber, readStops, withOption } from './chat-options.ts';

const MODELS: Models = {
  models: [
    {
      id: 'qwen3:8b',
      provider: 'ollama',
      size_bytes: null,
      parameter_size: null,
      quantization: null,
      context_length: 131_072,
      usable_context_length: 32_768,
      capabilities: { thinking: true, vision: false, tools: false },
      defaults: { temperature: 0.6, stop: ['<|end|>', '\n\n'] },
      loaded: false,
      is_default: true,
    },
  ],
  default_model: 'qwen3:8b',
  providers: [
    {
      id: 'ollama',
      reachable: true,
      error: null,
      options: ['temperature', 'num_predict', 'num_ctx', 'stop', 'seed', 'mirostat'],
      defaults: { temperature: 0.8, top_k: 40, num_predict: -1 },
    },
  ],
  notice: null,
};

describe('optionContext', () => {
  it('lists the options that reach the model, and takes its own defaults before its provider’s', () => {
    const options = optionContext(MODELS, null);
    expect(options.supported).toEqual(['temperature', 'seed', 'num_predict', 'num_ctx', 'stop']);
    expect(options.defaults).toMatchObject({ temperature: 0.6, top_k: 40 });
  });

  it('lists all options while the models are not known', () => {
    expect(optionContext(undefined, null).supported).toHaveLength(7);
  });
});

it.each([
  ['temperature', '0.6'],
  ['num_predict', 'No limit'],
  ['num_ctx', 'Automatic, up to 32,768'],
  ['stop', '<|end|>, \\n\\n'],
  ['seed', 'Random'],
  ['top_p', 'Model default'],
] as const)('shows the default of %s as %s', (option, text) => {
  expect(defaultText(option, optionContext(MODELS, null))).toBe(text);
});

it.each([
  ['temperature', '0.5', 0.5],
  ['temperature', ' 0,5 ', 0.5],
  ['temperature', '.7', 0.7],
  ['temperature', '', undefined],
  ['num_predict', '64', 64],
  ['top_k', '0', 0],
] as const)('reads %s from “%s”', (option, text, value) => {
  expect(readNumber(option, text)).toEqual({ value });
});

it.each([
  ['temperature', '9', 'Enter a number from 0 to 2.'],
  ['temperature', 'warm', 'Enter a number from 0 to 2.'],
  ['num_predict', '0', 'Enter a whole number from 1 to 1,000,000.'],
  ['num_predict', '1.5', 'Enter a whole number from 1 to 1,000,000.'],
  ['num_ctx', '200000', 'Enter a whole number from 256 to 131,072.'],
] as const)('refuses “%s” from “%s” with a sentence', (option, text, error) => {
  expect(readNumber(option, text, 131_072)).toEqual({ error });
});

it('reads stop sequences from lines, with written line breaks', () => {
  expect(readStops('END\n\n\\n\\n\n Q:')).toEqual({ value: ['END', '\n\n', ' Q:'] });
  expect(readStops(' \n')).toEqual({ value: undefined });
  expect(readStops('a\n'.repeat(9))).toEqual({ error: 'Enter at most 8 sequences.' });
  expect(optionText('stop', { stop: ['END', '\n'] })).toBe('END\n\\n');
});

it('removes an option that gets no value', () => {
  expect(withOption({ temperature: 1, seed: 2 }, 'seed', undefined)).toEqual({ temperature: 1 });
  expect(withOption({ temperature: 1 }, 'temperature', 0)).toEqual({ temperature: 0 });
});
