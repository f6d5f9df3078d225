import { AppError } from '#lib/errors';
import type { ChatRequest, ConversationRequest, Message } from '#lib/wire/chat';
import type { Completion } from '#lib/wire/completion';
import type { ErrorDetail } from '#lib/wire/error';
import type { OllamaChat, OllamaGenerate } from '#lib/wire/ollama-request';

/**
 * Ollama's API: its requests as native ones.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

/** Undefined without messages: that is how a client loads a model. */
export function fromOllamaChat(input: OllamaChat): ChatRequest | undefined {
  if (input.messages == null || input.messages.length === 0) return undefined;
  return { ...fromCommon(input), messages: input.messages.map(fromMessage), tools: input.tools };
}

/** The fields of a request to `/api/generate` that no model server supports. */
export function refusedGenerateFields(input: OllamaGenerate): readonly ErrorDetail[] {
  const sizes = (['width', 'height', 'steps'] as const).filter((field) => input[field] !== undefined);
  return sizes.map((field) => ({ field, message: 'images are not made here' }));
}

/**
 * A native request without the fields of `refusedGenerateFields`. Undefined without a prompt.
 * Throws `invalid_request` for fields that exclude each other.
 */
export function fromOllamaGenerate(input: OllamaGenerate): ChatRequest | undefined {
  refuseNextToRaw(input);
  if (input.prompt === undefined || input.prompt === '') return undefined;
  return {
    ...fromCommon(input),
    messages: [],
    completion: completionOf(input, input.prompt),
    system_prompt: input.system,
  };
}

/** An empty text or list means none, as in Ollama. */
function completionOf({ suffix, raw, images, template, context }: OllamaGenerate, prompt: string): Completion {
  return {
    prompt,
    raw: raw === true,
    ...(suffix ? { suffix } : {}),
    ...(images?.length ? { images } : {}),
    ...(template ? { template } : {}),
    ...(context === undefined ? {} : { context }),
  };
}

/** Ollama refuses the others, and ignores a suffix without a word. */
function refuseNextToRaw({ raw, suffix, template, system, context }: OllamaGenerate): void {
  if (raw !== true) return;
  const message = 'has no place in a raw prompt: write it into the prompt, or leave out raw';
  const details: ErrorDetail[] = [
    ...(suffix ? ['suffix'] : []),
    ...(template ? ['template'] : []),
    ...(system ? ['system'] : []),
    ...(context?.length ? ['context'] : []),
  ].map((field) => ({ field, message }));
  if (details.length === 0) return;
  const names = details.map(({ field }) => field).join(', ');
  throw new AppError('invalid_request', `${names} ${message}.`, { details });
}

function fromCommon(input: OllamaChat | OllamaGenerate): Omit<ConversationRequest, 'messages'> {
  return {
    model: input.model,
    stream: input.stream ?? true,
    use_cache: true,
    cache: input.cache,
    drop_params: input.drop_params,
    priority: 0,
    options: input.options ?? {},
    think: input.think,
    format: input.format === '' ? undefined : input.format,
    logprobs: input.logprobs,
    top_logprobs: input.top_logprobs,
    keep_alive: input.keep_alive,
    truncate: input.truncate,
    shift: input.shift,
  };
}

function fromMessage(message: NonNullable<OllamaChat['messages']>[number]): Message {
  const { content, images, tool_calls: toolCalls, thinking, ...rest } = message;
  return {
    ...rest,
    content: content ?? '',
    ...(images === undefined || images.length === 0 ? {} : { images }),
    ...(thinking === undefined || thinking === '' ? {} : { thinking }),
    ...(toolCalls === undefined || toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
  };
}
