import { z } from 'zod';

/** Responses of OpenAI's Responses API. See docs/contract.md#responses. */

const tokenSchema = z.object({ token: z.string(), bytes: z.array(z.number()), logprob: z.number() });
const logprobSchema = tokenSchema.extend({ top_logprobs: z.array(tokenSchema) });
export type ResponsesLogprob = z.infer<typeof logprobSchema>;

const outputTextSchema = z.object({
  type: z.literal('output_text'),
  annotations: z.array(z.never()),
  logprobs: z.array(logprobSchema),
  text: z.string(),
});
export type ResponsesOutputText = z.infer<typeof outputTextSchema>;

const itemStatusSchema = z.enum(['in_progress', 'completed', 'incomplete']);
const callSchema = {
  id: z.string(),
  status: itemStatusSchema,
  call_id: z.string(),
  name: z.string(),
  namespace: z.string().optional(),
};

export const responsesOutputItemSchema = z.discriminatedUnion('type', [
  z.object({
    id: z.string(),
    type: z.literal('message'),
    status: itemStatusSchema,
    role: z.literal('assistant'),
    content: z.array(outputTextSchema),
  }),
  z.object({
    id: z.string(),
    type: z.literal('reasoning'),
    status: itemStatusSchema,
    summary: z.array(z.never()).describe('Empty: reasoning is returned as it is, in `content`.'),
    content: z.array(z.object({ type: z.literal('reasoning_text'), text: z.string() })),
  }),
  z.object({ ...callSchema, type: z.literal('function_call'), arguments: z.string() }),
  z.object({ ...callSchema, type: z.literal('custom_tool_call'), input: z.string() }),
]);
export type ResponsesOutputItem = z.infer<typeof responsesOutputItemSchema>;

const statusSchema = z.enum(['completed', 'failed', 'in_progress', 'cancelled', 'queued', 'incomplete']);
export type ResponsesStatus = z.infer<typeof statusSchema>;

const failureSchema = z.object({
  code: z.string().describe('rate_limit_exceeded, context_length_exceeded, cancelled or server_error.'),
  message: z.string(),
});
export type ResponsesFailure = z.infer<typeof failureSchema>;

const usageSchema = z.object({
  input_tokens: z.number(),
  input_tokens_details: z.object({ cached_tokens: z.number(), cache_write_tokens: z.number() }),
  output_tokens: z.number(),
  output_tokens_details: z.object({ reasoning_tokens: z.number() }).describe('0: model servers do not count it.'),
  total_tokens: z.number(),
  prompt_truncated: z.boolean().optional().describe('true where the model did not read the whole conversation.'),
});
export type ResponsesUsage = z.infer<typeof usageSchema>;

export const responsesResponseSchema = z.object({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.number().describe('Seconds since the epoch.'),
  status: statusSchema,
  completed_at: z.number().nullable(),
  error: failureSchema.nullable(),
  incomplete_details: z.object({ reason: z.enum(['max_output_tokens', 'content_filter']) }).nullable(),
  model: z.string(),
  background: z.boolean(),
  instructions: z.string().nullable(),
  max_output_tokens: z.number().nullable(),
  max_tool_calls: z.null(),
  metadata: z.record(z.string(), z.string()),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
  reasoning: z.object({ effort: z.string().nullable(), summary: z.null() }),
  safety_identifier: z.string().nullable(),
  service_tier: z.string().nullable(),
  store: z.boolean(),
  temperature: z.number().nullable(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }) }),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]),
  tools: z.array(z.looseObject({ type: z.string() })),
  top_logprobs: z.number(),
  top_p: z.number().nullable(),
  truncation: z.null(),
  user: z.string().optional(),
  output: z.array(responsesOutputItemSchema),
  usage: usageSchema.nullable(),
  access_programs: z.null(),
});
export type ResponsesResponse = z.infer<typeof responsesResponseSchema>;

const NUMBERED = { sequence_number: z.number().describe('From 0, and one more with each event.') };
const ofItem = { item_id: z.string(), output_index: z.number() };
const contentIndex = { content_index: z.number() };
const partSchema = z.discriminatedUnion('type', [
  outputTextSchema,
  z.object({ type: z.literal('reasoning_text'), text: z.string() }),
]);

/** Names of the events with the whole response. */
export const LIFE_CYCLE_EVENTS = [
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.completed',
  'response.incomplete',
  'response.failed',
] as const;
export const ITEM_EVENTS = ['response.output_item.added', 'response.output_item.done'] as const;
export const PART_EVENTS = ['response.content_part.added', 'response.content_part.done'] as const;
export const DELTA_EVENTS = [
  'response.output_text.delta',
  'response.reasoning_text.delta',
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
] as const;
export const DONE_EVENTS = [
  'response.output_text.done',
  'response.reasoning_text.done',
  'response.function_call_arguments.done',
  'response.custom_tool_call_input.done',
] as const;

export const responsesLifeCycleSchema = z.object({
  type: z.enum(LIFE_CYCLE_EVENTS),
  ...NUMBERED,
  response: responsesResponseSchema,
});
export const responsesItemEventSchema = z.object({
  type: z.enum(ITEM_EVENTS),
  ...NUMBERED,
  output_index: z.number(),
  item: responsesOutputItemSchema,
});
export const responsesPartEventSchema = z.object({
  type: z.enum(PART_EVENTS),
  ...NUMBERED,
  ...ofItem,
  ...contentIndex,
  part: partSchema,
});
export const responsesDeltaSchema = z.object({
  type: z.enum(DELTA_EVENTS),
  ...NUMBERED,
  ...ofItem,
  content_index: z.number().optional().describe('Of a text.'),
  delta: z.string(),
  logprobs: z.array(logprobSchema).optional().describe('Of output text.'),
});
export const responsesDoneSchema = z.object({
  type: z.enum(DONE_EVENTS),
  ...NUMBERED,
  ...ofItem,
  content_index: z.number().optional().describe('Of a text.'),
  text: z.string().optional(),
  logprobs: z.array(logprobSchema).optional().describe('Of output text.'),
  name: z.string().optional().describe('Of a function.'),
  arguments: z.string().optional().describe('Of a function.'),
  input: z.string().optional().describe('Of a custom tool.'),
});

/** The data of one event of a stream; the event's name is its `type`. */
export const responsesEventSchema = z.discriminatedUnion('type', [
  responsesLifeCycleSchema,
  responsesItemEventSchema,
  responsesPartEventSchema,
  responsesDeltaSchema,
  responsesDoneSchema,
]);
export type ResponsesEvent = z.infer<typeof responsesEventSchema>;
/** An event without its number. */
export type UnnumberedEvent = WithoutNumber<ResponsesEvent>;
type WithoutNumber<Event> = Event extends ResponsesEvent ? Omit<Event, 'sequence_number'> : never;

export const responsesDeletedSchema = z.object({
  id: z.string(),
  object: z.literal('response'),
  deleted: z.literal(true),
});

export const responsesItemsSchema = z.object({
  object: z.literal('list'),
  data: z.array(z.looseObject({ id: z.string(), type: z.string() })),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});

export const responsesTokenCountSchema = z.object({
  object: z.literal('response.input_tokens'),
  input_tokens: z.number(),
});
