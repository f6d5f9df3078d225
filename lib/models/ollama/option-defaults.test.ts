import { expect, it } from 'vitest';
import { parameterDefaults } from '#lib/models/ollama/option-defaults';

it('reads the options that a model sets itself', () => {
  const parameters = [
    'stop                           "<|start|>"',
    'stop                           "a b"',
    'temperature                    0.6',
    'num_ctx                        8192',
    'mirostat                       1',
    'top_k                          many',
    '',
  ].join('\n');
  expect(parameterDefaults(parameters)).toEqual({ temperature: 0.6, num_ctx: 8192, stop: ['<|start|>', 'a b'] });
  expect(parameterDefaults('')).toEqual({});
});
