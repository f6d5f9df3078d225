import { z } from 'zod';
import {
  imageDetailSchema,
  maxTokensSchema,
  REQUEST_POLICY_DESCRIPTIONS,
  REQUEST_POLICY_SHAPE,
  topLogprobsSchema,
} from '#lib/wire/chat';
import { describeFields } from '#lib/wire/describe-fields';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { boundedRecord, jsonObjectSchema } from '#lib/wire/json-values';
import { optional, withDefault } from '#lib/wire/optional';
import { PASSTHROUGH_SHAPE } from '#lib/wire/passthrough';
import { describeSupportOf } from '#lib/wire/request-field-support';
import { RESPONSES_FIELDS } from '#lib/wire/responses-field-support';

/**
 * OpenAI's Responses as they are read here. `responses-field-support.ts` says what each field does;
 * names that are in neither are reported in the response header `X-Ignored-Fields`.
 * https://platform.openai.com/docs/api-reference/responses
 */

/** Items of one request. An agent sends its whole history with every turn. */
export const MAX_ITEMS = 2_000;
/** Content parts of one item. */
const MAX_PARTS = 2_000;
const MAX_TOOLS = 128;
/** As in OpenAI's API. */
const MAX_METADATA = 16;
const MAX_METADATA_CHARACTERS = 512;
const MAX_INCLUDES = 32;

/** Declared only to be refused by name. */
const refused = optional(z.unknown());
/** Part of an output that is sent back. Nothing depends on it. */
const returned = optional(z.unknown());
const idSchema = optional(z.string().max(256));
const nameSchema = z.string().min(1).max(256);
const callIdSchema = z.string().min(1).max(256);
const returnedIdShape = { id: idSchema, status: returned };

const textPartSchema = z.object({
  type: z.enum(['input_text', 'output_text', 'text']),
  text: z.string(),
  annotations: returned,
  logprobs: returned,
});
const refusalPartSchema = z.object({ type: z.literal('refusal'), refusal: z.string() });
const imagePartSchema = z.object({
  type: z.literal('input_image'),
  image_url: optional(z.string()),
  detail: optional(imageDetailSchema),
  file_id: refused,
});
const filePartSchema = z.object({
  type: z.literal('input_file'),
  file_data: optional(z.string()),
  filename: optional(z.string().max(1_024)),
  file_id: refused,
  file_url: refused,
});
const KNOWN_PARTS: ReadonlySet<string> = new Set([
  'input_text',
  'output_text',
  'text',
  'refusal',
  'input_image',
  'input_file',
]);

/** An object of a type that is refused by name. */
const otherTypeSchema = (known: ReadonlySet<string>) =>
  z.looseObject({
    type: z.string().refine((type) => !known.has(type), { abort: true, error: 'must have what its type needs' }),
  });

const knownPartSchema = z.union([textPartSchema, imagePartSchema, filePartSchema, refusalPartSchema]);
export type KnownPart = z.infer<typeof knownPartSchema>;
const partSchema = z.union([...knownPartSchema.options, otherTypeSchema(KNOWN_PARTS)]);
export type ResponsesPart = z.infer<typeof partSchema>;

export function isKnownPart(part: ResponsesPart): part is KnownPart {
  return KNOWN_PARTS.has(part.type);
}

const contentSchema = z.union([z.string(), failFastArray(partSchema).max(MAX_PARTS)]);

const messageItemSchema = z.object({
  type: withDefault(z.literal('message'), 'message'),
  role: z.enum(['user', 'assistant', 'system', 'developer'], {
    error: 'must be user, assistant, system or developer',
  }),
  content: contentSchema,
  ...returnedIdShape,
});
const functionCallSchema = z.object({
  type: z.literal('function_call'),
  call_id: callIdSchema,
  name: nameSchema,
  namespace: optional(nameSchema),
  arguments: z.string(),
  ...returnedIdShape,
});
const functionOutputSchema = z.object({
  type: z.literal('function_call_output'),
  call_id: optional(callIdSchema),
  output: contentSchema,
  name: optional(nameSchema),
  ...returnedIdShape,
});
const customCallSchema = z.object({
  type: z.literal('custom_tool_call'),
  call_id: callIdSchema,
  name: nameSchema,
  namespace: optional(nameSchema),
  input: z.string(),
  ...returnedIdShape,
});
const customOutputSchema = z.object({
  type: z.literal('custom_tool_call_output'),
  call_id: callIdSchema,
  output: contentSchema,
  ...returnedIdShape,
});
const reasoningPartsSchema = optional(failFastArray(z.looseObject({ text: z.string() })).max(MAX_PARTS));
const reasoningItemSchema = z.object({
  type: z.literal('reasoning'),
  summary: reasoningPartsSchema,
  content: reasoningPartsSchema,
  ...returnedIdShape,
});
const referenceSchema = z.object({
  type: withDefault(z.literal('item_reference'), 'item_reference'),
  id: z.string().min(1).max(256),
});
const KNOWN_ITEMS: ReadonlySet<string> = new Set([
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'reasoning',
  'item_reference',
]);

const knownItemSchema = z.union([
  messageItemSchema,
  functionCallSchema,
  functionOutputSchema,
  customCallSchema,
  customOutputSchema,
  reasoningItemSchema,
  referenceSchema,
]);
type KnownItem = z.infer<typeof knownItemSchema>;
/** An item that is not a reference to another one. */
export type ConversationItem = Exclude<KnownItem, { type: 'item_reference' }>;
export const responsesItemSchema = z.union([...knownItemSchema.options, otherTypeSchema(KNOWN_ITEMS)]);
export type ResponsesItem = z.infer<typeof responsesItemSchema>;

export function isKnownItem(item: ResponsesItem): item is KnownItem {
  return KNOWN_ITEMS.has(item.type);
}

const functionToolSchema = z.object({
  type: z.literal('function'),
  name: nameSchema,
  description: optional(z.string()),
  parameters: optional(jsonObjectSchema),
  strict: optional(z.boolean()),
});
export type ResponsesFunctionTool = z.infer<typeof functionToolSchema>;

const customToolSchema = z.object({
  type: z.literal('custom'),
  name: nameSchema,
  description: optional(z.string()),
  format: optional(z.looseObject({ type: z.string() })),
});
export type ResponsesCustomTool = z.infer<typeof customToolSchema>;

const namespaceToolSchema = z.object({
  type: z.literal('namespace'),
  name: nameSchema,
  description: optional(z.string()),
  tools: z.array(z.discriminatedUnion('type', [functionToolSchema, customToolSchema])).max(MAX_TOOLS),
});
const KNOWN_TOOLS: ReadonlySet<string> = new Set(['function', 'custom', 'namespace']);

const knownToolSchema = z.union([functionToolSchema, customToolSchema, namespaceToolSchema]);
export type KnownTool = z.infer<typeof knownToolSchema>;
export const responsesToolSchema = z.union([...knownToolSchema.options, otherTypeSchema(KNOWN_TOOLS)]);
export type ResponsesTool = z.infer<typeof responsesToolSchema>;

export function isKnownTool(tool: ResponsesTool): tool is KnownTool {
  return KNOWN_TOOLS.has(tool.type);
}

const toolChoiceSchema = z.union([
  z.enum(['none', 'auto', 'required']),
  z.looseObject({
    type: z.string(),
    name: optional(nameSchema),
    mode: optional(z.enum(['auto', 'required'])),
    tools: optional(z.array(z.looseObject({ type: z.string(), name: optional(z.string()) })).max(MAX_TOOLS)),
  }),
]);
export type ResponsesToolChoice = z.infer<typeof toolChoiceSchema>;

const formatSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: optional(z.string().max(256)),
    description: optional(z.string()),
    strict: optional(z.boolean()),
    schema: jsonObjectSchema,
  }),
]);
export type ResponsesFormat = z.infer<typeof formatSchema>;

/** Fields that have the same name and meaning in chat completions. */
const PASSED_SHAPE = {
  prompt_cache_key: PASSTHROUGH_SHAPE.prompt_cache_key,
  prompt_cache_options: PASSTHROUGH_SHAPE.prompt_cache_options,
  prompt_cache_retention: PASSTHROUGH_SHAPE.prompt_cache_retention,
  safety_identifier: PASSTHROUGH_SHAPE.safety_identifier,
  service_tier: PASSTHROUGH_SHAPE.service_tier,
  user: PASSTHROUGH_SHAPE.user,
} as const;
export const PASSED_FIELDS = Object.keys(PASSED_SHAPE) as (keyof typeof PASSED_SHAPE)[];

/** What decides the prompt: fields that counting tokens has as well. */
const PROMPT_SHAPE = {
  model: optional(z.string().min(1).max(256)),
  input: optional(z.union([z.string(), failFastArray(responsesItemSchema).max(MAX_ITEMS)])),
  instructions: optional(z.string()),
  previous_response_id: optional(z.string().min(1).max(256)),
  tools: optional(failFastArray(responsesToolSchema).max(MAX_TOOLS)),
  tool_choice: optional(toolChoiceSchema),
  parallel_tool_calls: optional(z.boolean()),
  reasoning: optional(z.object({ effort: PASSTHROUGH_SHAPE.reasoning_effort, mode: optional(z.string().max(64)) })),
  text: optional(z.object({ format: optional(formatSchema), verbosity: PASSTHROUGH_SHAPE.verbosity })),
  conversation: refused,
  ...REQUEST_POLICY_SHAPE,
};

const REQUEST_SHAPE = {
  ...PROMPT_SHAPE,
  ...PASSED_SHAPE,
  background: optional(z.boolean()),
  include: optional(z.array(z.string().max(64)).max(MAX_INCLUDES)),
  max_output_tokens: optional(maxTokensSchema),
  metadata: optional(boundedRecord(z.string().max(MAX_METADATA_CHARACTERS), MAX_METADATA)),
  store: optional(z.boolean()),
  stream: optional(z.boolean()),
  temperature: optional(z.number().min(0).max(2)),
  top_logprobs: optional(topLogprobsSchema),
  top_p: optional(z.number().min(0).max(1)),
  context_management: refused,
  moderation: refused,
  prompt: refused,
  stream_options: optional(z.object({})),
};

const MEANINGS = {
  input: 'A text, or items: messages, calls of tools with their outputs, reasoning, references to stored items.',
  previous_response_id: 'Continues the conversation of a stored response of the same caller.',
  store: 'Default true: the response can be read, continued and deleted by its id while it is kept.',
  background: 'Runs without a connection. Poll with GET, or cancel.',
  metadata: 'Returned with the response.',
  ...REQUEST_POLICY_DESCRIPTIONS,
};

export const responsesRequestSchema = z.object(
  describeFields(REQUEST_SHAPE, describeSupportOf(RESPONSES_FIELDS.ResponseCreateParamsBase, MEANINGS)),
);
export type ResponsesRequest = z.infer<typeof responsesRequestSchema>;

/** POST /v1/responses/input_tokens */
export const responsesTokensSchema = z.object(PROMPT_SHAPE);

/** Values that a query of a list may have. */
export const responsesListSchema = z.object({
  after: optional(z.string().max(256)),
  limit: withDefault(z.coerce.number().int().min(1).max(100), 20),
  order: withDefault(z.enum(['asc', 'desc']), 'desc'),
});
