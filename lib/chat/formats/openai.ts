import { commentedEncoder, QueueComments } from '#lib/chat/formats/queue-comment';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import { type TextFrame, textFrame } from '#lib/chat/formats/text-frame';
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

/** One of the choices of a completion. */
interface OpenAiChoice {
  readonly request: RequestView;
  readonly response: CompletedResponse;
}

/** The `chat.completion` of a completed request. */
export function openAiCompletion(request: RequestView, response: CompletedResponse) {
  return openAiCompletionOf(request, [{ request, response }]);
}

/** The `chat.completion` with several choices, of which `first` is the first. */
export function openAiCompletionOf(first: RequestView, choices: readonly OpenAiChoice[]) {
  return {
    id: completionId(first),
    object: 'chat.completion',
    created: createdSeconds(first),
    model: first.model,
    choices: choices.map(toChoice),
    usage: toUsage(usageOfChoices(choices.map(({ response }) => response.usage))),
  };
}

function toChoice({ request, response }: OpenAiChoice, index: number) {
  const { content, thinking, tool_calls: toolCalls } = response;
  return {
    index,
    message: {
      role: 'assistant',
      content: content === '' && toolCalls.length > 0 ? null : content,
      refusal: null,
      ...(thinking === '' ? {} : { reasoning_content: thinking }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map((call, at) => toToolCall(call, request, at)) }),
    },
    logprobs: toLogprobs(response.logprobs),
    finish_reason: finishReason(response.done_reason, toolCalls.length > 0),
  };
}

/** As OpenAI counts them: the prompt once, and the tokens of all choices. */
export function usageOfChoices(usages: readonly TokenUsage[]): TokenUsage {
  return {
    prompt_tokens: Math.max(...usages.map(({ prompt_tokens }) => prompt_tokens)),
    completion_tokens: usages.reduce((sum, { completion_tokens }) => sum + completion_tokens, 0),
    ...(usages.some(({ prompt_truncated }) => prompt_truncated === true) ? { prompt_truncated: true } : {}),
  };
}

/** A choice of a stream with several. */
export interface StreamedChoice {
  readonly index: number;
  /** The first choice's, whose id and time all chunks have. */
  readonly first: RequestView;
}

/** The last events of a stream with several choices. */
export function openAiStreamEnd(first: RequestView, usages: readonly TokenUsage[], includeUsage: boolean): string {
  const usage = () =>
    sse({
      id: completionId(first),
      object: 'chat.completion.chunk',
      created: createdSeconds(first),
      model: first.model,
      choices: [],
      usage: toUsage(usageOfChoices(usages)),
    });
  return (includeUsage ? usage() : '') + END_OF_STREAM;
}

/** The end of a stream. */
export const END_OF_STREAM = 'data: [DONE]\n\n';

/**
 * The stream of `chat.completion.chunk`s. While a request waits, comments say its place in the
 * queue. That of one of several choices has no end; `openAiStreamEnd` is the end of all.
 */
export function openAiStreamEncoder(
  request: RequestView,
  includeUsage: boolean,
  choice?: StreamedChoice,
): StreamEncoder {
  const { index, first: whole } = choice ?? { index: 0, first: request };
  const comments = new QueueComments();
  let toolCalls = 0;
  let hasBegun = false;
  const chunk = (choices: object[], usage?: object) =>
    sse({
      id: completionId(whole),
      object: 'chat.completion.chunk',
      created: createdSeconds(whole),
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
  let frame: TextFrame | undefined;
  const text = (name: 'content' | 'reasoning_content', value: string) => {
    if (!hasBegun || pendingLogprobs !== undefined || name !== 'content') return delta({ [name]: value });
    frame ??= textFrame(delta({ content: '' }), EMPTY_CONTENT);
    return frame.before + JSON.stringify(value) + frame.after;
  };
  const delta = (fields: object) => {
    const first = hasBegun ? {} : { role: 'assistant', content: '' };
    hasBegun = true;
    return chunk([{ index, delta: { ...first, ...fields }, logprobs: takeLogprobs(), finish_reason: null }]);
  };
  const encode = (event: GenerationEvent): string => {
    switch (event.type) {
      case 'status':
        return comments.next(event);
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
          chunk([{ index, delta: {}, logprobs: takeLogprobs(), finish_reason }]) +
          (choice === undefined ? (includeUsage ? chunk([], toUsage(event.usage)) : '') + END_OF_STREAM : '')
        );
      }
    }
  };
  return commentedEncoder(comments, encode);
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

export function toUsage({ prompt_tokens, completion_tokens, prompt_truncated }: TokenUsage) {
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

export function createdSeconds(request: RequestView): number {
  return Math.floor(request.createdAt / 1000);
}

export function sse(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
