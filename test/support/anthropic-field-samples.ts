import type { ANTHROPIC_FIELDS } from '#lib/wire/anthropic-field-support';
import type { FieldSample } from './field-sample.ts';
import { GIF, PNG } from './images.ts';

const USER = { role: 'user', content: 'hello' };
const TOOL = { name: 'look', input_schema: { type: 'object', properties: {} } };
const SCHEMA = { type: 'json_schema', schema: { type: 'object' } };
const OTHER_SCHEMA = { type: 'json_schema', schema: { type: 'array' } };
const CACHED = [{ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' }] as const;

/** A message of the user that ends with this block. */
const withBlock = (block: object) => ({
  messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }, block] }],
});

const block = (fields: object, values: FieldSample['values'], always: readonly string[] = ['type']): FieldSample => ({
  base: withBlock(fields),
  put: (field, value) => withBlock({ ...fields, [field]: value }),
  values,
  always,
});

const role = (name: string): FieldSample => ({
  base: { messages: [USER, { role: name, content: 'x' }, USER] },
  put: (field, value) => ({ messages: [USER, { role: name, content: 'x', [field]: value }, USER] }),
  values: { content: ['a', [{ type: 'text', text: 'b' }]] },
  always: ['role'],
});

const said = (fields: object) => ({ messages: [USER, { role: 'assistant', content: [fields] }, USER] });

const image = (fields: object) => withBlock({ type: 'image', ...fields });
const png = { type: 'base64', media_type: 'image/png', data: PNG };
const gif = { ...png, media_type: 'image/gif', data: GIF };

const document = (fields: object) => ({ type: 'document', source: { type: 'text', data: 'a' }, ...fields });
const CALL = { type: 'tool_use', id: 'toolu_c1', name: 'look', input: {} };
const result = (fields: object) => ({
  messages: [
    USER,
    { role: 'assistant', content: [CALL, { ...CALL, id: 'toolu_c2' }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_c1', ...fields }] },
  ],
});

const choice = (fields: object, values: FieldSample['values'], always: readonly string[] = []): FieldSample => ({
  base: { tools: [TOOL] },
  put: (field, value) => ({ tools: [TOOL], tool_choice: { ...fields, [field]: value } }),
  values,
  always,
});

const thinking = (type: string, values: FieldSample['values']): FieldSample => ({
  base: { thinking: { type } },
  put: (field, value) => ({ thinking: { type, [field]: value } }),
  values,
  always: ['type'],
});

/** For the rows of ANTHROPIC_FIELDS. */
export const ANTHROPIC_SAMPLES: Record<keyof typeof ANTHROPIC_FIELDS, FieldSample> = {
  MessageCreateParamsBase: {
    base: {},
    put: (field, value) => ({ ...(field === 'tool_choice' ? { tools: [TOOL] } : {}), [field]: value }),
    values: {
      messages: [[{ role: 'user', content: 'a' }], [{ role: 'user', content: 'b' }]],
      max_tokens: [5, 6],
      cache: ['auto', 'on'],
      drop_params: [true, false],
      system: ['a', [{ type: 'text', text: 'b' }]],
      stream: [true, false],
      stop_sequences: [['a'], ['b']],
      tools: [[TOOL], [TOOL, { ...TOOL, name: 'other' }]],
      tool_choice: [{ type: 'any' }, { type: 'tool', name: 'look' }],
      thinking: [{ type: 'enabled' }, { type: 'enabled' }],
      output_config: [{ format: SCHEMA }, { format: OTHER_SCHEMA }],
      output_format: [SCHEMA, OTHER_SCHEMA],
      cache_control: CACHED,
      container: ['a', { id: 'b' }],
      diagnostics: [{ previous_message_id: 'a' }, { previous_message_id: 'b' }],
      inference_geo: ['us', 'eu'],
      metadata: [{ user_id: 'a' }, { user_id: 'b' }],
      service_tier: ['auto', 'standard_only'],
      speed: ['standard', 'fast'],
      user_profile_id: ['a', 'b'],
      workspace_id: ['a', 'b'],
      temperature: [0, 2],
      top_p: [0.5, 1],
      top_k: [1, 2],
      betas: [['a'], ['b']],
      billing_policy: [{ type: 'a' }, { type: 'b' }],
      compaction: [{ type: 'a' }, { type: 'b' }],
      context_management: [{ edits: [{ type: 'clear_tool_uses_20250919' }] }, { edits: [] }],
      fallback_credit_token: ['a', 'b'],
      fallbacks: [[{ model: 'a' }], [{ model: 'b' }]],
      mcp_servers: [[{ type: 'url', url: 'https://a' }], [{ type: 'url', url: 'https://b' }]],
      thread: [{ id: 'a' }, { id: 'b' }],
    },
    always: ['model'],
  },
  UserMessageParam: role('user'),
  AssistantMessageParam: role('assistant'),
  SystemMessageParam: role('system'),
  TextBlockParam: block(
    { type: 'text', text: 'x' },
    {
      text: ['a', 'b'],
      cache_control: CACHED,
      citations: [[{ type: 'char_location', cited_text: 'x' }], []],
    },
  ),
  ImageBlockParam: {
    put: (field, value) => image({ source: png, [field]: value }),
    values: {
      source: [gif, png],
      cache_control: CACHED,
      transformations: [{ oversized_image: 'error' }, { oversized_image: 'downsize' }],
    },
    always: ['type'],
  },
  Base64ImageSource: {
    base: image({ source: png }),
    put: (field, value) => image({ source: { ...png, [field]: value } }),
    values: { data: [GIF, `${GIF.slice(0, -4)}AAA7`], media_type: ['image/png', 'image/gif'] },
    always: ['type'],
  },
  DocumentBlockParam: block(document({}), {
    source: [
      { type: 'text', data: 'b' },
      { type: 'content', content: 'c' },
    ],
    cache_control: CACHED,
    citations: [{ enabled: true }, { enabled: false }],
    context: ['a', 'b'],
    title: ['a', 'b'],
  }),
  PlainTextSource: {
    base: withBlock(document({})),
    put: (field, value) => withBlock(document({ source: { type: 'text', data: 'a', [field]: value } })),
    values: { data: ['b', 'c'], media_type: ['text/plain', 'text/plain'] },
    always: ['type'],
  },
  ContentBlockSource: {
    base: withBlock(document({})),
    put: (field, value) => withBlock(document({ source: { type: 'content', content: 'x', [field]: value } })),
    values: { content: ['b', [{ type: 'text', text: 'c' }]] },
    always: ['type'],
  },
  SearchResultBlockParam: block(
    { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'x' }] },
    {
      content: [[{ type: 'text', text: 'a' }], []],
      source: ['a', 'b'],
      title: ['a', 'b'],
      cache_control: CACHED,
      citations: [{ enabled: true }, { enabled: false }],
    },
  ),
  ThinkingBlockParam: {
    base: said({ type: 'thinking', thinking: 'hm' }),
    put: (field, value) => said({ type: 'thinking', thinking: 'hm', [field]: value }),
    values: { thinking: ['a', 'b'], signature: ['a', 'b'] },
    always: ['type'],
  },
  RedactedThinkingBlockParam: {
    base: said({ type: 'redacted_thinking' }),
    put: (field, value) => said({ type: 'redacted_thinking', [field]: value }),
    values: { data: ['a', 'b'] },
    always: ['type'],
  },
  ToolUseBlockParam: {
    base: said(CALL),
    put: (field, value) => said({ ...CALL, [field]: value }),
    values: {
      id: ['toolu_a', 'toolu_b'],
      input: [{ a: 1 }, { a: 2 }],
      name: ['a', 'b'],
      cache_control: CACHED,
      caller: [{ type: 'direct' }, { type: 'direct' }],
      toolset_name: ['a', 'b'],
    },
    always: ['type'],
  },
  DirectCaller: { put: () => said({ ...CALL, caller: { type: 'direct' } }), values: {}, always: ['type'] },
  ToolResultBlockParam: {
    base: result({}),
    put: (field, value) => result({ [field]: value }),
    values: {
      tool_use_id: ['toolu_c2', 'toolu_c3'],
      content: ['rain', [{ type: 'text', text: 'sun' }]],
      is_error: [true, true],
      cache_control: CACHED,
      toolset_name: ['a', 'b'],
    },
    always: ['type'],
  },
  Tool: {
    base: { tools: [TOOL] },
    put: (field, value) => ({ tools: [{ ...TOOL, [field]: value }] }),
    values: {
      input_schema: [{ type: 'object', required: ['a'] }, { type: 'object' }],
      name: ['a', 'b'],
      allowed_callers: [['direct'], ['code_execution_20250825']],
      cache_control: CACHED,
      defer_loading: [true, false],
      description: ['a', 'b'],
      eager_input_streaming: [true, false],
      input_examples: [[{ a: 1 }], [{ a: 2 }]],
      strict: [true, false],
    },
    always: ['type'],
  },
  ToolChoiceAuto: choice({ type: 'auto' }, { disable_parallel_tool_use: [true, true] }, ['type']),
  ToolChoiceAny: choice({ type: 'any' }, { type: ['any', 'auto'], disable_parallel_tool_use: [true, true] }),
  ToolChoiceTool: choice(
    { type: 'tool', name: 'look' },
    { type: ['tool', 'any'], name: ['look', 'other'], disable_parallel_tool_use: [true, true] },
  ),
  ToolChoiceNone: { put: () => ({ tool_choice: { type: 'none' } }), values: {}, always: ['type'] },
  ThinkingConfigEnabled: thinking('enabled', { budget_tokens: [1_024, 2_048], display: ['omitted', 'summarized'] }),
  ThinkingConfigAdaptive: thinking('adaptive', { display: ['omitted', 'summarized'] }),
  ThinkingConfigDisabled: thinking('disabled', {}),
  OutputConfig: {
    base: {},
    put: (field, value) => ({ output_config: { [field]: value } }),
    values: { effort: ['low', 'high'], format: [SCHEMA, OTHER_SCHEMA] },
  },
  JSONOutputFormat: {
    base: {},
    put: (field, value) => ({ output_config: { format: { type: 'json_schema', [field]: value } } }),
    values: { schema: [{ type: 'object' }, { type: 'array' }] },
    always: ['type'],
  },
};

/** A request with a value whose `type` is `type`, by where it occurs. */
export const REFUSED_SAMPLES: Readonly<Record<string, (type: string) => object>> = {
  tool: (type) => ({ messages: [USER], tools: [{ type, name: 'x' }] }),
  block: (type) => withBlock({ type }),
  'tool result block': (type) => result({ content: [{ type }] }),
  'image source': (type) => image({ source: { type } }),
  'document source': (type) => withBlock(document({ source: { type } })),
  caller: (type) => said({ ...CALL, caller: { type } }),
  thinking: (type) => ({ messages: [USER], thinking: { type } }),
};
