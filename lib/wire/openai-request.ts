import { z } from 'zod';
import {
  imageDetailSchema,
  MAX_MESSAGES,
  maxTokensSchema,
  REQUEST_POLICY_DESCRIPTIONS,
  REQUEST_POLICY_SHAPE,
  SHARED_CHAT_SHAPE,
  toolArgumentsSchema,
} from '#lib/wire/chat';
import { describeFields } from '#lib/wire/describe-fields';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { jsonObjectSchema } from '#lib/wire/json-values';
import { optional, withDefault } from '#lib/wire/optional';
import { PASSTHROUGH_SHAPE } from '#lib/wire/passthrough';
import { describeSupportOf, OPENAI_FIELDS } from '#lib/wire/request-field-support';

/**
 * OpenAI's chat completions as they are read here. What becomes of each field stands in
 * `request-fields.ts`; names that are in neither are reported in the response header
 * `X-Ignored-Fields`.
 */

/** Content parts of one message. */
const MAX_PARTS = 2_000;
/** Responses to one request. Each is a generation with its own slot. */
const MAX_CHOICES = 8;
/** Stop sequences. OpenAI accepts 4. */
const MAX_STOPS = 1_000;

/** Declared only to be refused by name. */
const refused = optional(z.unknown());

const textPartSchema = z.object({ type: z.literal('text'), text: z.string() });
const refusalPartSchema = z.object({ type: z.literal('refusal'), refusal: z.string() });
const imagePartSchema = z.object({
  type: z.literal('image_url'),
  image_url: z.union([
    z.string().transform((url) => ({ url, detail: undefined })),
    z.object({ url: z.string(), detail: optional(imageDetailSchema) }),
  ]),
});
const KNOWN_PARTS: ReadonlySet<string> = new Set(['text', 'refusal', 'image_url']);

/** A part of a type that is refused by name. */
const otherPartSchema = z.looseObject({
  type: z.string().refine((type) => !KNOWN_PARTS.has(type), { abort: true, error: 'must have what its type needs' }),
});
const partSchema = z.union([textPartSchema, imagePartSchema, refusalPartSchema, otherPartSchema]);

const toolCallSchema = z.object({
  id: optional(z.string().max(256)),
  type: withDefault(z.literal('function'), 'function'),
  function: z.object({
    name: z.string().min(1).max(256),
    arguments: z
      .union([toolArgumentsSchema, z.null()])
      .transform((written) => written ?? {})
      .default({}),
  }),
});

const MESSAGE_SHAPE = {
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool'], {
    error: 'must be system, developer, user, assistant or tool',
  }),
  content: optional(z.union([z.string(), failFastArray(partSchema).max(MAX_PARTS)])),
  name: optional(z.string().max(256)),
  refusal: optional(z.string()),
  reasoning_content: optional(z.string()),
  tool_calls: optional(z.array(toolCallSchema).max(128)),
  tool_call_id: optional(z.string().max(256)),
  audio: refused,
  function_call: refused,
};

export const openAiMessageSchema = z.object(
  describeFields(MESSAGE_SHAPE, describeSupportOf(OPENAI_FIELDS.ChatCompletionAssistantMessageParam)),
);
export type OpenAiMessage = z.infer<typeof openAiMessageSchema>;

const penaltySchema = z.number().min(-2).max(2);

/** What chat completions and completions of a text have in the same format. */
export const SAMPLING_SHAPE = {
  model: optional(z.string().min(1).max(256)),
  stream: optional(z.boolean()),
  stream_options: optional(z.object({ include_usage: optional(z.boolean()) })),
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().min(0).max(1)),
  top_k: optional(z.int()),
  min_p: optional(z.number().min(0).max(1)),
  frequency_penalty: optional(penaltySchema),
  presence_penalty: optional(penaltySchema),
  repetition_penalty: optional(z.number().min(0)),
  repeat_penalty: optional(z.number().min(0)),
  seed: optional(z.int()),
  stop: optional(z.union([z.string(), z.array(z.string()).max(MAX_STOPS)])),
  n: optional(z.int().min(1).max(MAX_CHOICES)),
  best_of: optional(z.int().min(1)),
  response_format: optional(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({
        type: z.literal('json_schema'),
        json_schema: z.object({
          name: optional(z.string().max(256)),
          description: optional(z.string()),
          strict: optional(z.boolean()),
          schema: optional(jsonObjectSchema),
        }),
      }),
    ]),
  ),
} as const;

const REQUEST_SHAPE = {
  ...SAMPLING_SHAPE,
  messages: failFastArray(openAiMessageSchema).min(1, 'needs at least one message').max(MAX_MESSAGES),
  max_tokens: optional(maxTokensSchema),
  ...SHARED_CHAT_SHAPE,
  ...PASSTHROUGH_SHAPE,
  ...REQUEST_POLICY_SHAPE,
  audio: refused,
  function_call: refused,
  functions: refused,
  moderation: refused,
};

const REQUEST_DESCRIPTIONS = describeSupportOf(OPENAI_FIELDS.ChatCompletionCreateParamsBase, {
  max_completion_tokens: 'OpenAI-compatible servers get it by this name.',
  reasoning_effort: 'Reasoning models only.',
  logprobs: 'Returned with the text they belong to, and cached.',
  ...REQUEST_POLICY_DESCRIPTIONS,
});

export const openAiRequestSchema = z.object(describeFields(REQUEST_SHAPE, REQUEST_DESCRIPTIONS));
export type OpenAiRequest = z.infer<typeof openAiRequestSchema>;
