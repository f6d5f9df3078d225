import { z } from 'zod';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { isNestedTooDeep } from '#lib/wire/json-depth';
import { jsonObjectSchema, smallObjectSchema } from '#lib/wire/json-values';
import { optional, withDefault } from '#lib/wire/optional';
import { type Passthrough, passthroughSchema } from '#lib/wire/passthrough';

/** The wire of POST /api/chat-optimized and /api/chat-queue (SPEC §2): what comes in and what goes out. */

export const MAX_MESSAGES = 500;
export const MIN_PRIORITY = -10;
export const MAX_PRIORITY = 10;

export const roleSchema = z.enum(['system', 'user', 'assistant', 'tool']);

/**
 * An object in JSON, or the string itself if it is not one: a model may write arguments that are no
 * object.
 */
export function readToolArguments(written: string): ToolArguments {
  if (written.trim() === '') return {};
  // It stays a string: nothing of it is looked at.
  if (isNestedTooDeep(new TextEncoder().encode(written))) return written;
  try {
    const parsed = jsonObjectSchema.safeParse(JSON.parse(written));
    return parsed.success ? parsed.data : written;
  } catch {
    return written;
  }
}

/** For receivers that know objects alone. */
export function toolArgumentsObject(given: ToolArguments): Exclude<ToolArguments, string> {
  return typeof given === 'string' ? { arguments: given } : given;
}

export type ToolArguments = z.infer<typeof jsonObjectSchema> | string;

export const toolArgumentsSchema = z
  .union([jsonObjectSchema, z.string()])
  .transform((value): ToolArguments => (typeof value === 'string' ? readToolArguments(value) : value));

/**
 * A call of a tool that the model asks for; `arguments` is an object, as in Ollama's API, unless
 * the model wrote none.
 */
export const toolCallSchema = z.object({
  id: optional(z.string().max(256)),
  function: z.object({ name: z.string().min(1).max(256), arguments: toolArgumentsSchema }),
});
export type ToolCall = z.infer<typeof toolCallSchema>;

/** A tool that the model may ask for, in the form that Ollama and OpenAI share. */
export const toolSchema = z.object({
  type: withDefault(z.literal('function'), 'function'),
  function: z.object({
    name: z.string().min(1).max(256),
    description: optional(z.string()),
    parameters: optional(jsonObjectSchema),
    /** Whether the arguments must follow `parameters` exactly, on servers that know the setting. */
    strict: optional(z.boolean()),
  }),
});
export type Tool = z.infer<typeof toolSchema>;

/** Which tool the model must, may or must not ask for, in the form of OpenAI's API. */
export const toolChoiceSchema = z.union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.string() })]);
export type ToolChoice = z.infer<typeof toolChoiceSchema>;

/**
 * An image in base64. Blanks and line breaks are removed: MIME writers put one after every 76
 * characters.
 */
export const imageSchema = z
  .string()
  .overwrite((text) => (/\s/.test(text) ? text.replace(/\s+/g, '') : text))
  .base64({ error: 'must be an image in base64: A-Z, a-z, 0-9, + and /, padded with =, without a data: prefix' });

/** auto, low, high, original: the model server knows its own. */
export const imageDetailSchema = z.string().max(32);

export const messageSchema = z.object({
  role: roleSchema,
  content: z
    .string()
    .nullable()
    .transform((content) => content ?? ''),
  images: optional(z.array(imageSchema).max(16)),
  /** How closely the images are looked at, on servers that know the setting. */
  image_detail: optional(imageDetailSchema),
  /** An assistant's: its reasoning before this message. */
  thinking: optional(z.string()),
  /** An assistant's: what it asked for. */
  tool_calls: optional(z.array(toolCallSchema).max(128)),
  /** A tool's: which tool, and which call, this is the result of. */
  tool_name: optional(z.string().max(256)),
  tool_call_id: optional(z.string().max(256)),
  /** Distinguishes participants of the same role, on servers that know the setting. */
  name: optional(z.string().max(256)),
});
export type Message = z.infer<typeof messageSchema>;

export const thinkSchema = z.union([z.boolean(), z.enum(['low', 'medium', 'high'])]);
export type Think = z.infer<typeof thinkSchema>;

/** `"json"`, or a JSON Schema that the answer must match. */
export const formatSchema = z.union([z.literal('json'), jsonObjectSchema]);
export type Format = z.infer<typeof formatSchema>;

/** What OpenAI's API says of a JSON Schema in addition to the schema. */
export const formatDetailsSchema = z.object({
  name: optional(z.string().max(256)),
  description: optional(z.string()),
  strict: optional(z.boolean()),
});
export type FormatDetails = z.infer<typeof formatDetailsSchema>;

export const optionsSchema = smallObjectSchema;
export type ModelOptions = z.infer<typeof optionsSchema>;

/** Seconds, or a Go duration (`"5m"`); below 0 is for ever. */
export const keepAliveSchema = z.union([z.string().max(32), z.number()]);

/** A bound on the tokens of an answer; −1 is no bound, as in Ollama and llama.cpp. */
export const maxTokensSchema = z
  .int()
  .refine((tokens) => tokens === -1 || tokens > 0, 'must be above 0, or -1 for no bound');

export const topLogprobsSchema = z.int().min(0).max(20);

export const requestIdSchema = z.uuid({ error: 'must be the UUID that the server gave as request_id' });

/** Fields that OpenAI's chat requests have in the same form. */
export const SHARED_CHAT_SHAPE = {
  tools: optional(z.array(toolSchema).max(128)),
  tool_choice: optional(toolChoiceSchema),
  parallel_tool_calls: optional(z.boolean()),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(topLogprobsSchema),
  keep_alive: optional(keepAliveSchema),
} as const;

export const chatRequestSchema = z
  .object({
    messages: failFastArray(messageSchema)
      .min(1, 'needs at least one message')
      .max(MAX_MESSAGES, `takes at most ${MAX_MESSAGES} messages`)
      .refine((messages) => messages.at(-1)?.role !== 'assistant', 'the last message must not be from the assistant'),
    model: optional(z.string().min(1).max(256)),
    system_prompt: optional(z.string()),
    stream: withDefault(z.boolean(), true),
    use_cache: withDefault(z.boolean(), true),
    priority: withDefault(z.int().min(MIN_PRIORITY).max(MAX_PRIORITY), 0),
    options: withDefault(optionsSchema, {}),
    max_tokens: optional(maxTokensSchema),
    think: optional(thinkSchema),
    format: optional(formatSchema),
    format_details: optional(formatDetailsSchema),
    ...SHARED_CHAT_SHAPE,
    passthrough: optional(passthroughSchema),
    conversation_id: optional(z.string().min(1).max(128)),
  })
  .refine(hasOneBound, {
    path: ['max_tokens'],
    error: 'must be the same as options.num_predict and passthrough.max_completion_tokens where they are given',
  });
export type ChatRequest = z.infer<typeof chatRequestSchema>;

function hasOneBound(asked: {
  max_tokens?: number | undefined;
  options: ModelOptions;
  passthrough?: Passthrough | undefined;
}): boolean {
  const bounds = [asked.max_tokens, asked.options.num_predict, asked.passthrough?.max_completion_tokens];
  return new Set(bounds.filter((bound) => bound != null)).size <= 1;
}

/** A request that only attaches to one that is already there. */
export const attachRequestSchema = z.object({ request_id: requestIdSchema, stream: withDefault(z.boolean(), true) });

/** Wire names that are also accepted in camelCase. */
export const CHAT_FIELDS = [...Object.keys(chatRequestSchema.shape), 'request_id'];

const tokenSchema = { token: z.string(), logprob: z.number(), bytes: z.array(z.number()).nullish() };

/**
 * How likely a token of the answer was, and the likeliest others in its place, as OpenAI and Ollama
 * write them.
 */
export const tokenLogprobSchema = z.object({
  ...tokenSchema,
  top_logprobs: z.array(z.object(tokenSchema)).nullish(),
});
export type TokenLogprob = z.infer<typeof tokenLogprobSchema>;

export const tokenUsageSchema = z.object({ prompt_tokens: z.number(), completion_tokens: z.number() });
export type TokenUsage = z.infer<typeof tokenUsageSchema>;

/** All in milliseconds; `first_token_ms` is null where no token came. */
export const timingsSchema = z.object({
  queued_ms: z.number(),
  first_token_ms: z.number().nullable(),
  total_ms: z.number(),
});
export type Timings = z.infer<typeof timingsSchema>;

export const chatResponseSchema = z.object({
  message: z.object({
    role: z.literal('assistant'),
    content: z.string(),
    thinking: z.string().optional(),
    tool_calls: z.array(toolCallSchema).optional(),
  }),
  cached: z.boolean(),
  request_id: z.string(),
  model: z.string(),
  done_reason: z.string(),
  logprobs: z.array(tokenLogprobSchema).optional(),
  usage: tokenUsageSchema,
  timings: timingsSchema,
  conversation: z.enum(['new', 'continued']).optional(),
});
export type ChatResponse = z.infer<typeof chatResponseSchema>;

/** One `data:` line of a chat stream. A stream ends with exactly one event whose `done` is true. */
export const chatEventSchema = z.object({
  done: z.boolean(),
  cached: z.boolean().optional(),
  request_id: z.string().optional(),
  status: z.literal('queued').optional(),
  queue_position: z.number().optional(),
  queue_length: z.number().optional(),
  estimated_wait_time: z.number().optional(),
  thinking: z.string().optional(),
  content: z.string().optional(),
  tool_calls: z.array(toolCallSchema).optional(),
  logprobs: z.array(tokenLogprobSchema).optional(),
  model: z.string().optional(),
  done_reason: z.string().optional(),
  usage: tokenUsageSchema.optional(),
  timings: timingsSchema.optional(),
  conversation: z.enum(['new', 'continued']).optional(),
  error: z.string().optional(),
  code: z.string().optional(),
});
export type ChatEvent = z.infer<typeof chatEventSchema>;

export const cacheHeaderSchema = z.enum(['hit', 'miss', 'joined', 'bypass']);
export type CacheHeader = z.infer<typeof cacheHeaderSchema>;

export const queueStateSchema = z.object({
  queue_position: z.number(),
  queue_length: z.number(),
  estimated_wait_time: z.number(),
  is_processing: z.boolean(),
});

export const queueSubmittedSchema = z.object({
  request_id: z.string(),
  status: queueStateSchema,
  completed: z.boolean().optional(),
  cached: z.boolean().optional(),
});
export type QueueSubmitted = z.infer<typeof queueSubmittedSchema>;

export const queueEntrySchema = z.object({
  request_id: z.string(),
  status: z.enum(['queued', 'processing', 'completed', 'failed', 'cancelled']),
  completed: z.boolean(),
  queue_position: z.number(),
  queue_length: z.number(),
  estimated_wait_time: z.number(),
  cached: z.boolean(),
  message: chatResponseSchema.shape.message.optional(),
  error: z.string().optional(),
  code: z.string().optional(),
  created_at: z.string(),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
});
export type QueueEntry = z.infer<typeof queueEntrySchema>;

export const queueOverviewSchema = z.object({
  queue_length: z.number(),
  is_processing: z.boolean(),
  processing: z.array(z.object({ request_id: z.string().optional(), model: z.string(), running_ms: z.number() })),
  pending: z.array(
    z.object({
      request_id: z.string().optional(),
      queue_position: z.number(),
      priority: z.number(),
      waiting_ms: z.number(),
    }),
  ),
  max_concurrent: z.number(),
  max_queue_size: z.number(),
  average_processing_time_ms: z.number(),
});
export type QueueOverview = z.infer<typeof queueOverviewSchema>;

export const queueCancelledSchema = z.object({
  request_id: z.string(),
  status: z.literal('cancelled'),
  cancelled: z.literal(true),
});
