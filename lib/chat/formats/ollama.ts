import { createHash } from 'node:crypto';
import { modelNameJson } from '#lib/chat/formats/model-name-json';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import { type TokenLogprob, type ToolCall, toolArgumentsObject } from '#lib/wire/chat';
import type { ModelInfo } from '#lib/wire/models';

/**
 * Ollama's API: responses in its format.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

/** The supported version of Ollama's API: clients request it to know what they may use. */
export const OLLAMA_API_VERSION = '0.24.0';

const NS_PER_MS = 1e6;
/** The epoch stands for a time that the provider does not report. */
const UNKNOWN_TIME = '1970-01-01T00:00:00Z';
/** Ollama's own end for a model that stays loaded; its clients show "Forever". */
const FAR_FUTURE = '2318-01-01T00:00:00Z';

/** `/api/chat` wraps the text of a response in a message, `/api/generate` does not. */
export type OllamaEndpoint = 'chat' | 'generate';

/** The JSON body of a completed request. */
export function ollamaResponse(endpoint: OllamaEndpoint, request: RequestView, response: CompletedResponse) {
  return {
    ...responseFields(endpoint, request.model, response),
    ...logprobsOf(response.logprobs),
    ...finalFields(request, response),
    ...contextOf(response),
  };
}

/**
 * The stream: one JSON object per line. Empty objects keep the connection, as there are no
 * comments.
 */
export function ollamaStreamEncoder(endpoint: OllamaEndpoint, request: RequestView): StreamEncoder {
  const line = (fields: object) => `${JSON.stringify(fields)}\n`;
  let pendingLogprobs: TokenLogprob[] | undefined;
  const takeLogprobs = () => {
    const logprobs = logprobsOf(pendingLogprobs);
    pendingLogprobs = undefined;
    return logprobs;
  };
  const nameJson = modelNameJson(request.model);
  /** The line of a text with nothing else, without an object. */
  const contentLine = (content: string) => {
    if (pendingLogprobs !== undefined) return textLine({ content });
    const head = `{"model":${nameJson},"created_at":"${new Date().toISOString()}"`;
    const json = JSON.stringify(content);
    return endpoint === 'generate'
      ? `${head},"response":${json},"done":false}\n`
      : `${head},"message":{"role":"assistant","content":${json}},"done":false}\n`;
  };
  const textLine = (fields: OllamaResponseFields) =>
    line({ ...responseFields(endpoint, request.model, fields), done: false, ...takeLogprobs() });
  const encode = (event: GenerationEvent): string => {
    switch (event.type) {
      case 'status':
        return '';
      case 'content':
        return contentLine(event.text);
      case 'thinking':
        return textLine({ thinking: event.text });
      case 'tool_calls':
        return textLine({ tool_calls: event.tool_calls });
      case 'logprobs':
        // Sent in the line of their text.
        pendingLogprobs = [...(pendingLogprobs ?? []), ...event.logprobs];
        return '';
      case 'error':
        return line({ error: event.error.message });
      case 'done':
        return line({
          ...responseFields(endpoint, request.model, {}),
          ...takeLogprobs(),
          ...finalFields(request, event),
          ...contextOf(event),
        });
    }
  };
  return {
    preamble: '',
    heartbeat: line({ ...responseFields(endpoint, request.model, {}), done: false }),
    encode,
  };
}

/** The response to a request that only loads or unloads a model. */
export function ollamaLoadResponse(endpoint: OllamaEndpoint, model: string, done_reason: 'load' | 'unload' = 'load') {
  return { ...responseFields(endpoint, model, {}), done: true, done_reason };
}

export function ollamaTag(model: ModelInfo) {
  return {
    name: model.id,
    model: model.id,
    modified_at: model.modified_at ?? UNKNOWN_TIME,
    size: model.size_bytes ?? 0,
    // Providers report no digest. One of the name distinguishes models, as clients expect.
    digest: createHash('sha256').update(`${model.provider}/${model.id}`).digest('hex'),
    details: details(model),
  };
}

/** A loaded model of a provider that does not say how long it keeps it. */
export function ollamaRunningModel(model: ModelInfo) {
  const { modified_at: _modified, ...tag } = ollamaTag(model);
  return { ...tag, expires_at: FAR_FUTURE, size_vram: 0, context_length: model.context_length ?? 0 };
}

export function ollamaShowResponse(model: ModelInfo) {
  const { thinking, vision, tools } = model.capabilities;
  return {
    details: details(model),
    // Clients look for the context length under the architecture, which no provider reports.
    model_info: {
      'general.architecture': 'unknown',
      ...(model.context_length === null ? {} : { 'unknown.context_length': model.context_length }),
    },
    capabilities: [
      'completion',
      ...(vision ? ['vision'] : []),
      // A server of OpenAI's API does not report tool support: tools are forwarded in any case.
      ...(tools || model.provider === 'openai' ? ['tools'] : []),
      ...(thinking ? ['thinking'] : []),
    ],
  };
}

interface OllamaResponseFields {
  content?: string;
  thinking?: string;
  tool_calls?: ToolCall[];
}

function responseFields(
  endpoint: OllamaEndpoint,
  model: string,
  { content = '', thinking = '', tool_calls = [] }: OllamaResponseFields,
) {
  const head = { model, created_at: new Date().toISOString() };
  const thinkingField = thinking === '' ? {} : { thinking };
  if (endpoint === 'generate') return { ...head, response: content, ...thinkingField };
  const toolCalls = tool_calls.length === 0 ? {} : { tool_calls: tool_calls.map(withArgumentsObject) };
  return { ...head, message: { role: 'assistant', content, ...thinkingField, ...toolCalls } };
}

/** Ollama's clients expect arguments as an object: anything else is wrapped in one. */
function withArgumentsObject({ id, function: { name, arguments: given } }: ToolCall): ToolCall {
  return { ...(id === undefined ? {} : { id }), function: { name, arguments: toolArgumentsObject(given) } };
}

function logprobsOf(logprobs: readonly TokenLogprob[] | undefined) {
  return logprobs === undefined ? {} : { logprobs };
}

/** Only Ollama itself returns a context, and only for `/api/generate`. */
function contextOf({ context }: Pick<CompletedResponse, 'context'>) {
  return context === undefined ? {} : { context };
}

/**
 * Durations are in nanoseconds, as the model server measured them: clients divide tokens by them.
 * Missing ones are derived from the times seen here, with the time to the first token as the
 * prompt's.
 */
function finalFields(
  request: RequestView,
  { done_reason, usage, durations }: Pick<CompletedResponse, 'done_reason' | 'usage' | 'durations'>,
) {
  const { queued_ms, first_token_ms, total_ms } = request.timings();
  const first = first_token_ms ?? total_ms;
  return {
    done: true,
    done_reason,
    total_duration: Math.round(total_ms * NS_PER_MS),
    load_duration: durations?.load_ns ?? 0,
    prompt_eval_count: usage.prompt_tokens,
    ...(usage.prompt_truncated === true ? { prompt_truncated: true } : {}),
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
