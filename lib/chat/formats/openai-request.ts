import { AppError } from '#lib/errors';
import {
  type ChatRequest,
  type FormatDetails,
  imageSchema,
  type Message,
  type ModelOptions,
  type ToolCall,
} from '#lib/wire/chat';
import type { ErrorDetail } from '#lib/wire/error';
import type { OpenAiMessage, OpenAiRequest } from '#lib/wire/openai-request';
import { PASSTHROUGH_FIELDS, type Passthrough, type PassthroughField } from '#lib/wire/passthrough';

/**
 * OpenAI's chat completions: their requests as native ones.
 * https://platform.openai.com/docs/api-reference/chat
 */

/** A native request without the fields of `refusedFields`. */
export function fromOpenAi(input: OpenAiRequest): ChatRequest {
  requireLogprobs(input);
  const toolNames = new Map<string, string>();
  const { response_format: format } = input;
  return {
    messages: input.messages.map((message, index) => fromMessage(message, index, toolNames)),
    model: input.model,
    stream: input.stream ?? false,
    use_cache: true,
    cache: input.cache,
    drop_params: input.drop_params,
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

/** The fields of a request that no model server supports. */
export function refusedFields(input: OpenAiRequest): readonly ErrorDetail[] {
  const details: ErrorDetail[] = [];
  const { n = 1, best_of: bestOf = n } = input;
  if (bestOf !== n) details.push({ field: 'best_of', message: 'must be the same as n: all choices are returned' });
  for (const [field, message] of Object.entries(REFUSED))
    if (isMeaningful(input[field as keyof typeof REFUSED])) details.push({ field, message });
  for (const [index, { audio, content, function_call: call }] of input.messages.entries()) {
    for (const [place, part] of (Array.isArray(content) ? content : []).entries())
      if (!isSupportedPart(part))
        details.push({ field: `messages.${index}.content.${place}.type`, message: `${part.type} cannot be passed on` });
    if (isMeaningful(audio)) details.push({ field: `messages.${index}.audio`, message: REFUSED.audio });
    if (isMeaningful(call)) details.push({ field: `messages.${index}.function_call`, message: 'use tool_calls' });
  }
  return details;
}

function requireLogprobs(input: OpenAiRequest): void {
  if (input.top_logprobs !== undefined && input.top_logprobs > 0 && input.logprobs !== true)
    throw new AppError('invalid_request', 'top_logprobs needs logprobs: true.', {
      details: [{ field: 'top_logprobs', message: 'needs logprobs: true' }],
    });
}

/** Whether a value has an effect: an empty list or object has none. */
export function isMeaningful(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** Passed-on fields whose empty value has an effect: a search, any JSON, no samplers. */
const MEANINGFUL_IF_EMPTY: ReadonlySet<PassthroughField> = new Set(['guided_json', 'samplers', 'web_search_options']);

export function passthroughOf(input: Pick<OpenAiRequest, PassthroughField>): Passthrough | undefined {
  const entries = PASSTHROUGH_FIELDS.flatMap((field) => {
    const value = input[field];
    const isPassed = MEANINGFUL_IF_EMPTY.has(field) ? value !== undefined && value !== null : isMeaningful(value);
    return isPassed ? [[field, value] as const] : [];
  });
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Passthrough);
}

/** Undefined without details, so that the request equals one from another API. */
export function formatDetailsOf({ name, description, strict }: FormatDetails): FormatDetails | undefined {
  if (name === undefined && description === undefined && strict === undefined) return undefined;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict }),
  };
}

function fromMessage(message: OpenAiMessage, index: number, toolNames: Map<string, string>): Message {
  const { role, content, refusal, name, reasoning_content: thinking, tool_call_id: toolCallId } = message;
  const parts = typeof content === 'string' ? [textPart(content)] : (content ?? []).filter(isSupportedPart);
  const images = parts.flatMap((part) =>
    part.type === 'image_url'
      ? [{ data: fromDataUrl(part.image_url.url, `messages.${index}.content`), detail: part.image_url.detail }]
      : [],
  );
  const texts = parts.flatMap((part) =>
    part.type === 'text' ? [part.text] : part.type === 'refusal' ? [part.refusal] : [],
  );
  if (texts.length === 0 && refusal !== undefined) texts.push(refusal);
  const calls = message.tool_calls ?? [];
  for (const call of calls) if (call.id !== undefined) toolNames.set(call.id, call.function.name);
  const toolName = toolCallId === undefined ? undefined : toolNames.get(toolCallId);
  const detail = sameDetail(images, `messages.${index}.content.image_url.detail`);
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

/** `field` is the name for the error where the images of one message differ. */
export function sameDetail(
  images: readonly { detail: Message['image_detail'] }[],
  field: string,
): Message['image_detail'] {
  const details = new Set(images.map(({ detail }) => detail));
  if (details.size > 1)
    throw AppError.unsupportedParameters([{ field, message: 'must be the same for all images of a message' }]);
  const [detail] = details;
  return detail;
}

/** The base64 of an image. `field` is the name for its errors. */
export function fromDataUrl(url: string, field: string): string {
  const refuse = (code: 'unsupported_value' | 'invalid_request', message: string) =>
    new AppError(code, `The image ${message}.`, { details: [{ field, message }] });
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
function sameUnderBothNames<A extends keyof SamplingInput, B extends keyof SamplingInput>(
  input: SamplingInput,
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

/** The fields that become options of the model. */
type SamplingInput = Pick<
  OpenAiRequest,
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'min_p'
  | 'repetition_penalty'
  | 'repeat_penalty'
  | 'frequency_penalty'
  | 'presence_penalty'
  | 'seed'
  | 'stop'
  | 'max_completion_tokens'
  | 'max_tokens'
>;

export function fromSampling(input: SamplingInput): ModelOptions {
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

export function fromResponseFormat(format: OpenAiRequest['response_format']): ChatRequest['format'] {
  if (format === undefined || format.type === 'text') return undefined;
  return format.type === 'json_object' ? 'json' : (format.json_schema.schema ?? 'json');
}
