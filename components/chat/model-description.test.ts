import { expect, it } from 'vitest';
import type { ModelInfo } from '#lib/wire/models';
import { describeModel, matchesModel } from './model-description.ts';

const QWEN: ModelInfo = {
  id: 'qwen3:8b',
  provider: 'ollama',
  size_bytes: 5_583_457_485,
  parameter_size: '8.2B',
  quantization: 'Q4_K_M',
  context_length: 131_072,
  capabilities: { thinking: true, vision: false, tools: true },
  loaded: true,
  is_default: false,
};

it('describes a model by what is known of it', () => {
  expect(describeModel(QWEN, true)).toBe(
    'Ollama · 8.2B parameters · Q4_K_M · 5.2 GB · 128K context · Thinking · Tools',
  );
  const unknown = { size_bytes: null, parameter_size: null, quantization: null, context_length: 200_000 };
  expect(describeModel({ ...QWEN, ...unknown, is_default: true }, false)).toBe(
    '200K context · Thinking · Tools · Default',
  );
});

it('describes where a model is, and what an alias stands for', () => {
  const unknown = { size_bytes: null, parameter_size: null, quantization: null, context_length: null };
  const model = { ...QWEN, ...unknown, servers: ['gpu-b'] };
  expect(describeModel(model, false, ['gpu-a', 'gpu-b'])).toBe('Thinking · Tools · on gpu-b');
  expect(describeModel({ ...model, alias_of: ['llama3.2:3b', 'm'] }, false, ['gpu-b'])).toBe(
    'Thinking · Tools · alias for llama3.2:3b, then m',
  );
  expect(matchesModel(model, 'gpu-b qwen3')).toBe(true);
  expect(matchesModel(QWEN, 'gpu-b')).toBe(false);
});

it.each([
  ['QWEN', true],
  ['8b thinking', true],
  ['loaded q4', true],
  ['vision', false],
  ['', true],
])('finds it by “%s”: %s', (query, expected) => {
  expect(matchesModel(QWEN, query)).toBe(expected);
});
