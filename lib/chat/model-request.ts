import { hash } from 'node:crypto';
import type { ModelCompletion, ModelRequest } from '#lib/models/provider';
import { RUNNER_OPTIONS } from '#lib/models/runner-options';
import type { ChatRequest, Message, ModelOptions, Think } from '#lib/wire/chat';
import type { Completion } from '#lib/wire/completion';
import type { Passthrough } from '#lib/wire/passthrough';

/**
 * The purpose of each request field. A field that affects the response has a place in the model's
 * request, and so in the cache key; a delivery field must never have one. A new wire field does
 * not compile until it is listed here.
 */
export const FIELD_PURPOSE = {
  messages: 'response',
  completion: 'response',
  model: 'response',
  system_prompt: 'response',
  options: 'response',
  max_tokens: 'response',
  think: 'response',
  think_optional: 'response',
  format: 'response',
  format_details: 'response',
  tools: 'response',
  tool_choice: 'response',
  parallel_tool_calls: 'response',
  logprobs: 'response',
  top_logprobs: 'response',
  passthrough: 'response',
  keep_alive: 'response',
  truncate: 'response',
  shift: 'response',
  stream: 'delivery',
  use_cache: 'delivery',
  cache: 'delivery',
  drop_params: 'delivery',
  priority: 'delivery',
  conversation_id: 'delivery',
} as const satisfies Record<keyof ChatRequest, 'response' | 'delivery'>;

type ResponseField = {
  [Field in keyof typeof FIELD_PURPOSE]: (typeof FIELD_PURPOSE)[Field] extends 'response' ? Field : never;
}[keyof typeof FIELD_PURPOSE];

/**
 * The model's request. The system prompt (the request's, else the default) comes first, unless the
 * messages start with one. An empty prompt means no prompt.
 */
export function toModelRequest(
  request: Pick<ChatRequest, ResponseField>,
  model: string,
  defaultSystemPrompt: string | undefined,
): ModelRequest {
  const {
    messages,
    completion,
    system_prompt: systemPrompt,
    options,
    max_tokens: maxTokens,
    think,
    think_optional: thinkOptional,
    format,
    format_details: formatDetails,
    tools,
    tool_choice: toolChoice,
    parallel_tool_calls: parallelToolCalls,
    logprobs,
    top_logprobs: topLogprobs,
    passthrough,
    keep_alive: keepAlive,
    truncate,
    shift,
    model: _resolved,
    ...unplaced
  } = request;
  // Does not compile while a response field has no place below.
  void (unplaced satisfies Record<string, never>);
  return {
    model,
    messages: completion === undefined ? withSystemPrompt(messages, systemPrompt ?? defaultSystemPrompt) : [],
    options: withTokenLimit(options, maxTokens ?? passthrough?.max_completion_tokens),
    ...definedFields({
      think: think ?? thinkFromPassthrough(passthrough),
      thinkOptional: thinkOptional === true ? true : undefined,
      format,
      formatDetails,
      toolChoice,
      parallelToolCalls,
      topLogprobs,
      keepAlive,
      truncate,
      shift,
    }),
    ...(tools === undefined || tools.length === 0 ? {} : { tools }),
    ...(logprobs === true ? { logprobs } : {}),
    ...passthroughOf(passthrough),
    ...(completion === undefined ? {} : { completion: completionFor(completion, systemPrompt ?? defaultSystemPrompt) }),
  };
}

/** Only a template has a place for a system prompt, and none for one next to a suffix. */
function completionFor(completion: Completion, systemPrompt: string | undefined): ModelCompletion {
  const hasPlace = !completion.raw && completion.suffix === undefined;
  return hasPlace && systemPrompt !== undefined && systemPrompt !== ''
    ? { ...completion, system: systemPrompt }
    : completion;
}

/**
 * A prompt for the model's own template as a conversation of one message, which is the same text
 * for the model. Any other request stays as it is.
 */
export function promptAsMessage(request: ModelRequest): ModelRequest {
  if (request.completion === undefined) return request;
  const { completion, ...rest } = request;
  const { prompt, suffix, raw, template, context = [], system, images, echo } = completion;
  if (raw || suffix !== undefined || template !== undefined || context.length > 0 || echo === true) return request;
  if (typeof prompt !== 'string') return request;
  const message: Message = { role: 'user', content: prompt, ...(images === undefined ? {} : { images: [...images] }) };
  return { ...rest, messages: withSystemPrompt([message], system) };
}

function withTokenLimit(options: ModelOptions, maxTokens: number | undefined): ModelOptions {
  return maxTokens === undefined ? options : { ...options, num_predict: maxTokens };
}

/** The reasoning setting under the names of OpenAI's API, vLLM and SGLang. */
function thinkFromPassthrough(passthrough: Passthrough | undefined): Think | undefined {
  const { reasoning_effort: effort, chat_template_kwargs: templateArguments } = passthrough ?? {};
  if (effort === 'none') return false;
  if (effort !== undefined)
    return effort === 'minimal' ? 'low' : effort === 'xhigh' || effort === 'max' ? 'high' : effort;
  const enabled = templateArguments?.enable_thinking ?? templateArguments?.thinking;
  return typeof enabled === 'boolean' ? enabled : undefined;
}

type DefinedFields<T> = { [Field in keyof T]?: Exclude<T[Field], undefined> };

/** The fields with a value. */
function definedFields<T extends object>(fields: T): DefinedFields<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as DefinedFields<T>;
}

function passthroughOf(fields: Passthrough | undefined): { passthrough?: Passthrough } {
  const passthrough = definedFields(fields ?? {});
  return Object.keys(passthrough).length === 0 ? {} : { passthrough };
}

function withSystemPrompt(messages: readonly Message[], prompt: string | undefined): readonly Message[] {
  if (prompt === undefined || prompt === '' || messages[0]?.role === 'system') return messages;
  return [{ role: 'system', content: prompt }, ...messages];
}

const MAX_GROUP_CHARS = 512;

/** Requests of one group run in sequence without a model reload. At most 512 characters. */
export function batchGroup(provider: string, model: string, options: ModelOptions): string {
  let group = `${provider}\n${model}`;
  for (const name of RUNNER_OPTIONS)
    if (options[name] !== undefined) group += `\n${name}=${JSON.stringify(options[name])}`;
  return group.length <= MAX_GROUP_CHARS ? group : hash('sha256', group, 'base64url');
}
