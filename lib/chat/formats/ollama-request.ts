import type { ChatRequest, Message } from '#lib/wire/chat';
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
  const needsNoTemplate = [
    ...(input.suffix ? ['suffix'] : []),
    ...(input.template ? ['template'] : []),
    ...(input.raw ? ['raw'] : []),
    ...(input.context !== undefined && input.context.length > 0 ? ['context'] : []),
  ];
  const sizes = (['width', 'height', 'steps'] as const).filter((field) => input[field] !== undefined);
  return [
    ...needsNoTemplate.map((field) => ({
      field,
      message: "every prompt goes through the model's chat template; use /api/chat",
    })),
    ...sizes.map((field) => ({ field, message: 'images are not made here' })),
  ];
}

/** A native request without the fields of `refusedGenerateFields`. Undefined without a prompt. */
export function fromOllamaGenerate(input: OllamaGenerate): ChatRequest | undefined {
  if (input.prompt === undefined || input.prompt === '') return undefined;
  const images = input.images === undefined || input.images.length === 0 ? {} : { images: input.images };
  return {
    ...fromCommon(input),
    messages: [{ role: 'user', content: input.prompt, ...images }],
    system_prompt: input.system,
  };
}

function fromCommon(input: OllamaChat | OllamaGenerate): Omit<ChatRequest, 'messages'> {
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
