import { COMPLETION_FIELDS } from '#lib/wire/completion-field-support';
import type { OPENAI_FIELDS } from '#lib/wire/request-field-support';
import type { FieldSample } from './field-sample.ts';
import { GIF, PNG } from './images.ts';

/** Requests of OpenAI's chat and text completions for the test of the table of request fields. */

const dataUrl = (image: string) => `data:image/png;base64,${image}`;
export const FUNCTION = { name: 'look', parameters: { type: 'object', properties: {} } };
export const TOOL = { type: 'function', function: FUNCTION };
const CALL = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } };
export const USER = { role: 'user', content: 'hello' };

const message = (fields: object) => ({ messages: [{ ...USER, ...fields }] });
const role = (name: string): FieldSample => ({
  base: { messages: [{ role: name, content: 'be brief' }, USER] },
  put: (field, value) => ({ messages: [{ role: name, content: 'be brief', [field]: value }, USER] }),
  values: { content: ['be long', 'be kind'], name: ['ann', 'bob'] },
  always: ['role'],
});
const part = (type: string, field: string, value: unknown) => ({
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'hello' },
        { type, [field]: value },
      ],
    },
  ],
});
const JSON_SCHEMA = { name: 'a', schema: { type: 'object' } };
const format = (schema: object) => ({ response_format: { type: 'json_schema', json_schema: schema } });
const object = { a: 1 };
const other = { a: 2 };

export const OPENAI_SAMPLES: Record<keyof typeof OPENAI_FIELDS, FieldSample> = {
  ChatCompletionCreateParamsBase: {
    put: (field, value) => ({
      ...(/tool_choice|parallel/.test(field) ? { tools: [TOOL] } : {}),
      ...(field === 'top_logprobs' ? { logprobs: true } : {}),
      [field]: value,
    }),
    base: {},
    values: {
      messages: [[{ role: 'user', content: 'a' }], [{ role: 'user', content: 'b' }]],
      audio: [
        { format: 'mp3', voice: 'ash' },
        { format: 'wav', voice: 'ash' },
      ],
      frequency_penalty: [1, 2],
      function_call: ['auto', 'none'],
      functions: [[FUNCTION], [{ name: 'other' }]],
      logit_bias: [{ '50256': -100 }, { '50256': 100 }],
      logprobs: [true, true],
      max_completion_tokens: [5, 6],
      max_tokens: [5, 6],
      metadata: [{ a: 'b' }, { a: 'c' }],
      modalities: [['text'], ['text', 'text']],
      moderation: [{ model: 'm' }, { model: 'n' }],
      n: [2, 3],
      best_of: [2, 3],
      cache: ['auto', 'on'],
      drop_params: [true, false],
      parallel_tool_calls: [false, true],
      prediction: [
        { type: 'content', content: 'x' },
        { type: 'content', content: 'y' },
      ],
      presence_penalty: [1, 2],
      prompt_cache_key: ['a', 'b'],
      prompt_cache_options: [{ mode: 'implicit' }, { mode: 'explicit' }],
      prompt_cache_retention: ['in_memory', '24h'],
      reasoning_effort: ['low', 'high'],
      response_format: [{ type: 'json_object' }, { type: 'json_schema', json_schema: JSON_SCHEMA }],
      safety_identifier: ['a', 'b'],
      seed: [1, 2],
      service_tier: ['flex', 'priority'],
      stop: ['a', ['a', 'b']],
      store: [true, false],
      stream_options: [{ include_usage: true }, { include_usage: false }],
      stream: [true, false],
      temperature: [0, 2],
      tool_choice: ['required', { type: 'function', function: { name: 'look' } }],
      tools: [[TOOL], [TOOL, { ...TOOL, function: { name: 'other' } }]],
      top_logprobs: [2, 3],
      top_p: [0.5, 1],
      user: ['a', 'b'],
      verbosity: ['low', 'high'],
      web_search_options: [{ search_context_size: 'low' }, { search_context_size: 'high' }],
      bad_words: [['a'], ['b']],
      cache_prompt: [true, false],
      chat_template_kwargs: [{ enable_thinking: false, depth: 1 }, { depth: 2 }],
      dry_allowed_length: [1, 2],
      dry_base: [1, 2],
      dry_multiplier: [1, 2],
      grammar: ['a', 'b'],
      guided_choice: [['a'], ['b']],
      guided_grammar: ['a', 'b'],
      guided_json: [object, other],
      guided_regex: ['a', 'b'],
      ignore_eos: [true, false],
      include_reasoning: [true, false],
      include_stop_str_in_output: [true, false],
      length_penalty: [1, 2],
      min_tokens: [1, 2],
      n_indent: [1, 2],
      samplers: [['top_k'], ['top_p', 'infill']],
      t_max_predict_ms: [100, 200],
      t_max_prompt_ms: [100, 200],
      provider: [{ only: ['a'] }, { only: ['b'] }],
      reasoning: [{ effort: 'low' }, { effort: 'high' }],
      separate_reasoning: [true, false],
      skip_special_tokens: [true, false],
      stop_token_ids: [[1], [2]],
      structured_outputs: [{ choice: ['a'] }, { choice: ['b'] }],
      top_a: [0.1, 0.2],
      typical_p: [0.1, 0.2],
      xtc_probability: [0.1, 0.2],
      xtc_threshold: [0.1, 0.2],
      top_k: [1, 2],
      min_p: [0.1, 0.2],
      repeat_penalty: [1.3, 1.4],
      repetition_penalty: [1.3, 1.4],
      keep_alive: ['6m', '7m'],
    },
    always: ['model'],
  },
  ChatCompletionStreamOptions: {
    base: { stream: true, stream_options: {} },
    put: (field, value) => ({ stream: true, stream_options: { [field]: value } }),
    values: { include_obfuscation: [true, false], include_usage: [true, false] },
  },
  ChatCompletionDeveloperMessageParam: role('developer'),
  ChatCompletionSystemMessageParam: role('system'),
  ChatCompletionUserMessageParam: {
    put: (field, value) => message({ [field]: value }),
    values: { content: ['a', [{ type: 'text', text: 'b' }]], name: ['ann', 'bob'] },
    always: ['role'],
  },
  ChatCompletionAssistantMessageParam: {
    base: { messages: [USER, { role: 'assistant' }, USER] },
    put: (field, value) => ({ messages: [USER, { role: 'assistant', [field]: value }, USER] }),
    values: {
      audio: [{ id: 'a' }, { id: 'b' }],
      content: ['a', [{ type: 'text', text: 'b' }]],
      function_call: [
        { name: 'a', arguments: '{}' },
        { name: 'b', arguments: '{}' },
      ],
      name: ['ann', 'bob'],
      refusal: ['No.', 'Never.'],
      tool_calls: [[CALL], [{ ...CALL, id: 'c2' }]],
      reasoning_content: ['hm', 'hmm'],
    },
    always: ['role'],
  },
  ChatCompletionToolMessageParam: {
    base: { messages: [USER, { role: 'assistant', tool_calls: [CALL, { ...CALL, id: 'c2' }] }, { role: 'tool' }] },
    put: (field, value) => ({
      messages: [
        USER,
        { role: 'assistant', tool_calls: [CALL, { ...CALL, id: 'c2' }] },
        { role: 'tool', ...(field === 'content' ? { tool_call_id: 'c1' } : {}), [field]: value },
      ],
    }),
    values: { content: ['rain', [{ type: 'text', text: 'sun' }]], tool_call_id: ['c2', 'c3'] },
    always: ['role'],
  },
  ChatCompletionFunctionMessageParam: {
    put: (_, value) => ({ messages: [USER, value] }),
    values: {
      content: [
        { role: 'function', name: 'a', content: 'x' },
        { role: 'function', name: 'b', content: 'x' },
      ],
      name: [
        { role: 'function', name: 'a', content: 'x' },
        { role: 'function', name: 'b', content: 'x' },
      ],
      role: [
        { role: 'function', name: 'a', content: 'x' },
        { role: 'function', name: 'b', content: 'x' },
      ],
    },
  },
  ChatCompletionContentPartText: {
    base: { messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }] },
    put: (field, value) => ({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hello', [field]: value }] }],
    }),
    values: { text: ['a', 'b'], prompt_cache_breakpoint: [{ mode: 'explicit' }, { mode: 'explicit', ttl: '30m' }] },
    always: ['type'],
  },
  ChatCompletionContentPartImage: {
    put: (field, value) =>
      field === 'image_url'
        ? part('image_url', field, value)
        : { messages: [{ role: 'user', content: [{ type: 'text', text: 'hello', [field]: value }] }] },
    values: {
      image_url: [{ url: dataUrl(PNG) }, { url: dataUrl(GIF) }],
      prompt_cache_breakpoint: [{ mode: 'explicit' }, { mode: 'explicit', ttl: '30m' }],
    },
    always: ['type'],
  },
  'ChatCompletionContentPartImage.ImageURL': {
    base: part('image_url', 'image_url', { url: dataUrl(PNG) }),
    put: (field, value) => part('image_url', 'image_url', { url: dataUrl(PNG), [field]: value }),
    values: { url: [dataUrl(GIF), dataUrl(`${GIF.slice(0, -4)}AAA7`)], detail: ['low', 'original'] },
  },
  ChatCompletionContentPartInputAudio: {
    put: (field, value) => ({ messages: [{ role: 'user', content: [{ type: 'input_audio', [field]: value }] }] }),
    values: {
      input_audio: [
        { data: 'x', format: 'mp3' },
        { data: 'y', format: 'mp3' },
      ],
      type: ['input_audio', 'input_audio'],
      prompt_cache_breakpoint: [{ mode: 'explicit' }, {}],
    },
  },
  'ChatCompletionContentPart.File': {
    put: (field, value) => ({ messages: [{ role: 'user', content: [{ type: 'file', [field]: value }] }] }),
    values: {
      file: [{ file_id: 'a' }, { file_id: 'b' }],
      type: ['file', 'file'],
      prompt_cache_breakpoint: [{ mode: 'explicit' }, {}],
    },
  },
  ChatCompletionContentPartRefusal: {
    put: (field, value) => ({
      messages: [USER, { role: 'assistant', content: [{ type: 'refusal', [field]: value }] }, USER],
    }),
    values: { refusal: ['No.', 'Never.'] },
    always: ['type'],
  },
  ChatCompletionMessageFunctionToolCall: {
    put: (field, value) => ({
      messages: [USER, { role: 'assistant', tool_calls: [{ ...CALL, [field]: value }] }, USER],
    }),
    values: {
      id: ['a', 'b'],
      function: [
        { name: 'a', arguments: '{}' },
        { name: 'b', arguments: '{}' },
      ],
    },
    always: ['type'],
  },
  'ChatCompletionMessageFunctionToolCall.Function': {
    put: (field, value) => ({
      messages: [
        USER,
        { role: 'assistant', tool_calls: [{ ...CALL, function: { ...CALL.function, [field]: value } }] },
        USER,
      ],
    }),
    values: { arguments: ['{"a":2}', 'not JSON'], name: ['a', 'b'] },
  },
  ChatCompletionMessageCustomToolCall: {
    put: (field, value) => ({
      messages: [USER, { role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', [field]: value }] }, USER],
    }),
    values: {
      id: ['a', 'b'],
      custom: [
        { name: 'a', input: '' },
        { name: 'b', input: '' },
      ],
      type: ['custom', 'custom'],
    },
  },
  ChatCompletionFunctionTool: {
    put: (field, value) => ({ tools: [{ ...TOOL, [field]: value }] }),
    values: { function: [{ name: 'a' }, { name: 'b' }] },
    always: ['type'],
  },
  FunctionDefinition: {
    base: { tools: [TOOL] },
    put: (field, value) => ({ tools: [{ ...TOOL, function: { ...FUNCTION, [field]: value } }] }),
    values: {
      name: ['a', 'b'],
      description: ['a', 'b'],
      parameters: [{ type: 'object', required: ['a'] }, { type: 'object' }],
      strict: [true, false],
    },
  },
  ChatCompletionCustomTool: {
    put: (field, value) => ({ tools: [{ type: 'custom', custom: { name: 'a' }, [field]: value }] }),
    values: { custom: [{ name: 'a' }, { name: 'b' }], type: ['custom', 'custom'] },
  },
  ResponseFormatText: { put: () => ({ response_format: { type: 'text' } }), values: {}, always: ['type'] },
  ResponseFormatJSONObject: { put: () => ({ response_format: { type: 'json_object' } }), values: {}, always: ['type'] },
  ResponseFormatJSONSchema: {
    put: (field, value) => ({ response_format: { type: 'json_schema', [field]: value } }),
    values: { json_schema: [JSON_SCHEMA, { name: 'a', schema: { type: 'array' } }] },
    always: ['type'],
  },
  'ResponseFormatJSONSchema.JSONSchema': {
    base: format(JSON_SCHEMA),
    put: (field, value) => format({ ...JSON_SCHEMA, [field]: value }),
    values: {
      name: ['b', 'c'],
      description: ['b', 'c'],
      schema: [{ type: 'array' }, { type: 'string' }],
      strict: [true, false],
    },
  },
};

const { CompletionCreateParamsBase: TEXT_FIELDS } = COMPLETION_FIELDS;
const { values: CHAT_VALUES } = OPENAI_SAMPLES.ChatCompletionCreateParamsBase;

export const COMPLETION_SAMPLES: Record<keyof typeof COMPLETION_FIELDS, FieldSample> = {
  CompletionCreateParamsBase: {
    base: {},
    put: (field, value) => ({ [field]: value }),
    values: {
      ...Object.fromEntries(
        Object.keys(TEXT_FIELDS).flatMap((name) => {
          const values = CHAT_VALUES[name];
          return values === undefined ? [] : [[name, values] as const];
        }),
      ),
      prompt: ['a', 'b'],
      suffix: ['a', 'b'],
      best_of: [2, 3],
      echo: [true, false],
      logprobs: [2, 3],
    },
    always: ['model'],
  },
  ChatCompletionStreamOptions: OPENAI_SAMPLES.ChatCompletionStreamOptions,
};
