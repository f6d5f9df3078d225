import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import type { TokenLogprob, TokenUsage, ToolArguments, ToolCall } from '#lib/wire/chat';
import type { ErrorBody } from '#lib/wire/error';
import type { ModelInfo } from '#lib/wire/models';

/**
 * OpenAI's chat completions: responses in their format.
 * https://platform.openai.com/docs/api-reference/chat
 */

/** The `chat.completion` of a completed request. */
export function openAiCompletion(request: RequestView, response: CompletedResponse) {
  const { content, thinking, tool_calls: toolCalls } = response;
  return {
    id: completionId(request),
    object: 'chat.completion',
    created: createdSeconds(request),
    model: response.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === '' && toolCalls.length > 0 ? null : content,
          refusal: null,
          ...(thinking === '' ? {} : { reasoning_content: thinking }),
          ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map((call, at) => toToolCall(call, request, at)) }),
        },
        logprobs: toLogprobs(response.logprobs),
        finish_reason: finishReason(response.done_reason, toolCalls.length > 0),
      },
    ],
    usage: toUsage(response.usage),
  };
}

/** The stream of `chat.completion.chunk`s. While a request waits, comments keep the connection. */
export function openAiStreamEncoder(request: RequestView, includeUsage: boolean): StreamEncoder {
  let toolCalls = 0;
  let hasBegun = false;
  const chunk = (choices: object[], usage?: object) =>
    sse({
      id: completionId(request),
      object: 'chat.completion.chunk',
      created: createdSeconds(request),
      model: request.model,
      choices,
      ...(usage === undefined ? (includeUsage ? { usage: null } : {}) : { usage }),
    });
  let pendingLogprobs: TokenLogprob[] | undefined;
  const takeLogprobs = () => {
    const logprobs = toLogprobs(pendingLogprobs);
    pendingLogprobs = undefined;
    return logprobs;
  };
  /** What stands around the text of a chunk after the first. */
  let frame: { before: string; after: string } | undefined;
  const text = (name: 'content' | 'reasoning_content', value: string) => {
    if (!hasBegun || pendingLogprobs !== undefined || name !== 'content') return delta({ [name]: value });
    frame ??= textFrame(delta({ content: '' }));
    return frame.before + JSON.stringify(value) + frame.after;
  };
  const delta = (fields: object) => {
    const first = hasBegun ? {} : { role: 'assistant', content: '' };
    hasBegun = true;
    return chunk([{ index: 0, delta: { ...first, ...fields }, logprobs: takeLogprobs(), finish_reason: null }]);
  };
  const encode = (event: GenerationEvent): string => {
    switch (event.type) {
      case 'status':
        return '';
      case 'content':
        return text('content', event.text);
      case 'thinking':
        return text('reasoning_content', event.text);
      case 'tool_calls': {
        const from = toolCalls;
        toolCalls += event.tool_calls.length;
        const calls = event.tool_calls.map((call, at) => ({
          index: from + at,
          ...toToolCall(call, request, from + at),
        }));
        return delta({ tool_calls: calls });
      }
      case 'logprobs':
        // Sent in the chunk of their text.
        pendingLogprobs = [...(pendingLogprobs ?? []), ...event.logprobs];
        return '';
      case 'error':
        return sse(openAiError({ error: event.error.message, code: event.error.code }, 500));
      case 'done': {
        const finish_reason = finishReason(event.done_reason, toolCalls > 0);
        return (
          (hasBegun ? '' : delta({})) +
          chunk([{ index: 0, delta: {}, logprobs: takeLogprobs(), finish_reason }]) +
          (includeUsage ? chunk([], toUsage(event.usage)) : '') +
          'data: [DONE]\n\n'
        );
      }
    }
  };
  return { preamble: '', heartbeat: ': waiting\n\n', encode };
}

/** The parts of a chunk with an empty text. The id and the model's name cannot hold the field. */
function textFrame(chunk: string): { before: string; after: string } {
  const at = chunk.lastIndexOf(EMPTY_CONTENT) + EMPTY_CONTENT.length;
  return { before: chunk.slice(0, at - 2), after: chunk.slice(at) };
}

const EMPTY_CONTENT = '{"content":""';

/** OpenAI's names of native fields, for the fields that providers report or reject. */
const OPENAI_NAMES: Readonly<Record<string, string>> = {
  'messages.images': 'messages.content.image_url',
  'messages.image_detail': 'messages.content.image_url.detail',
  'messages.thinking': 'messages.reasoning_content',
  'format_details.description': 'response_format.json_schema.description',
};

/** OpenAI's name of a native field. */
export function openAiFieldName(field: string): string {
  return OPENAI_NAMES[field] ?? field;
}

/** An error body in OpenAI's format. */
export function openAiError(body: ErrorBody, status: number) {
  const [first] = body.details ?? [];
  return {
    error: {
      message: body.error,
      type: status === 401 ? 'authentication_error' : status === 429 ? 'rate_limit_error' : errorType(status),
      param: first === undefined ? null : openAiFieldName(first.field),
      code: body.code,
    },
  };
}

export function openAiModel(model: ModelInfo) {
  // No provider reports the creation time; like other servers, the epoch stands for unknown.
  return { id: model.id, object: 'model', created: 0, owned_by: model.provider };
}

function errorType(status: number): string {
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** A client needs an id to return a result; if the provider sends none, the position is used. */
function toToolCall(call: ToolCall, request: RequestView, at: number) {
  return {
    id: call.id ?? `call_${request.generationId}_${at}`,
    type: 'function',
    function: { name: call.function.name, arguments: writeArguments(call.function.arguments) },
  };
}

/** Arguments that are not a JSON object stay as the model wrote them. */
function writeArguments(given: ToolArguments): string {
  return typeof given === 'string' ? given : JSON.stringify(given);
}

/** OpenAI's clients expect every field. */
function toLogprobs(logprobs: readonly TokenLogprob[] | undefined) {
  if (logprobs === undefined) return null;
  return {
    content: logprobs.map(({ token, logprob, bytes, top_logprobs: others }) => ({
      token,
      logprob,
      bytes: bytes ?? null,
      top_logprobs: (others ?? []).map((other) => ({ ...other, bytes: other.bytes ?? null })),
    })),
    refusal: null,
  };
}

function finishReason(doneReason: string, hasToolCalls: boolean): string {
  if (hasToolCalls && doneReason !== 'length') return 'tool_calls';
  return doneReason === 'length' || doneReason === 'content_filter' ? doneReason : 'stop';
}

function toUsage({ prompt_tokens, completion_tokens, prompt_truncated }: TokenUsage) {
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    ...(prompt_truncated === true ? { prompt_truncated } : {}),
  };
}

function completionId(request: RequestView): string {
  return `chatcmpl-${request.id}`;
}

function createdSeconds(request: RequestView): number {
  return Math.floor(request.createdAt / 1000);
}

function sse(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
