import { OLLAMA_FIELDS } from '#lib/wire/request-field-support';
import type { FieldSample } from './field-sample.ts';
import { GIF, PNG } from './images.ts';
import { FUNCTION, TOOL, USER } from './openai-field-samples.ts';

/** Requests of Ollama's API for the test of the table of request fields. */

const OLLAMA_COMMON: FieldSample['values'] = {
  stream: [true, false],
  format: ['json', { type: 'object' }],
  keep_alive: ['6m', 420],
  think: ['low', 'high'],
  logprobs: [true, true],
  top_logprobs: [1, 2],
  options: [{ temperature: 0 }, { temperature: 1 }],
  truncate: [true, false],
  shift: [true, false],
  cache: ['auto', 'on'],
  drop_params: [true, false],
};
const top = (field: string, value: unknown) => ({
  ...(field === 'top_logprobs' ? { logprobs: true } : {}),
  [field]: value,
});

const OPTION_VALUES: FieldSample['values'] = { stop: [['a'], ['b']], penalize_newline: [true, false] };

const OLLAMA_CALL = { function: { name: 'look', arguments: { a: 1 } } };

export const OLLAMA_SAMPLES: Record<keyof typeof OLLAMA_FIELDS, FieldSample> = {
  ChatRequest: {
    put: top,
    values: {
      ...OLLAMA_COMMON,
      messages: [[{ role: 'user', content: 'a' }], [USER, USER]],
      tools: [[TOOL], [TOOL, TOOL]],
    },
    always: ['model'],
  },
  GenerateRequest: {
    put: top,
    values: {
      ...OLLAMA_COMMON,
      prompt: ['a', 'b'],
      system: ['a', 'b'],
      images: [[PNG], [GIF]],
      suffix: ['a', 'b'],
      template: ['a', 'b'],
      raw: [true, true],
      context: [[1], [2]],
      width: [64, 128],
      height: [64, 128],
      steps: [1, 2],
    },
    always: ['model'],
  },
  Message: {
    put: (field, value) =>
      field === 'tool_name'
        ? {
            messages: [
              USER,
              { role: 'assistant', tool_calls: [OLLAMA_CALL, { function: { name: 'listen', arguments: {} } }] },
              { role: 'tool', content: 'rain', [field]: value },
            ],
          }
        : { messages: [USER, { role: field === 'images' ? 'user' : 'assistant', content: 'x', [field]: value }] },
    values: {
      content: ['a', 'b'],
      thinking: ['a', 'b'],
      images: [[PNG], [GIF]],
      tool_calls: [[OLLAMA_CALL], [OLLAMA_CALL, OLLAMA_CALL]],
      tool_name: ['listen', 'look'],
      role: ['user', 'assistant'],
    },
  },
  ToolCall: {
    put: (field, value) => ({ messages: [USER, { role: 'assistant', tool_calls: [{ [field]: value }] }] }),
    values: {
      function: [
        { name: 'a', arguments: {} },
        { name: 'b', arguments: {} },
      ],
    },
  },
  'ToolCall.function': {
    put: (field, value) => ({
      messages: [USER, { role: 'assistant', tool_calls: [{ function: { ...OLLAMA_CALL.function, [field]: value } }] }],
    }),
    values: { name: ['a', 'b'], arguments: [{ a: 2 }, '{"a":3}'] },
  },
  Tool: {
    put: (field, value) => ({ tools: [{ ...TOOL, [field]: value }] }),
    values: { function: [{ name: 'a' }, { name: 'b' }] },
    always: ['type'],
  },
  'Tool.function': {
    base: { tools: [TOOL] },
    put: (field, value) => ({ tools: [{ ...TOOL, function: { ...FUNCTION, [field]: value } }] }),
    values: {
      name: ['a', 'b'],
      type: ['a', 'b'],
      description: ['a', 'b'],
      parameters: [{ type: 'object' }, { type: 'array' }],
    },
  },
  Options: {
    base: { options: {} },
    put: (field, value) => ({ options: { [field]: value } }),
    values: Object.fromEntries(
      Object.keys(OLLAMA_FIELDS.Options).map((name) => [name, OPTION_VALUES[name] ?? [1, 2]] as const),
    ),
  },
};
