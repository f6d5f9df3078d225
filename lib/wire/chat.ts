import { z } from 'zod';
import type { Completion } from '#lib/wire/completion';
import { describeFields } from '#lib/wire/describe-fields';
import { errorDataSchema } from '#lib/wire/error';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { isNestedTooDeep } from '#lib/wire/json-depth';
import { jsonObjectSchema, smallObjectSchema } from '#lib/wire/json-values';
import { durationMs } from '#lib/wire/keep-alive';
import { shareStatusSchema } from '#lib/wire/limits';
import { optional, withDefault } from '#lib/wire/optional';
import { type Passthrough, passthroughSchema } from '#lib/wire/passthrough';
import { OPTION_SUPPORT } from '#lib/wire/request-field-support';

/** Wire of chat requests and responses. See docs/contract.md#chat-requests. */

export const MAX_MESSAGES = 500;
export const MIN_PRIORITY = -10;
export const MAX_PRIORITY = 10;

export const roleSchema = z.enum(['system', 'user', 'assistant', 'tool']);

/** Parses the arguments that a model wrote. Returns the string itself if it is no JSON object. */
export function readToolArguments(written: string): ToolArguments {
  if (written.trim() === '') return {};
  if (isNestedTooDeep(new TextEncoder().encode(written))) return written;
  try {
    const parsed = jsonObjectSchema.safeParse(JSON.parse(written));
    return parsed.success ? parsed.data : written;
  } catch {
    return written;
  }
}

/** Wraps arguments that are no object, for APIs that accept objects only. */
export function toolArgumentsObject(given: ToolArguments): Exclude<ToolArguments, string> {
  return typeof given === 'string' ? { arguments: given } : given;
}

export type ToolArguments = z.infer<typeof jsonObjectSchema> | string;

export const toolArgumentsSchema = z
  .union([jsonObjectSchema, z.string()])
  .transform((value): ToolArguments => (typeof value === 'string' ? readToolArguments(value) : value));

/** `arguments` is an object as in Ollama's API, or a string if the model wrote anything else. */
export const toolCallSchema = z.object({
  id: optional(z.string().max(256)),
  function: z.object({ name: z.string().min(1).max(256), arguments: toolArgumentsSchema }),
});
export type ToolCall = z.infer<typeof toolCallSchema>;

/** A tool in the format that Ollama and OpenAI share. */
export const toolSchema = z.object({
  type: withDefault(z.literal('function'), 'function'),
  function: z.object({
    name: z.string().min(1).max(256),
    description: optional(z.string()),
    parameters: optional(jsonObjectSchema),
    /** Whether arguments must match `parameters` exactly, on servers that support the setting. */
    strict: optional(z.boolean()),
  }),
});
export type Tool = z.infer<typeof toolSchema>;

/** Which tools the model must, may or must not call, in OpenAI's format. */
export const toolChoiceSchema = z.union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.string() })]);
export type ToolChoice = z.infer<typeof toolChoiceSchema>;

/** An image in base64. White space is removed: MIME encoders break lines after 76 characters. */
export const imageSchema = z
  .string()
  .overwrite((text) => (/\s/.test(text) ? text.replace(/\s+/g, '') : text))
  .base64({ error: 'must be an image in base64: A-Z, a-z, 0-9, + and /, padded with =, without a data: prefix' });

/** auto, low, high or original. The model server validates it. */
export const imageDetailSchema = z.string().max(32);

export const messageSchema = z.object({
  role: roleSchema,
  content: z
    .string()
    .nullable()
    .transform((content) => content ?? ''),
  images: optional(z.array(imageSchema).max(16)).describe(
    'Base64 without a data: prefix; line breaks are removed. Vision models only.',
  ),
  image_detail: optional(imageDetailSchema).describe('Level of detail of the images. OpenAI-compatible servers only.'),
  thinking: optional(z.string()).describe('Of an assistant: its reasoning before this message.'),
  tool_calls: optional(z.array(toolCallSchema).max(128)).describe('Of an assistant: the tools it called.'),
  tool_name: optional(z.string().max(256)).describe('Of a tool: its name.'),
  tool_call_id: optional(z.string().max(256)).describe('Of a tool: the call that it is the result of.'),
  name: optional(z.string().max(256)).describe('Name of the participant. OpenAI-compatible servers only.'),
});
export type Message = z.infer<typeof messageSchema>;

export const thinkSchema = z.union([z.boolean(), z.enum(['low', 'medium', 'high'])]);
export type Think = z.infer<typeof thinkSchema>;

/** `"json"`, or a JSON Schema that the response must match. */
export const formatSchema = z.union([z.literal('json'), jsonObjectSchema]);
export type Format = z.infer<typeof formatSchema>;

/** Name, description and strictness that OpenAI's API adds to a JSON Schema. */
export const formatDetailsSchema = z.object({
  name: optional(z.string().max(256)),
  description: optional(z.string()),
  strict: optional(z.boolean()),
});
export type FormatDetails = z.infer<typeof formatDetailsSchema>;

export const optionsSchema = smallObjectSchema;
export type ModelOptions = z.infer<typeof optionsSchema>;

/** Seconds, or a Go duration (`"5m"`). Negative values mean forever. Ollama refuses any other. */
export const keepAliveSchema = z
  .union([z.string().max(32), z.number()])
  .refine((keepAlive) => durationMs(keepAlive) !== undefined, {
    error: 'must be a number of seconds, or a duration such as "5m", "1h30m" or "-1s"',
  });

/** Limit of generated tokens. −1 means no limit, as in Ollama and llama.cpp. */
export const maxTokensSchema = z
  .int()
  .refine((tokens) => tokens === -1 || tokens > 0, 'must be above 0, or -1 for no bound');

export const topLogprobsSchema = z.int().min(0).max(20);

export const requestIdSchema = z.uuid({ error: 'must be the UUID that the server gave as request_id' });

export const cacheModeSchema = z.enum(['auto', 'on', 'off']);
export type CacheMode = z.infer<typeof cacheModeSchema>;

/** Fields of this server's own that every chat API takes. */
export const REQUEST_POLICY_SHAPE = {
  cache: optional(cacheModeSchema),
  drop_params: optional(z.boolean()),
} as const;

export const REQUEST_POLICY_DESCRIPTIONS = {
  cache:
    'auto: read the cache, except for random sampling on the routes of other APIs (see CACHE_SDK). on: read it. off: neither read it, join an identical running request, nor store the response. Also the header X-Cache-Policy.',
  drop_params:
    'true: leave out fields that the model server does not support, and name them in X-Dropped-Params, instead of rejecting the request. Also the header X-Drop-Params. Default: DROP_PARAMS.',
} as const;

/** Fields that OpenAI's chat requests have in the same format. */
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
      .refine(
        (messages) => isContinuable(messages.at(-1)),
        'the last message, if it is from the assistant, needs a text to continue and no tool calls',
      )
      .describe(
        'Oldest first. If the last message is from the assistant, the model continues it; the response has only the new text.',
      ),
    model: optional(z.string().min(1).max(256)).describe('Default: OLLAMA_MODEL, or the first available model.'),
    system_prompt: optional(z.string()).describe(
      'Added before the messages unless they start with a system message. Default: OLLAMA_SYSTEM_PROMPT.',
    ),
    stream: withDefault(z.boolean(), true).describe('true: server-sent events. false: one JSON body.'),
    use_cache: withDefault(z.boolean(), true).describe('false: the same as cache: off.'),
    ...describeFields(REQUEST_POLICY_SHAPE, REQUEST_POLICY_DESCRIPTIONS),
    priority: withDefault(z.int().min(MIN_PRIORITY).max(MAX_PRIORITY), 0).describe(
      'Higher runs sooner. One level is worth four turns of a caller. Low priority is delayed but never starved. Above 0 needs the right to it, and is lowered to what the caller may have.',
    ),
    options: withDefault(optionsSchema, {}).describe(
      `Sampling and context options, by Ollama's names. ${OPTION_SUPPORT}`,
    ),
    max_tokens: optional(maxTokensSchema).describe('Same as options.num_predict. −1 is no limit.'),
    think: optional(thinkSchema).describe(
      "Whether, or how much, the model reasons. Reasoning models only. Default: the model's own.",
    ),
    think_optional: optional(z.boolean()).describe(
      'true: a model that does not reason ignores think. Ollama refuses it otherwise.',
    ),
    format: optional(formatSchema).describe('"json", or a JSON Schema that the response must match.'),
    format_details: optional(formatDetailsSchema).describe(
      'Name, description and strictness of a JSON Schema, for OpenAI-compatible servers.',
    ),
    ...describeFields(SHARED_CHAT_SHAPE, {
      tools: 'Functions that the model may call.',
      tool_choice: "none, auto, required, or one tool in OpenAI's format. Ollama supports none and auto.",
      parallel_tool_calls: 'Whether the model may call several tools at once. Ollama rejects false.',
      logprobs: 'Whether the response has log probabilities of its tokens. The built-in model rejects it.',
      top_logprobs: 'Number of alternatives per token.',
      keep_alive: 'How long Ollama keeps the model loaded afterwards. Default and minimum: OLLAMA_KEEP_ALIVE.',
    }),
    truncate: optional(z.boolean()).describe(
      'false: Ollama refuses a conversation that is longer than the context, instead of leaving out its oldest messages.',
    ),
    shift: optional(z.boolean()).describe(
      'false: Ollama ends a response that reaches the end of the context, instead of leaving out the oldest tokens.',
    ),
    passthrough: optional(passthroughSchema).describe(
      "Further fields of OpenAI's chat completions. OpenAI-compatible servers get them unchanged; OpenAiRequest lists what others do with each.",
    ),
    conversation_id: optional(z.string().min(1).max(128)).describe(
      "Stores this conversation's messages on the server, so that later requests may send only the new one.",
    ),
  })
  .refine(({ use_cache: usesCache, cache }) => usesCache || cache === undefined || cache === 'off', {
    path: ['cache'],
    error: 'must be off where use_cache is false',
  })
  .refine(hasOneTokenLimit, {
    path: ['max_tokens'],
    error: 'must be the same as options.num_predict and passthrough.max_completion_tokens where they are given',
  });
export type ConversationRequest = z.infer<typeof chatRequestSchema>;
type CompletionRequest = Omit<ConversationRequest, 'messages'> & { messages: []; completion: Completion };

/** A request has messages or a completion. The native API has no field for the latter. */
export type ChatRequest = (ConversationRequest & { completion?: undefined }) | CompletionRequest;

function isContinuable(last: Message | undefined): boolean {
  return last?.role !== 'assistant' || (last.content !== '' && (last.tool_calls ?? []).length === 0);
}

function hasOneTokenLimit(request: {
  max_tokens?: number | undefined;
  options: ModelOptions;
  passthrough?: Passthrough | undefined;
}): boolean {
  const limits = [request.max_tokens, request.options.num_predict, request.passthrough?.max_completion_tokens];
  return new Set(limits.filter((limit) => limit != null)).size <= 1;
}

/** Attaches to a request that was submitted before. */
export const attachRequestSchema = z.object({
  request_id: requestIdSchema.describe(
    'A request that was queued or is running; the other fields are then not needed.',
  ),
  stream: withDefault(z.boolean(), true).describe('true: server-sent events. false: one JSON body.'),
});

/** Wire names that are also accepted in camelCase. */
export const CHAT_FIELDS = [...Object.keys(chatRequestSchema.shape), 'request_id'];

const tokenSchema = { token: z.string(), logprob: z.number(), bytes: z.array(z.number()).nullish() };

/** Log probability of a generated token, and its most likely alternatives. */
export const tokenLogprobSchema = z.object({
  ...tokenSchema,
  logprob: z.number().nullable().describe('null for the first token of an echoed prompt only.'),
  top_logprobs: z.array(z.object(tokenSchema)).nullish(),
});
export type TokenLogprob = z.infer<typeof tokenLogprobSchema>;

export const tokenUsageSchema = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  context_length: z
    .number()
    .optional()
    .describe('Tokens of the context that the model ran with, where the server knows it.'),
  prompt_truncated: z
    .boolean()
    .optional()
    .describe('true where the model did not read the whole conversation, because it is longer than the context.'),
});
export type TokenUsage = z.infer<typeof tokenUsageSchema>;

export const timingsSchema = z.object({
  queued_ms: z.number().describe('Milliseconds until the model started.'),
  first_token_ms: z.number().nullable().describe('Milliseconds until the first token; null if there was none.'),
  total_ms: z.number().describe('Milliseconds in all.'),
});
export type Timings = z.infer<typeof timingsSchema>;

export const chatResponseSchema = z.object({
  message: z.object({
    role: z.literal('assistant'),
    content: z.string(),
    thinking: z.string().optional(),
    tool_calls: z.array(toolCallSchema).optional(),
  }),
  cached: z.boolean().describe('Whether the response is from the cache.'),
  request_id: z.string(),
  model: z.string(),
  done_reason: z.string().describe('stop, length or tool_calls.'),
  logprobs: z.array(tokenLogprobSchema).optional(),
  usage: tokenUsageSchema,
  timings: timingsSchema,
  conversation: z
    .enum(['new', 'continued'])
    .optional()
    .describe('With a conversation_id: whether its messages were still stored.'),
});
export type ChatResponse = z.infer<typeof chatResponseSchema>;

/**
 * One `data:` line of a chat stream. A stream ends with exactly one event whose `done` is true.
 */
export const chatEventSchema = z.object({
  done: z.boolean().describe('true in exactly one event, the last.'),
  cached: z.boolean().optional(),
  request_id: z
    .string()
    .optional()
    .describe(
      'Of this request: while it waits, when it is done, and with shutting_down: its stream can be asked for by it, and where that is a 404, the request has to be sent again.',
    ),
  status: z.literal('queued').optional(),
  queue_position: z
    .number()
    .optional()
    .describe('From 1. Sent at once and whenever it changes; omitted if the request does not wait.'),
  queue_length: z.number().optional(),
  estimated_wait_time: z.number().optional().describe('Milliseconds, from measured run times.'),
  model_server: z
    .string()
    .optional()
    .describe('While it waits: the name of the model server that it waits for, where there are several.'),
  share: shareStatusSchema.optional().describe('While it waits behind others because its caller is above its share.'),
  connection_lost: z
    .boolean()
    .optional()
    .describe(
      'true while the server that responds does not reach the one that works on the request (`REDIS_URL`): the response goes on once it does. false once after that.',
    ),
  thinking: z.string().optional().describe('The next piece of reasoning.'),
  content: z.string().optional().describe('The next piece of text.'),
  tool_calls: z.array(toolCallSchema).optional(),
  logprobs: z.array(tokenLogprobSchema).optional(),
  model: z.string().optional(),
  done_reason: z.string().optional(),
  usage: tokenUsageSchema.optional(),
  timings: timingsSchema.optional(),
  conversation: z.enum(['new', 'continued']).optional(),
  error: z.string().optional().describe('With done: the response failed after it had begun.'),
  code: z.string().optional(),
  data: errorDataSchema
    .optional()
    .describe(
      'The figures of the error; cancelled_by: operator if the operator cancelled the request; reason: locked_out if its caller was locked out.',
    ),
});
export type ChatEvent = z.infer<typeof chatEventSchema>;

export const cacheHeaderSchema = z.enum(['hit', 'miss', 'joined', 'bypass']);
export type CacheHeader = z.infer<typeof cacheHeaderSchema>;
