import { z } from 'zod';
import {
  ANY_LENGTH,
  lenientContent,
  lenientList,
  lenientMilliseconds,
  lenientObject,
  lenientText,
  lenientTokenCount,
  lenientWord,
  MAX_TOKEN_COUNT,
  MAX_WORD_CHARACTERS,
  strictList,
  textOrNumber,
} from '#lib/models/lenient-schemas';
import { carriesError } from '#lib/models/model-server-errors';
import { isFilteredSchema } from '#lib/models/openai/content-filter';
import { toFinishReason } from '#lib/models/openai/finish-reason';
import { type InfillEvent, readInfillEvent } from '#lib/models/openai/infill';
import { fromLegacyLogprobs, LEGACY_LOGPROBS_SHAPE } from '#lib/models/openai/legacy-logprobs';
import { parseJson } from '#lib/models/parse-json';
import type { Durations, TextEvent } from '#lib/models/provider';
import { type ToolCallChunk, toolCallChunkSchema } from '#lib/models/tool-call-assembler';
import { type TokenLogprob, type TokenUsage, tokenLogprobSchema } from '#lib/wire/chat';

/** What one server-sent event adds to the response. */
export type OpenAiEvent =
  /** A piece of the response's text, with nothing else: most events are one. */
  | { type: 'text'; text: string }
  | {
      type: 'part';
      texts: readonly TextEvent[];
      tool_calls: readonly ToolCallChunk[];
      logprobs?: TokenLogprob[];
      finish_reason?: string | undefined;
      stop_sequence?: string | undefined;
      usage?: Partial<TokenUsage> | undefined;
      durations?: Durations | undefined;
    }
  /** `[DONE]`: the response is complete. */
  | { type: 'done' }
  | { type: 'error'; body: unknown }
  /** Data of an event that is not JSON. */
  | { type: 'invalid'; data: string };

/** Whether a JSON body is a response. */
export function isResponse(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'choices' in json && Array.isArray(json.choices);
}

/** Undefined if the event adds nothing to the response. */
export function readEvent(json: unknown, isError = false): OpenAiEvent | undefined {
  if (isError || carriesError(json)) return { type: 'error', body: json };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const text = plainText(json);
  if (text !== undefined) return textEvent(text);
  const end = plainEnd(json);
  if (end !== undefined) return end;
  return readBySchema(json);
}

/** Any event, by its schema. */
export function readBySchema(json: object): OpenAiEvent {
  const infill = readInfillEvent(json);
  if (infill !== undefined) return infillPart(json, infill);
  const { choices, usage, timings } = openAiEventSchema.parse(json);
  // The request asks for one choice. Others are ignored.
  const choice = choices.find(({ index }) => (index ?? 0) === 0);
  const message = choice?.delta ?? choice?.message ?? undefined;
  const isFiltered = choice?.content_filter_results === true;
  const given = isFiltered ? 'content_filter' : choice?.finish_reason;
  const reason = given ? toFinishReason(given) : undefined;
  if (reason === 'error') return { type: 'error', body: json };
  return {
    type: 'part',
    texts: message === undefined ? textOf(choice) : textsOf(message),
    tool_calls: message === undefined ? [] : callsOf(message),
    ...logprobsOf(choice),
    finish_reason: reason,
    stop_sequence: reason === 'stop' ? (choice?.stop_reason ?? choice?.matched_stop) : undefined,
    usage: usageOf(usage, timings),
    durations: durationsOf(timings),
  };
}

function infillPart(json: object, { text, logprobs, finish_reason, usage }: InfillEvent): OpenAiEvent {
  return {
    type: 'part',
    texts: text ? [{ type: 'content', text }] : [],
    tool_calls: [],
    ...(logprobs.length === 0 ? {} : { logprobs }),
    finish_reason,
    usage,
    durations: durationsOf(openAiEventSchema.parse(json).timings),
  };
}

/** The text of OpenAI's older completions, which have no messages. */
function textOf(choice: ParsedEvent['choices'][number] | undefined): TextEvent[] {
  return choice?.text ? [{ type: 'content', text: choice.text }] : [];
}

function logprobsOf(choice: ParsedEvent['choices'][number] | undefined): { logprobs?: TokenLogprob[] } {
  const logprobs = choice?.logprobs;
  if (!logprobs) return {};
  const tokens = logprobs.content ?? fromLegacyLogprobs(logprobs);
  return tokens.length === 0 ? {} : { logprobs: tokens };
}

export function textEvent(text: string): OpenAiEvent | undefined {
  return text === '' ? undefined : { type: 'text', text };
}

/** The text of an event with nothing else, by a full parse; undefined for any other event. */
export function textOfJson(data: string): string | undefined {
  const json = parseJson(data);
  const event = json === undefined ? undefined : readEvent(json);
  return event?.type === 'text' ? event.text : undefined;
}

/**
 * Fast path: the text of an event with nothing else, as most have. Undefined for any other event,
 * which the schema parses at a higher cost.
 */
function plainText(json: { choices?: unknown; usage?: unknown; timings?: unknown }): string | undefined {
  const { choices, usage, timings } = json;
  if (!Array.isArray(choices) || choices.length !== 1 || isPresent(usage) || isPresent(timings)) return undefined;
  const { index, delta, message, text, finish_reason: reason, logprobs } = fieldsOf(choices[0]);
  if (isPresent(index) && index !== 0) return undefined;
  if (delta === undefined && typeof text === 'string' && !isPresent(message))
    return isPresent(reason) || isPresent(logprobs) ? undefined : text;
  const { content, reasoning_content, reasoning, reasoning_details, refusal, tool_calls, function_call } =
    fieldsOf(delta);
  const hasMore =
    isPresent(reason) ||
    isPresent(logprobs) ||
    isPresent(reasoning_content) ||
    isPresent(reasoning) ||
    isPresent(reasoning_details) ||
    isPresent(refusal) ||
    isPresent(tool_calls) ||
    isPresent(function_call);
  return typeof content === 'string' && content !== '' && !hasMore ? content : undefined;
}

/**
 * Fast path: one of the two events that end most responses, a reason or the counts of tokens, with
 * nothing else. Undefined for any other event.
 */
function plainEnd(json: { choices?: unknown; usage?: unknown; timings?: unknown }): OpenAiEvent | undefined {
  const { choices, usage, timings } = json;
  if (!Array.isArray(choices) || choices.length > 1 || isPresent(timings)) return undefined;
  if (choices.length === 0) {
    const { prompt_tokens: prompt, completion_tokens: completion } = fieldsOf(usage);
    if (!isTokenCount(prompt) || !isTokenCount(completion)) return undefined;
    return { ...EMPTY_PART, usage: { prompt_tokens: prompt, completion_tokens: completion } };
  }
  if (isPresent(usage)) return undefined;
  const { index, delta, message, text, finish_reason: given, ...more } = fieldsOf(choices[0]);
  const isOdd = (isPresent(index) && index !== 0) || isPresent(message) || isPresent(text);
  if (isOdd || typeof given !== 'string' || given === '' || given.length > MAX_WORD_CHARACTERS) return undefined;
  if (typeof delta !== 'object' || delta === null || Array.isArray(delta)) return undefined;
  const { role: _, ...parts } = fieldsOf(delta);
  for (const name in parts) if (isPresent(parts[name]) && parts[name] !== '') return undefined;
  for (const name in more) if (isPresent(more[name])) return undefined;
  const reason = toFinishReason(given);
  return reason === 'error' ? undefined : { ...EMPTY_PART, finish_reason: reason };
}

const EMPTY_PART = {
  type: 'part',
  texts: [],
  tool_calls: [],
  finish_reason: undefined,
  stop_sequence: undefined,
  usage: undefined,
  durations: undefined,
} as const satisfies OpenAiEvent;

function isTokenCount(value: unknown): value is number {
  return Number.isInteger(value) && typeof value === 'number' && value >= 0 && value <= MAX_TOKEN_COUNT;
}

const NO_FIELDS: Record<string, unknown> = {};

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : NO_FIELDS;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function textsOf(message: z.infer<typeof messageSchema>): TextEvent[] {
  const { reasoning_content, reasoning, reasoning_details, content, refusal } = message;
  const texts: TextEvent[] = [];
  const add = (type: TextEvent['type'], text: string | undefined) => {
    if (text) texts.push({ type, text });
  };
  add('thinking', reasoning_content || reasoning || reasoning_details.join(''));
  if (typeof content === 'string') add('content', content);
  else for (const part of content ?? []) add(part.type, part.text);
  // A refusal is the response's text if there is no other.
  if (refusal && !content?.length) add('content', refusal);
  return texts;
}

/** A call in the form that tools replaced comes after those of the new form, and has no id. */
function callsOf({ tool_calls, function_call }: z.infer<typeof messageSchema>): ToolCallChunk[] {
  return function_call === undefined ? tool_calls : [...tool_calls, { function: function_call }];
}

function usageOf(usage: ParsedEvent['usage'], timings: ParsedEvent['timings']): Partial<TokenUsage> | undefined {
  if (usage === undefined && timings === undefined) return undefined;
  const prompt = usage?.prompt_tokens ?? timings?.prompt_n;
  const completion = usage?.completion_tokens ?? timings?.predicted_n;
  return {
    ...(prompt === undefined ? {} : { prompt_tokens: prompt }),
    ...(completion === undefined ? {} : { completion_tokens: completion }),
  };
}

const NS_PER_MS = 1e6;

/** llama.cpp reports the same durations as Ollama. */
function durationsOf(timings: ParsedEvent['timings']): Durations | undefined {
  if (timings?.prompt_ms === undefined || timings.predicted_ms === undefined) return undefined;
  return {
    prompt_eval_ns: Math.round(timings.prompt_ms * NS_PER_MS),
    eval_ns: Math.round(timings.predicted_ms * NS_PER_MS),
  };
}

/** A part of a text that Mistral sends as a list: text, or thinking with parts. */
const contentPartSchema = z.union([
  z.string().transform((text) => ({ type: 'content' as const, text })),
  z
    .object({
      type: z.enum(['thinking', 'reasoning']),
      thinking: z
        .union([z.string(), strictList(z.object({ text: lenientText }), ANY_LENGTH)])
        .optional()
        .catch(undefined),
      text: lenientText,
    })
    .transform(({ thinking, text }) => ({
      type: 'thinking' as const,
      text: typeof thinking === 'string' ? thinking : (thinking?.map((part) => part.text ?? '').join('') ?? text ?? ''),
    })),
  z.object({ text: z.string() }).transform(({ text }) => ({ type: 'content' as const, text })),
]);

const messageSchema = z.object({
  /** References, images and the like are dropped. */
  content: z
    .union([textOrNumber, strictList(contentPartSchema, ANY_LENGTH), contentPartSchema.transform((part) => [part])])
    .optional()
    .catch(undefined),
  reasoning_content: lenientText,
  reasoning: lenientText,
  /** OpenRouter, and MiniMax, which sends only these. Encrypted ones have no text. */
  reasoning_details: lenientList(
    z.object({ text: lenientText, summary: lenientText }).transform(({ text, summary }) => text ?? summary ?? ''),
    ANY_LENGTH,
  ),
  refusal: lenientText,
  tool_calls: lenientList(toolCallChunkSchema, ANY_LENGTH),
  function_call: lenientObject({ name: lenientText, arguments: z.unknown().optional() }),
});

const choiceSchema = z.object({
  index: z.int().nonnegative().optional().catch(undefined),
  content_filter_results: isFilteredSchema,
  delta: messageSchema.nullish().catch(null),
  /** In a JSON body. */
  message: messageSchema.nullish().catch(null),
  /** Of OpenAI's older completions. */
  text: lenientContent,
  finish_reason: lenientWord,
  /** vLLM's and SGLang's name of the stop sequence. A number is the id of a token. */
  stop_reason: lenientText,
  matched_stop: lenientText,
  // One odd value must not fail the response.
  logprobs: z
    .object({ content: z.array(tokenLogprobSchema).nullish(), ...LEGACY_LOGPROBS_SHAPE })
    .nullish()
    .catch(null),
});

const openAiEventSchema = z.object({
  choices: lenientList(choiceSchema),
  usage: lenientObject({ prompt_tokens: lenientTokenCount, completion_tokens: lenientTokenCount }),
  timings: lenientObject({
    prompt_n: lenientTokenCount,
    prompt_ms: lenientMilliseconds,
    predicted_n: lenientTokenCount,
    predicted_ms: lenientMilliseconds,
  }),
});
type ParsedEvent = z.infer<typeof openAiEventSchema>;
