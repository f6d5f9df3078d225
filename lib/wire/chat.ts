import { z } from 'zod';

/** The wire of POST /api/chat-optimized and /api/chat-queue (SPEC §2): what comes in and what goes out. */

export const MAX_MESSAGES = 500;
export const MIN_PRIORITY = -10;
export const MAX_PRIORITY = 10;

export const roleSchema = z.enum(['system', 'user', 'assistant', 'tool']);

/** An object in JSON, or the string itself where it is none: a model may write arguments that are no object. */
export function readToolArguments(written: string): ToolArguments {
  if (written.trim() === '') return {};
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

const jsonObjectSchema = z.record(z.string(), z.json());
export type ToolArguments = z.infer<typeof jsonObjectSchema> | string;

/** A call of a tool that the model asks for; `arguments` is an object, as in Ollama's API, unless the model wrote none. */
export const toolCallSchema = z.object({
  id: z.string().max(256).optional(),
  function: z.object({ name: z.string().min(1).max(256), arguments: z.union([jsonObjectSchema, z.string()]) }),
});
export type ToolCall = z.infer<typeof toolCallSchema>;

/** A tool that the model may ask for, in the form that Ollama and OpenAI share. */
export const toolSchema = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string().min(1).max(256),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.json()).optional(),
  }),
});
export type Tool = z.infer<typeof toolSchema>;

export const messageSchema = z.object({
  role: roleSchema,
  content: z.string(),
  images: z.array(z.base64()).max(16).optional(),
  /** An assistant's: what it asked for. */
  tool_calls: z.array(toolCallSchema).max(128).optional(),
  /** A tool's: which tool, and which call, this is the result of. */
  tool_name: z.string().max(256).optional(),
  tool_call_id: z.string().max(256).optional(),
});
export type Message = z.infer<typeof messageSchema>;

export const thinkSchema = z.union([z.boolean(), z.enum(['low', 'medium', 'high'])]);
export type Think = z.infer<typeof thinkSchema>;

/** `"json"`, or a JSON Schema that the answer must match. */
export const formatSchema = z.union([z.literal('json'), z.record(z.string(), z.unknown())]);
export type Format = z.infer<typeof formatSchema>;

export const optionsSchema = z.record(z.string(), z.json());
export type ModelOptions = z.infer<typeof optionsSchema>;

export const requestIdSchema = z.uuid({ error: 'must be the UUID that the server gave as request_id' });

export const chatRequestSchema = z.object({
  messages: z
    .array(messageSchema)
    .min(1, 'needs at least one message')
    .max(MAX_MESSAGES, `takes at most ${MAX_MESSAGES} messages`)
    .refine((messages) => messages.at(-1)?.role !== 'assistant', 'the last message must not be from the assistant'),
  model: z.string().min(1).max(256).optional(),
  system_prompt: z.string().optional(),
  stream: z.boolean().default(true),
  use_cache: z.boolean().default(true),
  priority: z.int().min(MIN_PRIORITY).max(MAX_PRIORITY).default(0),
  options: optionsSchema.default({}),
  think: thinkSchema.optional(),
  format: formatSchema.optional(),
  tools: z.array(toolSchema).max(128).optional(),
  conversation_id: z.string().min(1).max(128).optional(),
});
export type ChatRequest = z.infer<typeof chatRequestSchema>;

/** A request that only attaches to one that is already there. */
export const attachRequestSchema = z.object({ request_id: requestIdSchema, stream: z.boolean().default(true) });

/** Wire names that are also accepted in camelCase. */
export const CHAT_FIELDS = [...Object.keys(chatRequestSchema.shape), 'request_id'];

export const usageSchema = z.object({ prompt_tokens: z.number(), completion_tokens: z.number() });
export type Usage = z.infer<typeof usageSchema>;

/** All in milliseconds; `first_token_ms` is null where no token came. */
export const timingsSchema = z.object({
  queued_ms: z.number(),
  first_token_ms: z.number().nullable(),
  total_ms: z.number(),
});
export type Timings = z.infer<typeof timingsSchema>;

export const chatAnswerSchema = z.object({
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
  usage: usageSchema,
  timings: timingsSchema,
  conversation: z.enum(['new', 'continued']).optional(),
});
export type ChatAnswer = z.infer<typeof chatAnswerSchema>;

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
  model: z.string().optional(),
  done_reason: z.string().optional(),
  usage: usageSchema.optional(),
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
  message: chatAnswerSchema.shape.message.optional(),
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
