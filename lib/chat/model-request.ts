import { hash } from 'node:crypto';
import type { ModelRequest } from '#lib/models/provider';
import type { ChatRequest, Message, ModelOptions, Think } from '#lib/wire/chat';
import type { Passthrough } from '#lib/wire/passthrough';

/**
 * What each field of a request is for. A field that can change the answer has a place in the model's request, and so in
 * the cache key (see cache-key.ts); one for delivery must never have. A new field of the wire does not compile until it is
 * named here.
 */
export const FIELD_PURPOSE = {
  messages: 'answer',
  model: 'answer',
  system_prompt: 'answer',
  options: 'answer',
  max_tokens: 'answer',
  think: 'answer',
  format: 'answer',
  format_details: 'answer',
  tools: 'answer',
  tool_choice: 'answer',
  parallel_tool_calls: 'answer',
  logprobs: 'answer',
  top_logprobs: 'answer',
  passthrough: 'answer',
  keep_alive: 'answer',
  stream: 'delivery',
  use_cache: 'delivery',
  priority: 'delivery',
  conversation_id: 'delivery',
} as const satisfies Record<keyof ChatRequest, 'answer' | 'delivery'>;

type ResponseField = {
  [Field in keyof typeof FIELD_PURPOSE]: (typeof FIELD_PURPOSE)[Field] extends 'answer' ? Field : never;
}[keyof typeof FIELD_PURPOSE];

/**
 * What the model is asked: the system prompt (the request's, else the default) stands in front, unless the messages
 * already start with one; an empty prompt is none.
 */
export function toModelRequest(
  request: Pick<ChatRequest, ResponseField>,
  model: string,
  defaultSystemPrompt: string | undefined,
): ModelRequest {
  const {
    messages,
    system_prompt: systemPrompt,
    options,
    max_tokens: maxTokens,
    think,
    format,
    format_details: formatDetails,
    tools,
    tool_choice: toolChoice,
    parallel_tool_calls: parallelToolCalls,
    logprobs,
    top_logprobs: topLogprobs,
    passthrough,
    keep_alive: keepAlive,
    model: _resolved,
    ...unplaced
  } = request;
  // Does not compile while a field of the answer has no place below.
  void (unplaced satisfies Record<string, never>);
  return {
    model,
    messages: withSystemPrompt(messages, systemPrompt ?? defaultSystemPrompt),
    options: withTokenLimit(options, maxTokens ?? passthrough?.max_completion_tokens),
    ...definedFields({
      think: think ?? thinkFromPassthrough(passthrough),
      format,
      formatDetails,
      toolChoice,
      parallelToolCalls,
      topLogprobs,
      keepAlive,
    }),
    ...(tools === undefined || tools.length === 0 ? {} : { tools }),
    ...(logprobs === true ? { logprobs } : {}),
    ...passthroughOf(passthrough),
  };
}

function withTokenLimit(options: ModelOptions, maxTokens: number | undefined): ModelOptions {
  return maxTokens === undefined ? options : { ...options, num_predict: maxTokens };
}

/** What the names that OpenAI's API, vLLM and SGLang have for it say of reasoning. */
function thinkFromPassthrough(passthrough: Passthrough | undefined): Think | undefined {
  const { reasoning_effort: effort, chat_template_kwargs: given } = passthrough ?? {};
  if (effort === 'none') return false;
  if (effort !== undefined)
    return effort === 'minimal' ? 'low' : effort === 'xhigh' || effort === 'max' ? 'high' : effort;
  const asked = given?.enable_thinking ?? given?.thinking;
  return typeof asked === 'boolean' ? asked : undefined;
}

type DefinedFields<T> = { [Field in keyof T]?: Exclude<T[Field], undefined> };

/** The fields that have a value. */
function definedFields<T extends object>(fields: T): DefinedFields<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as DefinedFields<T>;
}

function passthroughOf(asked: Passthrough | undefined): { passthrough?: Passthrough } {
  const passthrough = definedFields(asked ?? {});
  return Object.keys(passthrough).length === 0 ? {} : { passthrough };
}

function withSystemPrompt(messages: readonly Message[], prompt: string | undefined): readonly Message[] {
  if (prompt === undefined || prompt === '' || messages[0]?.role === 'system') return messages;
  return [{ role: 'system', content: prompt }, ...messages];
}

/** The options that Ollama's runner is started with: a request that differs in one makes it load the model anew. */
const RUNNER_OPTIONS = ['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'use_mmap'] as const;

const MAX_GROUP_CHARS = 512;

/**
 * Requests with the same group can run one after another without loading the model again. At
 * most 512 characters.
 */
export function batchGroup(provider: string, model: string, options: ModelOptions): string {
  let group = `${provider}\n${model}`;
  for (const name of RUNNER_OPTIONS)
    if (options[name] !== undefined) group += `\n${name}=${JSON.stringify(options[name])}`;
  return group.length <= MAX_GROUP_CHARS ? group : hash('sha256', group, 'base64url');
}
