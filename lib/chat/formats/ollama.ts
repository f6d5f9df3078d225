import { createHash } from 'node:crypto';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { AppError } from '#lib/errors';
import { type ChatRequest, type Message, type TokenLogprob, type ToolCall, toolArgumentsObject } from '#lib/wire/chat';
import type { ModelInfo } from '#lib/wire/models';
import type { OllamaChat, OllamaGenerate } from '#lib/wire/ollama-request';

/**
 * Ollama's API over the pipeline: its request as ours, our answers as its.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

/** The version of Ollama's API that is spoken here: its clients ask for it to know what they may use. */
export const OLLAMA_API_VERSION = '0.24.0';

const NS_PER_MS = 1e6;
/** The epoch stands for a moment that no provider tells. */
const UNKNOWN_TIME = '1970-01-01T00:00:00Z';

/** Undefined where there are no messages, which is how a client has a model loaded. */
export function fromOllamaChat(asked: OllamaChat): ChatRequest | undefined {
  if (asked.messages == null || asked.messages.length === 0) return undefined;
  return { ...fromCommon(asked), messages: asked.messages.map(fromMessage), tools: asked.tools };
}

/**
 * Undefined where there is no prompt. Throws `unsupported_parameter` for what only a bare model can
 * do.
 */
export function fromOllamaGenerate(asked: OllamaGenerate): ChatRequest | undefined {
  const unsupported = [
    ...(asked.suffix ? ['suffix'] : []),
    ...(asked.template ? ['template'] : []),
    ...(asked.raw ? ['raw'] : []),
    ...(asked.context !== undefined && asked.context.length > 0 ? ['context'] : []),
  ];
  if (unsupported.length > 0)
    throw new AppError(
      'unsupported_parameter',
      `${unsupported.join(', ')} cannot be used here, where every prompt goes through the model's chat template. Use /api/chat.`,
      { details: unsupported.map((field) => ({ field, message: 'is not supported' })) },
    );
  const sizes = (['width', 'height', 'steps'] as const).filter((field) => asked[field] !== undefined);
  if (sizes.length > 0)
    throw AppError.unsupportedParameters(sizes.map((field) => ({ field, message: 'images are not made here' })));
  if (asked.prompt === undefined || asked.prompt === '') return undefined;
  const images = asked.images === undefined || asked.images.length === 0 ? {} : { images: asked.images };
  return {
    ...fromCommon(asked),
    messages: [{ role: 'user', content: asked.prompt, ...images }],
    system_prompt: asked.system,
  };
}

/** How an answer's text is put: `/api/chat` wraps it in a message, `/api/generate` does not. */
export type OllamaEndpoint = 'chat' | 'generate';

/** The answer of a request that has completed, as one JSON body. */
export function ollamaResponse(kind: OllamaEndpoint, ticket: PendingRequest, answer: CompletedResponse) {
  return {
    ...responseFields(kind, ticket.generation.model, answer),
    ...logprobsOf(answer.logprobs),
    ...finalFields(ticket, answer),
  };
}

/** The stream: JSON, a line each. An empty part is what keeps the connection: the form has no comments. */
export function ollamaStreamEncoder(kind: OllamaEndpoint, ticket: PendingRequest): StreamEncoder {
  const line = (fields: object) => `${JSON.stringify(fields)}\n`;
  let held: TokenLogprob[] | undefined;
  const heldLogprobs = () => {
    const logprobs = logprobsOf(held);
    held = undefined;
    return logprobs;
  };
  const say = (fields: OllamaResponseFields) =>
    line({ ...responseFields(kind, ticket.generation.model, fields), done: false, ...heldLogprobs() });
  const write = (event: GenerationEvent): string => {
    switch (event.type) {
      case 'status':
        return '';
      case 'content':
        return say({ content: event.text });
      case 'thinking':
        return say({ thinking: event.text });
      case 'tool_calls':
        return say({ tool_calls: event.tool_calls });
      case 'logprobs':
        // They go out in the line of the text that they are of.
        held = [...(held ?? []), ...event.logprobs];
        return '';
      case 'error':
        return line({ error: event.error.message });
      case 'done':
        return line({
          ...responseFields(kind, ticket.generation.model, {}),
          ...heldLogprobs(),
          ...finalFields(ticket, event),
        });
    }
  };
  return {
    preamble: '',
    heartbeat: line({ ...responseFields(kind, ticket.generation.model, {}), done: false }),
    encode: write,
  };
}

/** What is said when a model was only loaded. */
export function ollamaLoadResponse(kind: OllamaEndpoint, model: string) {
  return { ...responseFields(kind, model, {}), done: true, done_reason: 'load' };
}

export function ollamaTag(model: ModelInfo) {
  return {
    name: model.id,
    model: model.id,
    modified_at: model.modified_at ?? UNKNOWN_TIME,
    size: model.size_bytes ?? 0,
    // Providers do not tell a digest: this one is of the model's name, and tells models apart as clients expect of it.
    digest: createHash('sha256').update(`${model.provider}/${model.id}`).digest('hex'),
    details: details(model),
  };
}

export function ollamaShowResponse(model: ModelInfo) {
  const { thinking, vision, tools } = model.capabilities;
  return {
    details: details(model),
    // Clients look for the context under the architecture's name, which providers do not tell.
    model_info: {
      'general.architecture': 'unknown',
      ...(model.context_length === null ? {} : { 'unknown.context_length': model.context_length }),
    },
    capabilities: [
      'completion',
      ...(vision ? ['vision'] : []),
      // A server of OpenAI's API does not tell whether its models take tools: they are passed on to
      // it in any case.
      ...(tools || model.provider === 'openai' ? ['tools'] : []),
      ...(thinking ? ['thinking'] : []),
    ],
  };
}

function fromCommon(asked: OllamaChat | OllamaGenerate): Omit<ChatRequest, 'messages'> {
  return {
    model: asked.model,
    stream: asked.stream ?? true,
    use_cache: true,
    priority: 0,
    options: asked.options ?? {},
    think: asked.think,
    format: asked.format === '' ? undefined : asked.format,
    logprobs: asked.logprobs,
    top_logprobs: asked.top_logprobs,
    keep_alive: asked.keep_alive,
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

interface OllamaResponseFields {
  content?: string;
  thinking?: string;
  tool_calls?: ToolCall[];
}

function responseFields(
  kind: OllamaEndpoint,
  model: string,
  { content = '', thinking = '', tool_calls = [] }: OllamaResponseFields,
) {
  const head = { model, created_at: new Date().toISOString() };
  const said = thinking === '' ? {} : { thinking };
  if (kind === 'generate') return { ...head, response: content, ...said };
  const asked = tool_calls.length === 0 ? {} : { tool_calls: tool_calls.map(withArgumentsObject) };
  return { ...head, message: { role: 'assistant', content, ...said, ...asked } };
}

/**
 * Ollama's clients take arguments for an object: what the model wrote otherwise is put into one.
 */
function withArgumentsObject({ id, function: { name, arguments: given } }: ToolCall): ToolCall {
  return { ...(id === undefined ? {} : { id }), function: { name, arguments: toolArgumentsObject(given) } };
}

function logprobsOf(logprobs: readonly TokenLogprob[] | undefined) {
  return logprobs === undefined ? {} : { logprobs };
}

/**
 * Durations are in nanoseconds, as the model server measured them: clients divide tokens by them.
 * What it did not measure is taken from the moments seen here, where the time before the first
 * token is the prompt's.
 */
function finalFields(
  ticket: PendingRequest,
  { done_reason, usage, durations }: Pick<CompletedResponse, 'done_reason' | 'usage' | 'durations'>,
) {
  const { queued_ms, first_token_ms, total_ms } = ticket.timings();
  const first = first_token_ms ?? total_ms;
  return {
    done: true,
    done_reason,
    total_duration: Math.round(total_ms * NS_PER_MS),
    load_duration: durations?.load_ns ?? 0,
    prompt_eval_count: usage.prompt_tokens,
    prompt_eval_duration: durations?.prompt_eval_ns ?? Math.round((first - queued_ms) * NS_PER_MS),
    eval_count: usage.completion_tokens,
    eval_duration: durations?.eval_ns ?? Math.round((total_ms - first) * NS_PER_MS),
  };
}

function details(model: ModelInfo) {
  return {
    parent_model: '',
    format: model.provider === 'openai' ? '' : 'gguf',
    family: '',
    families: [],
    parameter_size: model.parameter_size ?? '',
    quantization_level: model.quantization ?? '',
  };
}
