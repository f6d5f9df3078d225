import { hash } from 'node:crypto';
import type { ModelRequest } from '#lib/models/provider';
import type { ChatRequest, Message, ModelOptions } from '#lib/wire/chat';

/**
 * What each field of a request is for. A field that can change the answer has a place in the model's request, and so in
 * the cache key (see cache-key.ts); one for delivery must never have. A new field of the wire does not compile until it is
 * named here.
 */
export const FIELD_USE = {
  messages: 'answer',
  model: 'answer',
  system_prompt: 'answer',
  options: 'answer',
  think: 'answer',
  format: 'answer',
  tools: 'answer',
  stream: 'delivery',
  use_cache: 'delivery',
  priority: 'delivery',
  conversation_id: 'delivery',
} as const satisfies Record<keyof ChatRequest, 'answer' | 'delivery'>;

type AnswerField = {
  [Field in keyof typeof FIELD_USE]: (typeof FIELD_USE)[Field] extends 'answer' ? Field : never;
}[keyof typeof FIELD_USE];

/**
 * What the model is asked: the system prompt (the request's, else the default) stands in front, unless the messages
 * already start with one; an empty prompt is none.
 */
export function toModelRequest(
  request: Pick<ChatRequest, AnswerField>,
  model: string,
  defaultSystemPrompt: string | undefined,
): ModelRequest {
  const {
    messages,
    system_prompt: systemPrompt,
    options,
    think,
    format,
    tools,
    model: _resolved,
    ...unplaced
  } = request;
  // Does not compile while a field of the answer has no place below.
  void (unplaced satisfies Record<string, never>);
  return {
    model,
    messages: withSystemPrompt(messages, systemPrompt ?? defaultSystemPrompt),
    options,
    ...(think === undefined ? {} : { think }),
    ...(format === undefined ? {} : { format }),
    ...(tools === undefined || tools.length === 0 ? {} : { tools }),
  };
}

function withSystemPrompt(messages: readonly Message[], prompt: string | undefined): readonly Message[] {
  if (prompt === undefined || prompt === '' || messages[0]?.role === 'system') return messages;
  return [{ role: 'system', content: prompt }, ...messages];
}

/** The options that Ollama's runner is started with: a request that differs in one makes it load the model anew. */
const RUNNER_OPTIONS = ['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'use_mmap'] as const;

const MAX_GROUP_CHARS = 512;

/** Requests with the same group can run one after another without the model being loaded anew. At most 512 characters. */
export function batchGroup(provider: string, model: string, options: ModelOptions): string {
  let group = `${provider}\n${model}`;
  for (const name of RUNNER_OPTIONS)
    if (options[name] !== undefined) group += `\n${name}=${JSON.stringify(options[name])}`;
  return group.length <= MAX_GROUP_CHARS ? group : hash('sha256', group, 'base64url');
}
