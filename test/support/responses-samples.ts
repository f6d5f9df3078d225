import type { RESPONSES_FIELDS } from '#lib/wire/responses-field-support';
import type { FieldSample } from './field-sample.ts';
import { GIF, PNG } from './images.ts';

/** Requests of OpenAI's Responses API for the test of the table of request fields. */

/** The id that a test gives to the request of a response that others continue. */
export const STORED_ID = '00000000-0000-4000-8000-00000000000a';

const dataUrl = (image: string) => `data:image/png;base64,${image}`;
const USER = { role: 'user', content: 'hello' };
const FUNCTION = { type: 'function', name: 'look', parameters: { type: 'object', properties: {} }, strict: null };
const CUSTOM = { type: 'custom', name: 'patch' };
const CALL = { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"a":1}' };
const CUSTOM_CALL = { type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: 'x' };
const BREAKPOINTS = [{ mode: 'explicit' }, { mode: 'explicit', ttl: '30m' }] as const;
const NAMES = ['a', 'b'] as const;

const input = (...items: object[]) => ({ input: items });
const tools = (...list: object[]) => ({ tools: list });

/** A message with one part, or the output of a tool with one. */
function part(type: string, least: object, isOutput: boolean): (fields: object) => object {
  return (fields) => {
    const content = [{ type, ...least, ...fields }];
    return isOutput
      ? input(USER, CALL, { type: 'function_call_output', call_id: 'c1', output: content })
      : input({ role: 'user', content });
  };
}

function textPart(isOutput: boolean): FieldSample {
  const of = part('input_text', { text: 'hello' }, isOutput);
  return {
    base: of({}),
    put: (field, value) => of({ [field]: value }),
    values: { text: NAMES, prompt_cache_breakpoint: BREAKPOINTS },
    always: ['type'],
  };
}

function imagePart(isOutput: boolean): FieldSample {
  const of = part('input_image', { image_url: dataUrl(PNG) }, isOutput);
  return {
    base: of({}),
    put: (field, value) => of({ [field]: value }),
    values: {
      image_url: [dataUrl(GIF), dataUrl(`${GIF.slice(0, -4)}AAA7`)],
      detail: ['low', 'original'],
      file_id: NAMES,
      prompt_cache_breakpoint: BREAKPOINTS,
    },
    always: ['type'],
  };
}

function filePart(isOutput: boolean): FieldSample {
  const of = part('input_file', { file_data: btoa('text') }, isOutput);
  return {
    base: of({}),
    put: (field, value) => of({ [field]: value }),
    values: {
      file_data: [btoa('a'), btoa('b')],
      filename: ['a.txt', 'b.txt'],
      detail: ['low', 'high'],
      file_id: NAMES,
      file_url: NAMES,
      prompt_cache_breakpoint: BREAKPOINTS,
    },
    always: ['type'],
  };
}

const MESSAGE_VALUES = {
  content: ['a', [{ type: 'input_text', text: 'b' }]],
  role: ['system', 'assistant'],
  type: ['message', 'message'],
  phase: ['commentary', 'final_answer'],
  status: ['completed', 'incomplete'],
  id: NAMES,
} as const;
const message = (role: string): FieldSample => ({
  base: input({ role, content: 'be brief' }, USER),
  put: (field, value) => input({ role, content: 'be brief', [field]: value }, USER),
  values: MESSAGE_VALUES,
});

const functionTool = (wrap: (tool: object) => object): FieldSample => ({
  base: wrap(FUNCTION),
  put: (field, value) => wrap({ ...FUNCTION, [field]: value }),
  values: {
    name: NAMES,
    description: NAMES,
    parameters: [{ type: 'object', required: ['a'] }, { type: 'object' }],
    strict: [true, false],
    allowed_callers: [['direct'], ['programmatic']],
    async: [true, false],
    defer_loading: [true, false],
    output_schema: [{ type: 'object' }, { type: 'string' }],
  },
  always: ['type'],
});

const CALLERS = [{ type: 'direct' }, { type: 'program', caller_id: 'p' }] as const;

export const RESPONSES_SAMPLES: Record<keyof typeof RESPONSES_FIELDS, FieldSample> = {
  ResponseCreateParamsBase: {
    base: {},
    put: (field, value) => ({
      ...(/tool_choice|parallel/.test(field) ? tools(FUNCTION) : {}),
      [field]: value,
    }),
    values: {
      input: NAMES,
      instructions: NAMES,
      access_programs: [{ cyber: 'standard' }, { cyber: 'daybreak_blue' }],
      background: [true, false],
      cache: ['auto', 'on'],
      drop_params: [true, false],
      background_options: [{ completion_window: '2h' }, { completion_window: '8h' }],
      context_management: [[{ type: 'compaction' }], [{ type: 'other' }]],
      conversation: NAMES,
      image: [{ context_compression: 'enabled' }, { context_compression: 'disabled' }],
      include: [['reasoning.encrypted_content'], []],
      max_output_tokens: [5, 6],
      max_tool_calls: [5, 6],
      metadata: [{ a: 'b' }, { a: 'c' }],
      moderation: [{ model: 'm' }, { model: 'n' }],
      parallel_tool_calls: [false, true],
      previous_response_id: [`resp_${STORED_ID}`, null],
      prompt: [{ id: 'a' }, { id: 'b' }],
      prompt_cache_key: NAMES,
      prompt_cache_options: [{ mode: 'implicit' }, { mode: 'explicit' }],
      prompt_cache_retention: ['in_memory', '24h'],
      reasoning: [{ effort: 'low' }, { effort: 'high' }],
      safety_identifier: NAMES,
      service_tier: ['flex', 'priority'],
      store: [true, false],
      stream: [true, false],
      stream_options: [{}, {}],
      temperature: [0, 2],
      text: [{ format: { type: 'json_object' } }, jsonSchema({}).text],
      tool_choice: ['required', { type: 'function', name: 'look' }],
      tools: [[FUNCTION], [FUNCTION, CUSTOM]],
      top_logprobs: [2, 3],
      top_p: [0.5, 1],
      truncation: ['auto', 'disabled'],
      user: NAMES,
    },
    always: ['model'],
  },
  'ResponseCreateParams.StreamOptions': {
    base: { stream: true },
    put: (field, value) => ({ stream: true, stream_options: { [field]: value } }),
    values: { include_obfuscation: [true, false] },
  },
  EasyInputMessage: message('user'),
  'ResponseInputItem.Message': message('user'),
  ResponseOutputMessage: { ...message('assistant'), values: { ...MESSAGE_VALUES, role: ['system', 'user'] } },
  ResponseInputText: textPart(false),
  ResponseInputTextContent: textPart(true),
  ResponseInputImage: imagePart(false),
  ResponseInputImageContent: imagePart(true),
  ResponseInputFile: filePart(false),
  ResponseInputFileContent: filePart(true),
  ResponseOutputText: {
    put: (field, value) =>
      input({ role: 'assistant', content: [{ type: 'output_text', text: 'x', [field]: value }] }, USER),
    values: { text: NAMES, annotations: [[], [{}]], logprobs: [[], [{}]] },
    always: ['type'],
  },
  ResponseOutputRefusal: {
    put: (field, value) => input({ role: 'assistant', content: [{ type: 'refusal', [field]: value }] }, USER),
    values: { refusal: ['No.', 'Never.'] },
    always: ['type'],
  },
  ResponseFunctionToolCall: {
    base: input(USER, CALL, USER),
    put: (field, value) => input(USER, { ...CALL, [field]: value }, USER),
    values: {
      arguments: ['{"a":2}', 'not JSON'],
      call_id: NAMES,
      name: NAMES,
      namespace: NAMES,
      id: NAMES,
      status: ['completed', 'incomplete'],
      async: [true, false],
      caller: CALLERS,
    },
    always: ['type'],
  },
  'ResponseInputItem.FunctionCallOutput': {
    put: (field, value) =>
      input(
        USER,
        CALL,
        { ...CALL, call_id: 'c2', ...(field === 'name' ? { name: 'listen' } : {}) },
        {
          type: 'function_call_output',
          output: 'rain',
          ...(field === 'call_id' || field === 'name' ? {} : { call_id: 'c1' }),
          [field]: value,
        },
      ),
    values: {
      output: ['sun', [{ type: 'input_text', text: 'snow' }]],
      call_id: ['c2', 'c3'],
      name: ['listen', 'look'],
      namespace: NAMES,
      caller: CALLERS,
      id: NAMES,
      status: ['completed', 'incomplete'],
    },
    always: ['type'],
  },
  ResponseCustomToolCall: {
    base: input(USER, CUSTOM_CALL, USER),
    put: (field, value) => input(USER, { ...CUSTOM_CALL, [field]: value }, USER),
    values: {
      input: NAMES,
      call_id: NAMES,
      name: NAMES,
      namespace: NAMES,
      id: NAMES,
      async: [true, false],
      caller: CALLERS,
    },
    always: ['type'],
  },
  ResponseCustomToolCallOutput: {
    base: input(USER, CUSTOM_CALL, { ...CUSTOM_CALL, call_id: 'c2' }, customOutput({})),
    put: (field, value) =>
      input(USER, CUSTOM_CALL, { ...CUSTOM_CALL, call_id: 'c2' }, customOutput({ [field]: value })),
    values: {
      output: ['sun', [{ type: 'input_text', text: 'snow' }]],
      call_id: ['c2', 'c3'],
      caller: CALLERS,
      id: NAMES,
    },
    always: ['type'],
  },
  ResponseReasoningItem: {
    base: input(USER, { type: 'reasoning' }, { role: 'assistant', content: 'x' }, USER),
    put: (field, value) =>
      input(USER, { type: 'reasoning', [field]: value }, { role: 'assistant', content: 'x' }, USER),
    values: {
      content: [[{ type: 'reasoning_text', text: 'a' }], [{ type: 'reasoning_text', text: 'b' }]],
      summary: [[{ type: 'summary_text', text: 'a' }], [{ type: 'summary_text', text: 'b' }]],
      encrypted_content: NAMES,
      id: NAMES,
      status: ['completed', 'incomplete'],
    },
    always: ['type'],
  },
  'ResponseReasoningItem.Content': reasoningPart('content', 'reasoning_text'),
  'ResponseReasoningItem.Summary': reasoningPart('summary', 'summary_text'),
  'ResponseInputItem.ItemReference': {
    put: (field, value) => input({ id: `msg_${STORED_ID}_0`, [field]: value }, USER),
    values: { id: [`msg_${STORED_ID}_0`, `msg_${STORED_ID}_i0`], type: ['item_reference', null] },
  },
  FunctionTool: functionTool((tool) => tools(tool)),
  CustomTool: {
    base: tools(CUSTOM),
    put: (field, value) => tools({ ...CUSTOM, [field]: value }),
    values: {
      name: NAMES,
      description: NAMES,
      format: [
        { type: 'grammar', syntax: 'lark', definition: 'start: "a"' },
        { type: 'grammar', syntax: 'regex', definition: 'a' },
      ],
      allowed_callers: [['direct'], ['programmatic']],
      async: [true, false],
      defer_loading: [true, false],
    },
    always: ['type'],
  },
  NamespaceTool: {
    base: tools({ type: 'namespace', name: 'crm', tools: [FUNCTION] }),
    put: (field, value) => tools({ type: 'namespace', name: 'crm', tools: [FUNCTION], [field]: value }),
    values: { name: NAMES, description: NAMES, tools: [[CUSTOM], [FUNCTION, CUSTOM]] },
    always: ['type'],
  },
  'NamespaceTool.Function': functionTool((tool) => tools({ type: 'namespace', name: 'crm', tools: [tool] })),
  Reasoning: {
    base: { reasoning: {} },
    put: (field, value) => ({ reasoning: { [field]: value } }),
    values: {
      effort: ['low', 'high'],
      mode: ['pro', 'other'],
      context: ['current_turn', 'all_turns'],
      generate_summary: ['auto', 'concise'],
      summary: ['auto', 'concise'],
    },
  },
  ResponseTextConfig: {
    base: { text: {} },
    put: (field, value) => ({ text: { [field]: value } }),
    values: { format: [{ type: 'json_object' }, jsonSchema({}).text.format], verbosity: ['low', 'high'] },
  },
  ResponseFormatText: { put: () => ({ text: { format: { type: 'text' } } }), values: {}, always: ['type'] },
  ResponseFormatJSONObject: {
    put: () => ({ text: { format: { type: 'json_object' } } }),
    values: {},
    always: ['type'],
  },
  ResponseFormatTextJSONSchemaConfig: {
    base: jsonSchema({}),
    put: (field, value) => jsonSchema({ [field]: value }),
    values: {
      name: ['b', 'c'],
      description: ['b', 'c'],
      schema: [{ type: 'array' }, { type: 'string' }],
      strict: [true, false],
    },
    always: ['type'],
  },
  ToolChoiceFunction: {
    base: tools(FUNCTION),
    put: (field, value) => ({ ...tools(FUNCTION), tool_choice: { type: 'function', [field]: value } }),
    values: { name: NAMES },
    always: ['type'],
  },
  ToolChoiceCustom: {
    base: tools(CUSTOM),
    put: (field, value) => ({ ...tools(CUSTOM), tool_choice: { type: 'custom', [field]: value } }),
    values: { name: NAMES },
    always: ['type'],
  },
  ToolChoiceAllowed: {
    base: tools(FUNCTION, CUSTOM),
    put: (field, value) => ({
      ...tools(FUNCTION, CUSTOM),
      tool_choice: { type: 'allowed_tools', tools: [{ type: 'function', name: 'look' }], [field]: value },
    }),
    values: { mode: ['required', 'auto'], tools: [[{ type: 'function', name: 'look' }], [CUSTOM]] },
    always: ['type'],
  },
};

function customOutput(fields: object) {
  return { type: 'custom_tool_call_output', call_id: 'c1', output: 'rain', ...fields };
}

function reasoningPart(field: string, type: string): FieldSample {
  const of = (text: unknown) =>
    input(USER, { type: 'reasoning', [field]: [{ type, text }] }, { role: 'assistant', content: 'x' }, USER);
  return { base: of('bare'), put: (_, value) => of(value), values: { text: NAMES }, always: ['type'] };
}

function jsonSchema(fields: object) {
  return { text: { format: { type: 'json_schema', name: 'a', schema: { type: 'object' }, ...fields } } };
}
