import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { AppError } from '#lib/errors';
import {
  type ChatRequest,
  type FormatDetails,
  imageSchema,
  type Message,
  type ModelOptions,
  type TokenLogprob,
  type TokenUsage,
  type ToolArguments,
  type ToolCall,
} from '#lib/wire/chat';
import type { ErrorBody, ErrorDetail } from '#lib/wire/error';
import type { ModelInfo } from '#lib/wire/models';
import type { OpenAiMessage, OpenAiRequest } from '#lib/wire/openai-request';
import { PASSTHROUGH_FIELDS, type Passthrough } from '#lib/wire/passthrough';

/**
 * OpenAI's chat completions: their request as a native one, responses in their format.
 * https://platform.openai.com/docs/api-reference/chat
 */

/** Throws `unsupported_parameter` with the fields that no provider supports. */
export function fromOpenAi(input: OpenAiRequest): ChatRequest {
  refuseUnsupported(input);
  const toolNames = new Map<string, string>();
  const { response_format: format } = input;
  return {
    messages: input.messages.map((message, index) => fromMessage(message, index, toolNames)),
    model: input.model,
    stream: input.stream ?? false,
    use_cache: true,
    priority: 0,
    options: fromSampling(input),
    format: fromResponseFormat(format),
    format_details: format?.type === 'json_schema' ? formatDetailsOf(format.json_schema) : undefined,
    tools: input.tools,
    tool_choice: input.tool_choice,
    parallel_tool_calls: input.parallel_tool_calls,
    logprobs: input.logprobs,
    top_logprobs: input.top_logprobs,
    keep_alive: input.keep_alive,
    passthrough: passthroughOf(input),
  };
}

/** Known fields that no provider supports. */
const REFUSED = {
  audio: 'audio is not produced here',
  function_call: 'use tool_choice',
  functions: 'use tools',
  moderation: 'its results could not be returned',
} as const satisfies Partial<Record<keyof OpenAiRequest, string>>;

function refuseUnsupported(input: OpenAiRequest): void {
  const details: ErrorDetail[] = [];
  if (input.n !== undefined && input.n !== 1)
    details.push({ field: 'n', message: 'must be 1: one answer is given to one request' });
  for (const [field, message] of Object.entries(REFUSED))
    if (isMeaningful(input[field as keyof typeof REFUSED])) details.push({ field, message });
  for (const [index, { audio, content, function_call: call }] of input.messages.entries()) {
    for (const [place, part] of (Array.isArray(content) ? content : []).entries())
      if (!isSupportedPart(part))
        details.push({ field: `messages.${index}.content.${place}.type`, message: `${part.type} cannot be passed on` });
    if (isMeaningful(audio)) details.push({ field: `messages.${index}.audio`, message: REFUSED.audio });
    if (isMeaningful(call)) details.push({ field: `messages.${index}.function_call`, message: 'use tool_calls' });
  }
  if (input.top_logprobs !== undefined && input.top_logprobs > 0 && input.logprobs !== true)
    throw new AppError('invalid_request', 'top_logprobs needs logprobs: true.', {
      details: [{ field: 'top_logprobs', message: 'needs logprobs: true' }],
    });
  if (details.length > 0) throw AppError.unsupportedParameters(details);
}

/** Whether a value has an effect: an empty list or object has none. */
function isMeaningful(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function passthroughOf(input: OpenAiRequest): Passthrough | undefined {
  const entries = PASSTHROUGH_FIELDS.flatMap((field) =>
    isMeaningful(input[field]) ? [[field, input[field]] as const] : [],
  );
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Passthrough);
}

/** Undefined without details, so that the request equals one from another API. */
function formatDetailsOf({ name, description, strict }: FormatDetails): FormatDetails | undefined {
  if (name === undefined && description === undefined && strict === undefined) return undefined;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict }),
  };
}

/** The `chat.completion` of a completed request. */
export function openAiCompletion(request: PendingRequest, response: CompletedResponse) {
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
export function openAiStreamEncoder(request: PendingRequest, includeUsage: boolean): StreamEncoder {
  let toolCalls = 0;
  let hasBegun = false;
  const chunk = (choices: object[], usage?: object) =>
    sse({
      id: completionId(request),
      object: 'chat.completion.chunk',
      created: createdSeconds(request),
      model: request.generation.model,
      choices,
      ...(usage === undefined ? (includeUsage ? { usage: null } : {}) : { usage }),
    });
  let pendingLogprobs: TokenLogprob[] | undefined;
  const takeLogprobs = () => {
    const logprobs = toLogprobs(pendingLogprobs);
    pendingLogprobs = undefined;
    return logprobs;
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
        return delta({ content: event.text });
      case 'thinking':
        return delta({ reasoning_content: event.text });
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

function fromMessage(message: OpenAiMessage, index: number, toolNames: Map<string, string>): Message {
  const { role, content, refusal, name, reasoning_content: thinking, tool_call_id: toolCallId } = message;
  const parts = typeof content === 'string' ? [textPart(content)] : (content ?? []).filter(isSupportedPart);
  const images = parts.flatMap((part) =>
    part.type === 'image_url' ? [{ data: fromDataUrl(part.image_url.url, index), detail: part.image_url.detail }] : [],
  );
  const texts = parts.flatMap((part) =>
    part.type === 'text' ? [part.text] : part.type === 'refusal' ? [part.refusal] : [],
  );
  if (texts.length === 0 && refusal !== undefined) texts.push(refusal);
  const calls = message.tool_calls ?? [];
  for (const call of calls) if (call.id !== undefined) toolNames.set(call.id, call.function.name);
  const toolName = toolCallId === undefined ? undefined : toolNames.get(toolCallId);
  const detail = sameDetail(images, index);
  return {
    role: role === 'developer' ? 'system' : role,
    content: texts.join('\n'),
    ...(images.length === 0 ? {} : { images: images.map(({ data }) => data) }),
    ...(detail === undefined ? {} : { image_detail: detail }),
    ...(thinking === undefined || role !== 'assistant' ? {} : { thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(fromToolCall) }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolName === undefined ? {} : { tool_name: toolName }),
    ...(name === undefined ? {} : { name }),
  };
}

type OpenAiContentPart = Exclude<NonNullable<OpenAiMessage['content']>, string>[number];
type SupportedContentPart = Extract<OpenAiContentPart, { text: string } | { refusal: string } | { image_url: object }>;

function isSupportedPart(part: OpenAiContentPart): part is SupportedContentPart {
  return part.type === 'text' || part.type === 'image_url' || part.type === 'refusal';
}

function textPart(text: string): SupportedContentPart {
  return { type: 'text', text };
}

function sameDetail(images: readonly { detail: Message['image_detail'] }[], index: number): Message['image_detail'] {
  const details = new Set(images.map(({ detail }) => detail));
  if (details.size > 1)
    throw AppError.unsupportedParameters([
      { field: `messages.${index}.content.image_url.detail`, message: 'must be the same for all images of a message' },
    ]);
  const [detail] = details;
  return detail;
}

function fromDataUrl(url: string, index: number): string {
  const refuse = (code: 'unsupported_value' | 'invalid_request', message: string) =>
    new AppError(code, `The image ${message}.`, { details: [{ field: `messages.${index}.content`, message }] });
  const comma = url.indexOf(',');
  if (!/^data:image\/[\w.+-]+(?:;[\w-]+=[^;,]*)*;base64$/i.test(url.slice(0, comma === -1 ? 0 : comma)))
    throw refuse(
      'unsupported_value',
      'must be a data URL (data:image/png;base64,…): images are not fetched from elsewhere',
    );
  const data = imageSchema.safeParse(url.slice(comma + 1));
  if (data.success && data.data !== '') return data.data;
  throw refuse('invalid_request', 'is a data URL whose base64 is not valid: it was cut short or changed on its way');
}

function fromToolCall({ id, function: { name, arguments: given } }: OpenAiToolCall): ToolCall {
  return { ...(id === undefined ? {} : { id }), function: { name, arguments: given } };
}

type OpenAiToolCall = NonNullable<OpenAiMessage['tool_calls']>[number];

/** A field with two names. Throws `invalid_request` if both are present and differ. */
function sameUnderBothNames<A extends keyof OpenAiRequest, B extends keyof OpenAiRequest>(
  input: OpenAiRequest,
  a: A,
  b: B,
) {
  const [first, second] = [input[a], input[b]];
  if (first !== undefined && second !== undefined && first !== second) {
    const message = `must be the same as ${b} where both are given`;
    throw new AppError('invalid_request', `${a} ${message}.`, { details: [{ field: a, message }] });
  }
  return first ?? second;
}

function fromSampling(input: OpenAiRequest): ModelOptions {
  const stop = typeof input.stop === 'string' ? [input.stop] : input.stop;
  const named = {
    temperature: input.temperature,
    top_p: input.top_p,
    top_k: input.top_k,
    min_p: input.min_p,
    repeat_penalty: sameUnderBothNames(input, 'repetition_penalty', 'repeat_penalty'),
    frequency_penalty: input.frequency_penalty,
    presence_penalty: input.presence_penalty,
    seed: input.seed,
    stop: stop?.length === 0 ? undefined : stop,
    num_predict: sameUnderBothNames(input, 'max_completion_tokens', 'max_tokens'),
  };
  const options: ModelOptions = {};
  for (const [name, value] of Object.entries(named)) if (value !== undefined) options[name] = value;
  return options;
}

function fromResponseFormat(format: OpenAiRequest['response_format']): ChatRequest['format'] {
  if (format === undefined || format.type === 'text') return undefined;
  return format.type === 'json_object' ? 'json' : (format.json_schema.schema ?? 'json');
}

/** A client needs an id to return a result; if the provider sends none, the position is used. */
function toToolCall(call: ToolCall, request: PendingRequest, at: number) {
  return {
    id: call.id ?? `call_${request.generation.id}_${at}`,
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

function toUsage({ prompt_tokens, completion_tokens }: TokenUsage) {
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function completionId(request: PendingRequest): string {
  return `chatcmpl-${request.id}`;
}

function createdSeconds(request: PendingRequest): number {
  return Math.floor(request.createdAt / 1000);
}

function sse(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
