import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { samplingOptions } from '#lib/models/embedded/sampling';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import { ANTHROPIC_FIELDS, ANTHROPIC_REFUSED_TYPES } from '#lib/wire/anthropic-field-support';
import { COMPLETION_FIELDS } from '#lib/wire/completion-field-support';
import { PASSTHROUGH_FIELDS } from '#lib/wire/passthrough';
import {
  type FieldSupport,
  type FieldSupportByServer,
  type ModelServerKind,
  OLLAMA_FIELDS,
  OPENAI_FIELDS,
} from '#lib/wire/request-field-support';
import { REFUSED_RESPONSES_TYPES, RESPONSES_FIELDS } from '#lib/wire/responses-field-support';
import { ANTHROPIC_SAMPLES, REFUSED_SAMPLES } from '../support/anthropic-field-samples.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { type FaultyModelServer, ollama, openai, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { RESPONSES_SAMPLES, STORED_ID } from '../support/responses-samples.ts';
import { TypeDeclarations } from '../support/sdk-type-fields.ts';

/**
 * Every field of the official SDKs' requests has a row in the table, and every row is true: the
 * field is sent through the app to each kind of model server, and what arrives there, the error
 * and the response header are looked at.
 */

const OPENAI_TYPES = new TypeDeclarations(
  'node_modules/openai/resources/chat/completions/completions.d.ts',
  'node_modules/openai/resources/shared.d.ts',
);
const COMPLETION_TYPES = new TypeDeclarations(
  'node_modules/openai/resources/completions.d.ts',
  'node_modules/openai/resources/chat/completions/completions.d.ts',
);
const RESPONSES_TYPES = new TypeDeclarations(
  'node_modules/openai/resources/responses/responses.d.ts',
  'node_modules/openai/resources/shared.d.ts',
);
const RESPONSES_SOURCE = readFileSync('node_modules/openai/resources/responses/responses.d.ts', 'utf8');
const OLLAMA_TYPES = new TypeDeclarations('node_modules/ollama/dist/browser.d.ts');

const ANTHROPIC_TYPES = new TypeDeclarations('node_modules/@anthropic-ai/sdk/resources/messages/messages.d.ts');
const ANTHROPIC_BETA_TYPES = new TypeDeclarations(
  'node_modules/@anthropic-ai/sdk/resources/beta/messages/messages.d.ts',
);

type Table = Readonly<Record<string, Readonly<Record<string, FieldSupportByServer>>>>;

/**
 * Fields that are sent on whole, or not at all: what is inside them is nothing to decide about.
 */
const WHOLE = new Set<string>([...PASSTHROUGH_FIELDS, 'tool_choice', 'parameters']);

/** Fields of the SDK's types that the table does not have, and types that it does not have. */
function unclassified(declared: Map<string, Set<string>>, table: Table): string[] {
  return [...declared].flatMap(([type, fields]) =>
    [...fields].filter((field) => table[type]?.[field] === undefined).map((field) => `${type}.${field}`),
  );
}

function stopAt(table: Table) {
  return (type: string, field: string) => {
    const uses = table[type]?.[field];
    return (
      WHOLE.has(field) || (uses !== undefined && uses.openai === uses.ollama && /refused|no effect/.test(uses.ollama))
    );
  };
}

describe('the table of request fields', () => {
  it('has every field of the openai SDK’s requests', () => {
    const declared = OPENAI_TYPES.reachable('ChatCompletionCreateParamsBase', stopAt(OPENAI_FIELDS));
    expect(declared.get('ChatCompletionCreateParamsBase')?.size).toBeGreaterThan(30);
    expect(declared.get('FunctionDefinition')).toEqual(new Set(['name', 'description', 'parameters', 'strict']));
    expect(unclassified(declared, OPENAI_FIELDS)).toEqual([]);
  });

  it('has every field of the openai SDK’s completions of a text', () => {
    const declared = COMPLETION_TYPES.reachable('CompletionCreateParamsBase', stopAt(COMPLETION_FIELDS));
    expect(declared.get('CompletionCreateParamsBase')?.size).toBeGreaterThan(16);
    expect(declared.get('ChatCompletionStreamOptions')).toEqual(new Set(['include_obfuscation', 'include_usage']));
    expect(unclassified(declared, COMPLETION_FIELDS)).toEqual([]);
  });

  it('has every field of the openai SDK’s requests of responses', () => {
    const refused = new Set(Object.values(REFUSED_RESPONSES_TYPES).flatMap((types) => Object.keys(types)));
    const stop = (type: string, field: string) => {
      const uses = (RESPONSES_FIELDS as Table)[type]?.[field];
      const isUnused = uses !== undefined && uses.openai === uses.ollama && /refused|no effect/.test(uses.ollama);
      return refused.has(type) || WHOLE_IN_RESPONSES.has(field) || isUnused;
    };
    const declared = RESPONSES_TYPES.reachable('ResponseCreateParamsBase', stop);
    expect(declared.get('ResponseCreateParamsBase')?.size).toBeGreaterThan(30);
    expect(declared.size).toBeGreaterThan(60);
    for (const type of refused) {
      expect(declared.has(type), type).toBe(true);
      declared.delete(type);
    }
    expect(unclassified(declared, RESPONSES_FIELDS)).toEqual([]);
  });

  it.each(['ChatRequest', 'GenerateRequest'])('has every field of the ollama SDK’s %s', (request) => {
    const declared = OLLAMA_TYPES.reachable(request, stopAt(OLLAMA_FIELDS));
    expect(declared.get('Options')?.size).toBeGreaterThan(25);
    expect(unclassified(declared, OLLAMA_FIELDS)).toEqual([]);
  });

  it('has every field of the Anthropic SDK’s requests, or refuses its type', () => {
    const refused = new Set<string>(Object.values(ANTHROPIC_REFUSED_TYPES).flat());
    const [stop, whole] = [stopAt(ANTHROPIC_FIELDS), new Set(['input', 'input_schema', 'schema'])];
    const isNotFollowed = (type: string, field: string) =>
      refused.has(type) || whole.has(field) || (field !== 'tool_choice' && stop(type, field));
    const declared = ANTHROPIC_TYPES.reachable('MessageCreateParamsBase', isNotFollowed);
    expect(declared.get('MessageCreateParamsBase')?.size).toBeGreaterThan(18);
    expect([...refused].filter((type) => !declared.has(type))).toEqual([]);
    for (const type of refused) declared.delete(type);
    expect(unclassified(declared, ANTHROPIC_FIELDS)).toEqual([]);
    expect(Object.keys(ANTHROPIC_FIELDS).filter((type) => !declared.has(type))).toEqual([]);
  });

  it('has every field of the Anthropic SDK’s counts of tokens, and of its beta', () => {
    const counts = ANTHROPIC_TYPES.reachable('MessageCountTokensParams', () => true).get('MessageCountTokensParams');
    const beta = ANTHROPIC_BETA_TYPES.reachable('MessageCreateParamsBase', () => true).get('MessageCreateParamsBase');
    expect([counts?.size, beta?.size].every((size = 0) => size > 8)).toBe(true);
    const known = Object.keys(ANTHROPIC_FIELDS.MessageCreateParamsBase);
    expect([...(counts ?? []), ...(beta ?? [])].filter((field) => !known.includes(field))).toEqual([]);
  });

  it('is found incomplete when an SDK has a field that it lacks', () => {
    const { num_ctx: _, ...options } = OLLAMA_FIELDS.Options;
    const table = { ...OLLAMA_FIELDS, Options: options };
    expect(unclassified(OLLAMA_TYPES.reachable('ChatRequest', stopAt(table)), table)).toEqual(['Options.num_ctx']);
  });
});

/** What is inside these is sent on whole, or has no effect. */
const WHOLE_IN_RESPONSES = new Set([
  'parameters',
  'schema',
  'metadata',
  'prompt_cache_options',
  'annotations',
  'logprobs',
]);

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const GIF = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const dataUrl = (image: string) => `data:image/png;base64,${image}`;
const FUNCTION = { name: 'look', parameters: { type: 'object', properties: {} } };
const TOOL = { type: 'function', function: FUNCTION };
const CALL = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } };
const USER = { role: 'user', content: 'hello' };

/** How a field of a type gets into a whole request, and two values for each field. */
interface Sample {
  /** The request that differs only in not having the field. */
  base?: object;
  put(field: string, value: unknown): object;
  values: Readonly<Record<string, readonly [unknown, unknown]>>;
  /** Fields without which there is no request of this type, which every other row sends. */
  always?: readonly string[];
}

const message = (fields: object) => ({ messages: [{ ...USER, ...fields }] });
const role = (name: string): Sample => ({
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

const OPENAI_SAMPLES: Record<keyof typeof OPENAI_FIELDS, Sample> = {
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

const COMPLETION_SAMPLES: Record<keyof typeof COMPLETION_FIELDS, Sample> = {
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

const OLLAMA_COMMON: Sample['values'] = {
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

const OPTION_VALUES: Sample['values'] = { stop: [['a'], ['b']], penalize_newline: [true, false] };

const OLLAMA_CALL = { function: { name: 'look', arguments: { a: 1 } } };

const OLLAMA_SAMPLES: Record<keyof typeof OLLAMA_FIELDS, Sample> = {
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

let model: FaultyModelServer;
let s: ChatServer;
/** What the built-in model was asked. */
const embeddedRequests: object[] = [];
let providers: Record<ModelServerKind, ModelProvider>;

beforeAll(async () => {
  model = await startFaultyModelServer();
  model.choose((body) =>
    String(Reflect.get(Object(body), 'model')) === 'openai'
      ? [{ send: openai.text('x') + openai.finish() + openai.usage() + openai.done() }]
      : [{ send: ollama.text('x') + ollama.done() }],
  );
  const embedded = new EmbeddedProvider(readConfig({}));
  embedded.chat = async (request, _signal, emit) => {
    embeddedRequests.push(inChild(request));
    emit({ type: 'content', text: 'x' });
    emit({ type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } });
  };
  providers = {
    openai: new OpenAiProvider({ url: `${model.url}/v1` }),
    ollama: new OllamaProvider({ url: model.url, keepAlive: '5m' }),
    embedded,
  };
  s = await chatServer(
    { BATCH_TIMEOUT_MS: '1' },
    {
      clock: systemClock,
      directory: {
        resolve: async (name) => ({ provider: providers[(name ?? 'ollama') as ModelServerKind], model: name ?? '' }),
      },
    },
  );
});

beforeAll(async () => {
  const stored = await fetch(`${s.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': STORED_ID },
    body: JSON.stringify({ model: 'openai', input: 'a stored question' }),
  });
  expect(stored.status).toBe(200);
});

afterAll(async () => {
  await s.close();
  await Promise.all(Object.values(providers).map((provider) => provider.close()));
  await model.close();
});

/** What the built-in model's process makes of a request. */
function inChild({ messages, completion, options, format: asked, think }: ModelRequest): object {
  return {
    completion,
    messages: messages.map(({ role: who, content }) => [who, content]),
    sampling: samplingOptions(options, 2_048),
    format: asked,
    thinks: think !== false,
  };
}

interface Outcome {
  status: number;
  cache: string | null;
  ignored: string[];
  dropped: string[];
  /** The field that an error names first. */
  refused: string | undefined;
  /** The error's code. */
  code: string | undefined;
  /** What the model server got; undefined where it was not asked. */
  arrived: unknown;
}

/** Reads the cache whatever the sampling is, by which equal requests are found. */
async function send(path: string, body: object, headers: Record<string, string> = {}): Promise<Outcome> {
  const before = [model.requests.length, embeddedRequests.length];
  const response = await fetch(s.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-cache-policy': 'on', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const failure = response.ok ? undefined : JSON.parse(text);
  return {
    status: response.status,
    cache: response.headers.get('x-cache'),
    ignored: response.headers.get('x-ignored-fields')?.split(', ') ?? [],
    dropped: response.headers.get('x-dropped-params')?.split(', ') ?? [],
    refused: failure?.error?.param ?? (failure?.error?.details?.fields ?? failure?.details)?.[0]?.field,
    code: failure?.error?.code ?? failure?.error?.details?.error_code ?? failure?.code,
    arrived: model.requests[before[0] ?? 0]?.body ?? embeddedRequests[before[1] ?? 0],
  };
}

interface Row {
  path: string;
  kind: ModelServerKind;
  type: string;
  field: string;
  use: FieldSupport;
  sample: Sample;
  start: object;
}

let requests = 0;

/** A whole request of a conversation that no other has. */
function whole({ path, kind, start }: Row, conversation: number, fields: object): object {
  if (path === '/v1/completions') return { model: kind, prompt: 'hello', seed: conversation, ...start, ...fields };
  if (path === '/v1/responses') {
    const instructions = `conversation ${conversation} ${Reflect.get(fields, 'instructions') ?? ''}`;
    return { model: kind, input: 'hello', ...fields, instructions };
  }
  const said = path === '/api/generate' ? { prompt: 'hello' } : { messages: [USER] };
  const { messages, ...rest } = { ...start, ...said, ...fields } as { messages?: object[] };
  const mark = { role: 'system', content: `conversation ${conversation}` };
  const marked = path === '/api/generate' ? {} : { messages: [mark, ...(messages ?? [])] };
  const options = path === '/api/generate' ? { options: { seed: conversation, ...Reflect.get(rest, 'options') } } : {};
  return { model: kind, ...rest, ...options, ...marked };
}

/** Field names stand at the end of a path with places (`messages.0.audio`), or are it. */
function names(told: string | undefined, row: Row): boolean {
  const path = told?.split('.') ?? [];
  const last = row.field === 'image_url' || row.field === 'content' ? 'content' : row.field;
  if (told !== undefined && told === containerOf(row)) return true;
  if (row.field === 'top_logprobs' && told === 'logprobs') return true;
  return path.includes(row.field) || path.includes(last) || (told !== undefined && CONTAINERS.test(told));
}

/** Of what is inside these, the whole is reported or refused. */
const CONTAINER_OF: Readonly<Record<string, string>> = {
  ChatCompletionMessageFunctionToolCall: 'messages.tool_calls',
  'ChatCompletionMessageFunctionToolCall.Function': 'messages.tool_calls',
  ToolCall: 'messages.tool_calls',
  'ToolCall.function': 'messages.tool_calls',
  ChatCompletionFunctionTool: 'tools',
  FunctionDefinition: 'tools',
  Tool: 'tools',
  'Tool.function': 'tools',
  ToolUseBlockParam: 'messages.content.tool_use',
  ToolChoiceAny: 'tool_choice',
  ToolChoiceTool: 'tool_choice',
  ResponseInputImage: 'input.content.image_url',
  ResponseInputImageContent: 'input.content.image_url',
  'ResponseCreateParamsBase.reasoning': 'reasoning.effort',
  ...Object.fromEntries(
    ['arguments', 'input', 'call_id', 'name', 'namespace'].flatMap((field) => [
      [`ResponseFunctionToolCall.${field}`, 'input.function_call'],
      [`ResponseCustomToolCall.${field}`, 'input.function_call'],
    ]),
  ),
  'ResponseReasoningItem.content': 'input.reasoning',
  'ResponseReasoningItem.summary': 'input.reasoning',
  'ResponseReasoningItem.Content': 'input.reasoning',
  'ResponseReasoningItem.Summary': 'input.reasoning',
  CustomTool: 'tools',
  NamespaceTool: 'tools',
  FunctionTool: 'tools',
  'NamespaceTool.Function': 'tools',
  ToolChoiceFunction: 'tool_choice',
  ToolChoiceCustom: 'tool_choice',
  'ToolChoiceAllowed.mode': 'tool_choice',
};

function containerOf({ type, field }: Row): string | undefined {
  return CONTAINER_OF[type] ?? CONTAINER_OF[`${type}.${field}`];
}

/** A part or a message of a type that is not taken is refused as a whole. */
const CONTAINERS =
  /^messages\.\d+\.(?:role|content\.\d+\.type|tool_calls\.\d+\.type)$|^tools\.\d+\.type$|^messages\.content/;

const KINDS: readonly ModelServerKind[] = ['openai', 'ollama', 'embedded'];

function rowsOf(
  path: string,
  table: Table,
  samples: Readonly<Record<string, Sample>>,
  start: object,
  types?: string[],
): Row[] {
  return Object.entries(table)
    .filter(([type]) => types === undefined || types.includes(type))
    .flatMap(([type, fields]) =>
      Object.entries(fields).flatMap(([field, uses]) => {
        const sample = samples[type];
        if (sample === undefined || sample.always?.includes(field) === true) return [];
        return KINDS.map((kind) => ({ path, kind, type, field, use: uses[kind], sample, start }));
      }),
    );
}

const ROWS: Row[] = [
  ...rowsOf('/v1/chat/completions', OPENAI_FIELDS, OPENAI_SAMPLES, {}),
  ...rowsOf('/v1/completions', COMPLETION_FIELDS, COMPLETION_SAMPLES, {}),
  ...rowsOf('/v1/messages', ANTHROPIC_FIELDS, ANTHROPIC_SAMPLES, {}),
  ...rowsOf('/v1/responses', RESPONSES_FIELDS, RESPONSES_SAMPLES, {}),
  ...rowsOf('/api/chat', OLLAMA_FIELDS, OLLAMA_SAMPLES, { stream: false }).filter(
    ({ type }) => type !== 'GenerateRequest',
  ),
  ...rowsOf('/api/generate', OLLAMA_FIELDS, OLLAMA_SAMPLES, { stream: false }, ['GenerateRequest']),
];

/** Fields that hold a part of the conversation, or refer to one: they are never left out. */
const OF_CONVERSATION = /^(?:messages|input|prompt|conversation|context|thread|images)\b/;

/** A parameter that is refused can be left out: the request is then the one without it. */
async function checkDropping(row: Row, given: Outcome, drop: (value: unknown) => Promise<Outcome>): Promise<void> {
  const [value] = row.sample.values[row.field] ?? [];
  const dropping = await drop(value);
  if (given.code !== 'unsupported_parameter' || OF_CONVERSATION.test(given.refused ?? '')) {
    expect([dropping.status, dropping.refused]).toEqual([given.status, given.refused]);
    return;
  }
  expect(dropping.status, dropping.refused).toBe(200);
  const isNamed = dropping.dropped.some((name) => names(name, row));
  expect(isNamed, dropping.dropped.join()).toBe(true);
  // Its switch of thinking is supported as `think`, and stays.
  if (row.field === 'chat_template_kwargs') return;
  const bare = await drop(undefined);
  const other = await drop(row.sample.values[row.field]?.[1]);
  // Some fields are required, and one value of a field may be supported.
  if (bare.status === 200) expect(bare.cache).toBe('hit');
  if (other.dropped.length > 0) expect(other.cache).toBe('hit');
}

describe('a request field', () => {
  it('has two values to be tried with', () => {
    const lacking = ROWS.filter(({ sample, field }) => sample.values[field] === undefined);
    expect(lacking.map(({ type, field }) => `${type}.${field}`)).toEqual([]);
  });

  it.each(
    ROWS.filter(({ sample, field }) => sample.values[field] !== undefined).map(
      (row) => [`${row.path} ${row.type}.${row.field} to ${row.kind}: ${row.use}`, row] as const,
    ),
  )('%s', async (_name, row) => {
    const { sample, field, use } = row;
    const [value, second] = sample.values[field] ?? [];
    const conversation = ++requests;
    const put = (chosen: unknown) => whole(row, conversation, sample.put(field, chosen));
    const given = await send(row.path, put(value));
    if (use === 'refused') {
      expect([400, 422]).toContain(given.status);
      expect(names(given.refused, row), `${given.refused}`).toBe(true);
      expect(given.arrived).toBeUndefined();
      await checkDropping(row, given, (chosen) => send(row.path, put(chosen), { 'x-drop-params': 'true' }));
      return;
    }
    expect(given.status, `${given.refused}`).toBe(200);
    const toldIgnored = given.ignored.some((told) => told.split('.').at(-1) === field || told === containerOf(row));
    expect(toldIgnored, given.ignored.join()).toBe(use === 'no effect');
    if (use === 'here') return;
    const bare = await send(row.path, whole(row, conversation, sample.base ?? sample.put(field, undefined)));
    const otherwise = await send(row.path, put(second));
    // There is no request without a field that is required.
    const others = [bare, otherwise].filter(({ status }) => status === 200);
    expect(others.length).toBeGreaterThan(0);
    if (use === 'no effect') {
      for (const { arrived, cache } of others) if (cache !== 'hit') expect(arrived).toEqual(given.arrived);
      return;
    }
    expect(others.some(({ arrived }) => !isDeepStrictEqual(arrived, given.arrived))).toBe(true);
    if (field === 'keep_alive') return;
    // Two requests that differ in this field only have two keys.
    expect(others[0]?.cache).toBe('miss');
    if (!isDeepStrictEqual(value, second)) expect(others.at(-1)?.cache).toBe('miss');
    expect((await send(row.path, put(value))).cache).toBe('hit');
  });
});

describe('a type of the Anthropic SDK that is refused', () => {
  const types = Object.entries(ANTHROPIC_REFUSED_TYPES).flatMap(([place, names]) =>
    names.map((name) => [place, name] as const),
  );

  it.each(types)('is refused by the value of its type: %s %s', async (place, name) => {
    const [type] = ANTHROPIC_TYPES.literals(name, 'type');
    expect(type).toMatch(/./);
    const { status, refused, arrived } = await send('/v1/messages', {
      model: 'openai',
      ...REFUSED_SAMPLES[place]?.(type ?? ''),
    });
    expect([400, 422]).toContain(status);
    expect(refused).toMatch(/\btype$/);
    expect(arrived).toBeUndefined();
  });
});

const { items, tools, toolChoices } = REFUSED_RESPONSES_TYPES;

describe('a type of a response’s request that is refused', () => {
  it.each([
    ...Object.values(items).map((type) => [type, { input: [{ type, role: 'developer' }] }, 'input.0.type'] as const),
    ...Object.values(tools).map((type) => [type, { input: 'x', tools: [{ type }] }, 'tools.0.type'] as const),
    ...Object.values(toolChoices).map(
      (type) => [type, { input: 'x', tool_choice: { type } }, 'tool_choice.type'] as const,
    ),
  ])('is named: %s', async (type, body, field) => {
    const { status, refused, arrived } = await send('/v1/responses', { model: 'openai', ...body });
    expect([status, refused, arrived]).toEqual([400, field, undefined]);
    expect(RESPONSES_SOURCE).toContain(`'${type}'`);
  });
});
