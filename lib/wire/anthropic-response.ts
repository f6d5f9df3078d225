import { z } from 'zod';

/** Responses of Anthropic's API. See docs/contract.md#anthropic. */

const usageSchema = z.object({
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_creation_input_tokens: z.number(),
  cache_read_input_tokens: z.number(),
  output_tokens_details: z.null(),
  server_tool_use: z.null(),
  prompt_truncated: z.boolean().optional().describe('true where the model did not read the whole conversation.'),
});

const stopShape = {
  stop_reason: z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'refusal']).nullable(),
  stop_sequence: z.string().nullable().describe('Where the model server reports it.'),
  stop_details: z.object({ type: z.literal('refusal'), category: z.null(), explanation: z.null() }).nullable(),
};

const blockSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.object({ type: z.literal('text'), text: z.string(), citations: z.null() }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
    caller: z.object({ type: z.literal('direct') }),
  }),
]);

export const anthropicResponseSchema = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  container: z.null(),
  diagnostics: z.null(),
  content: z.array(blockSchema),
  ...stopShape,
  usage: usageSchema.extend({
    cache_creation: z.null(),
    inference_geo: z.null(),
    service_tier: z.null(),
    speed: z.null(),
  }),
});

export const anthropicErrorSchema = z.object({
  type: z.literal('error'),
  error: z.object({
    type: z.string(),
    message: z.string(),
    details: z.object({
      error_code: z.string().describe('The code of the error in the other APIs.'),
      unsupported: z.array(z.string()).optional().describe('With thread_unsupported_request.'),
      fields: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    }),
  }),
  request_id: z.string(),
});

/** The `data` of the events of a stream, by their names. */
export const ANTHROPIC_EVENT_SCHEMAS = {
  message_start: z.object({ type: z.literal('message_start'), message: anthropicResponseSchema }),
  content_block_start: z.object({
    type: z.literal('content_block_start'),
    index: z.number(),
    content_block: blockSchema,
  }),
  content_block_delta: z.object({
    type: z.literal('content_block_delta'),
    index: z.number(),
    delta: z.discriminatedUnion('type', [
      z.object({ type: z.literal('text_delta'), text: z.string() }),
      z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
      z.object({ type: z.literal('signature_delta'), signature: z.string() }),
      z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
    ]),
  }),
  content_block_stop: z.object({ type: z.literal('content_block_stop'), index: z.number() }),
  message_delta: z.object({
    type: z.literal('message_delta'),
    delta: z.object({ ...stopShape, container: z.null() }),
    usage: usageSchema,
  }),
  message_stop: z.object({ type: z.literal('message_stop') }),
  ping: z.object({ type: z.literal('ping') }),
};

export const anthropicEventSchema = z.discriminatedUnion('type', [
  ANTHROPIC_EVENT_SCHEMAS.message_start,
  ANTHROPIC_EVENT_SCHEMAS.content_block_start,
  ANTHROPIC_EVENT_SCHEMAS.content_block_delta,
  ANTHROPIC_EVENT_SCHEMAS.content_block_stop,
  ANTHROPIC_EVENT_SCHEMAS.message_delta,
  ANTHROPIC_EVENT_SCHEMAS.message_stop,
  ANTHROPIC_EVENT_SCHEMAS.ping,
]);

export const anthropicCountResponseSchema = z.object({ input_tokens: z.number() });

const supportSchema = z.object({ supported: z.boolean() });

export const anthropicModelSchema = z.object({
  type: z.literal('model'),
  id: z.string(),
  display_name: z.string(),
  created_at: z.string(),
  deprecated_at: z.null(),
  retires_at: z.null(),
  lifecycle: z.literal('active'),
  line: z.null(),
  max_input_tokens: z.number().nullable(),
  max_tokens: z.null(),
  capabilities: z.object({
    batch: supportSchema,
    citations: supportSchema,
    code_execution: supportSchema,
    context_management: z.null(),
    effort: supportSchema.extend({
      low: supportSchema,
      medium: supportSchema,
      high: supportSchema,
      xhigh: supportSchema,
      max: supportSchema,
    }),
    image_input: supportSchema,
    pdf_input: supportSchema,
    server_tools: supportSchema.extend({ code_execution: supportSchema, web_search: supportSchema }),
    structured_outputs: supportSchema,
    thinking: supportSchema.extend({
      types: z.object({
        adaptive: supportSchema,
        between_tools: supportSchema,
        disabled: supportSchema,
        enabled: supportSchema,
      }),
    }),
  }),
});

export const anthropicModelsSchema = z.object({
  data: z.array(anthropicModelSchema),
  has_more: z.boolean(),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
});
