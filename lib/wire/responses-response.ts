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

const numbered = <Type extends string>(type: Type) => ({ type: z.literal(type), sequence_number: z.number() });
const ofItem = { item_id: z.string(), output_index: z.number() };
const ofPart = { ...ofItem, content_index: z.number() };
const partSchema = z.discriminatedUnion('type', [
  outputTextSchema,
  z.object({ type: z.literal('reasoning_text'), text: z.string() }),
]);
const lifeCycle = <Type extends string>(type: Type) =>
  z.object({ ...numbered(type), response: responsesResponseSchema });
const itemEvent = <Type extends string>(type: Type) =>
  z.object({ ...numbered(type), output_index: z.number(), item: responsesOutputItemSchema });
const partEvent = <Type extends string>(type: Type) => z.object({ ...numbered(type), ...ofPart, part: partSchema });
const logprobs = z.array(logprobSchema);

/** The data of one event of a stream; the event's name is its `type`. */
export const responsesEventSchema = z.discriminatedUnion('type', [
  lifeCycle('response.created'),
  lifeCycle('response.queued'),
  lifeCycle('response.in_progress'),
  itemEvent('response.output_item.added'),
  partEvent('response.content_part.added'),
  z.object({ ...numbered('response.output_text.delta'), ...ofPart, delta: z.string(), logprobs }),
  z.object({ ...numbered('response.output_text.done'), ...ofPart, text: z.string(), logprobs }),
  z.object({ ...numbered('response.reasoning_text.delta'), ...ofPart, delta: z.string() }),
  z.object({ ...numbered('response.reasoning_text.done'), ...ofPart, text: z.string() }),
  z.object({ ...numbered('response.function_call_arguments.delta'), ...ofItem, delta: z.string() }),
  z.object({
    ...numbered('response.function_call_arguments.done'),
    ...ofItem,
    name: z.string(),
    arguments: z.string(),
  }),
  z.object({ ...numbered('response.custom_tool_call_input.delta'), ...ofItem, delta: z.string() }),
  z.object({ ...numbered('response.custom_tool_call_input.done'), ...ofItem, input: z.string() }),
  partEvent('response.content_part.done'),
  itemEvent('response.output_item.done'),
  lifeCycle('response.completed'),
  lifeCycle('response.incomplete'),
  lifeCycle('response.failed'),
]);
export type ResponsesEvent = z.infer<typeof responsesEventSchema>;
/** An event without its number. */
export type UnnumberedEvent = ResponsesEvent extends infer Event
  ? Event extends ResponsesEvent
    ? Omit<Event, 'sequence_number'>
    : never
  : never;

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

export const responsesTokensResultSchema = z.object({
  object: z.literal('response.input_tokens'),
  input_tokens: z.number(),
});
