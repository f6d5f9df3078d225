import { openAiError } from '#lib/chat/formats/openai';
import { customToolInput, type ResponsesToolNames } from '#lib/chat/formats/responses-tools';
import { type CompletedResponse, responseEvents } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import type { AppError } from '#lib/errors';
import type { TokenLogprob, TokenUsage, ToolCall } from '#lib/wire/chat';
import type { ErrorBody } from '#lib/wire/error';
import type {
  ResponsesFailure,
  ResponsesLogprob,
  ResponsesOutputItem,
  ResponsesOutputText,
  ResponsesStatus,
  ResponsesUsage,
} from '#lib/wire/responses-response';

/**
 * OpenAI's Responses: responses in their format.
 * https://platform.openai.com/docs/api-reference/responses/object
 */

/** A response as far as it has come. */
export interface ResponsesState {
  readonly status: ResponsesStatus;
  readonly output: readonly ResponsesOutputItem[];
  readonly error: ResponsesFailure | null;
  readonly incomplete_details: { readonly reason: 'max_output_tokens' | 'content_filter' } | null;
  /** Seconds since the epoch. */
  readonly completed_at: number | null;
  readonly usage: ResponsesUsage | null;
}

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

type NamedRequest = Pick<RequestView, 'id' | 'createdAt' | 'model'>;

/** The `response` object. `parameters` is what it repeats of its request. */
export function responseObject(request: NamedRequest, parameters: object, state: ResponsesState): object {
  return { ...headOf(request, state), ...parameters, ...tailOf(state) };
}

/** The JSON of the same, for the JSON of the parameters. */
export function responseJson(request: NamedRequest, parameters: string, state: ResponsesState): string {
  const head = JSON.stringify(headOf(request, state));
  return `${head.slice(0, -1)},${parameters.slice(1, -1)},${JSON.stringify(tailOf(state)).slice(1)}`;
}

function headOf({ id, createdAt, model }: NamedRequest, state: ResponsesState) {
  const { status, completed_at, error, incomplete_details } = state;
  const created_at = Math.floor(createdAt / 1000);
  return {
    id: responseId(id),
    object: 'response',
    created_at,
    status,
    completed_at,
    error,
    incomplete_details,
    model,
  };
}

function tailOf({ output, usage }: ResponsesState) {
  return { output, usage, access_programs: null };
}

/** The state of a response that is not finished. */
export function unfinishedState(status: 'queued' | 'in_progress'): ResponsesState {
  return { status, output: [], error: null, incomplete_details: null, completed_at: null, usage: null };
}

/** The state of a complete response. */
export function completedState(
  request: RequestView,
  response: CompletedResponse,
  names: ResponsesToolNames,
): ResponsesState {
  return endedState(request, responseEvents(response), names);
}

/** The state after `events`, of which the last is the end of the response. */
export function endedState(
  request: RequestView,
  events: Iterable<GenerationEvent>,
  names: ResponsesToolNames,
): ResponsesState {
  const output = new OutputItems(request, names);
  let last: GenerationEvent | undefined;
  for (const event of events) {
    output.add(event);
    last = event;
  }
  return finalState(request, output.end(isWhole(last)), last);
}

/** The state with these items, after the last event of the response. */
export function finalState(
  request: RequestView,
  output: readonly ResponsesOutputItem[],
  last: GenerationEvent | undefined,
): ResponsesState {
  const completed_at = Math.floor((request.createdAt + request.timings().total_ms) / 1000);
  if (last?.type !== 'done') {
    const error = last?.type === 'error' ? last.error : undefined;
    const status = error?.code === 'cancelled' ? 'cancelled' : 'failed';
    return { status, output, error: toFailure(error), incomplete_details: null, completed_at: null, usage: null };
  }
  const usage = toUsage(last.usage);
  if (isWhole(last)) return { status: 'completed', output, error: null, incomplete_details: null, completed_at, usage };
  const reason = last.done_reason === 'content_filter' ? 'content_filter' : 'max_output_tokens';
  return { status: 'incomplete', output, error: null, incomplete_details: { reason }, completed_at: null, usage };
}

/** Whether the model ended its response by itself. */
export function isWhole(last: GenerationEvent | undefined): boolean {
  return last?.type === 'done' && last.done_reason !== 'length' && last.done_reason !== 'content_filter';
}

/** Collects the items of a response from its events: adjacent texts of one kind are one item. */
class OutputItems {
  readonly #request: RequestView;
  readonly #names: ResponsesToolNames;
  readonly #items: ResponsesOutputItem[] = [];
  #open: { type: 'content' | 'thinking'; text: string; logprobs: TokenLogprob[] } | undefined;
  #logprobs: TokenLogprob[] = [];
  #calls = 0;

  constructor(request: RequestView, names: ResponsesToolNames) {
    this.#request = request;
    this.#names = names;
  }

  add(event: GenerationEvent): void {
    if (event.type === 'logprobs') this.#logprobs.push(...event.logprobs);
    else if (event.type === 'content' || event.type === 'thinking') {
      if (this.#open?.type !== event.type) {
        this.#close('completed');
        this.#open = { type: event.type, text: '', logprobs: [] };
      }
      this.#open.text += event.text;
      if (event.type === 'content') this.#takeLogprobs(this.#open.logprobs);
    } else if (event.type === 'tool_calls') {
      this.#close('completed');
      for (const call of event.tool_calls)
        this.#items.push(callItem(this.#request, this.#items.length, call, this.#calls++, this.#names, 'completed'));
    }
  }

  end(isWhole: boolean): ResponsesOutputItem[] {
    this.#close(isWhole ? 'completed' : 'incomplete');
    return this.#items;
  }

  #takeLogprobs(into: TokenLogprob[]): void {
    for (const logprob of this.#logprobs) into.push(logprob);
    this.#logprobs = [];
  }

  #close(status: ItemStatus): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    if (open.type === 'content') this.#takeLogprobs(open.logprobs);
    const index = this.#items.length;
    this.#items.push(
      open.type === 'content'
        ? messageItem(this.#request, index, [textPart(open.text, open.logprobs)], status)
        : reasoningItem(this.#request, index, open.text, status),
    );
  }
}

export function messageItem(
  { id }: RequestView,
  index: number,
  content: ResponsesOutputText[],
  status: ItemStatus,
): ResponsesOutputItem {
  return { id: itemId('msg', id, index), type: 'message', status, role: 'assistant', content };
}

/** Reasoning in full is its content, as open models' servers return it; a summary is not made. */
export function reasoningItem(
  { id }: RequestView,
  index: number,
  text: string | undefined,
  status: ItemStatus,
): ResponsesOutputItem {
  const content = text === undefined ? [] : [{ type: 'reasoning_text' as const, text }];
  return { id: itemId('rs', id, index), type: 'reasoning', status, summary: [], content };
}

/** `at` counts the calls of the response. An item in progress has no arguments yet. */
export function callItem(
  request: RequestView,
  index: number,
  call: ToolCall,
  at: number,
  names: ResponsesToolNames,
  status: 'in_progress' | 'completed',
): ResponsesOutputItem {
  const called = call.function.name;
  const { type, name, namespace } = names.get(called) ?? { type: 'function', name: called, namespace: undefined };
  const isBegun = status === 'completed';
  const given = call.function.arguments;
  // A client needs an id to return a result; if the provider sends none, the position is used.
  const call_id = call.id ?? `call_${request.generationId}_${at}`;
  const space = namespace === undefined ? {} : { namespace };
  if (type === 'custom') {
    const input = isBegun ? customToolInput(given) : '';
    return { id: itemId('ctc', request.id, index), type: 'custom_tool_call', status, call_id, name, ...space, input };
  }
  // Arguments that are not a JSON object stay as the model wrote them.
  const written = isBegun ? (typeof given === 'string' ? given : JSON.stringify(given)) : '';
  const id = itemId('fc', request.id, index);
  return { id, type: 'function_call', status, call_id, name, ...space, arguments: written };
}

export function textPart(text: string, logprobs: readonly TokenLogprob[]): ResponsesOutputText {
  return { type: 'output_text', annotations: [], logprobs: logprobs.map(toLogprob), text };
}

/** OpenAI's clients expect every field. */
export function toLogprob({ token, logprob, bytes, top_logprobs: others }: TokenLogprob): ResponsesLogprob {
  return {
    token,
    bytes: bytes ?? [...Buffer.from(token)],
    // Only the first token of an echoed prompt has none, and conversations are not echoed.
    logprob: logprob ?? 0,
    top_logprobs: (others ?? []).map((other) => ({ ...other, bytes: other.bytes ?? [...Buffer.from(other.token)] })),
  };
}

function toUsage({ prompt_tokens, completion_tokens, prompt_truncated }: TokenUsage): ResponsesUsage {
  return {
    input_tokens: prompt_tokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: completion_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: prompt_tokens + completion_tokens,
    ...(prompt_truncated === true ? { prompt_truncated } : {}),
  };
}

/** OpenAI's codes for the errors that its clients act on. */
function toFailure(error: AppError | undefined): ResponsesFailure {
  const { code, message } = error ?? { code: 'internal_error', message: 'The response ended early.' };
  if (code === 'rate_limited' || code === 'queue_full') return { code: 'rate_limit_exceeded', message };
  if (code === 'context_length_exceeded' || code === 'cancelled') return { code, message };
  return { code: 'server_error', message };
}

const RESPONSE_PREFIX = 'resp_';
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const RESPONSE_ID = new RegExp(`^${RESPONSE_PREFIX}(${UUID})$`);
const ITEM_ID = new RegExp(`^[a-z]+_(${UUID})_(i?)(\\d{1,6})$`);

export function responseId(id: string): string {
  return RESPONSE_PREFIX + id;
}

/** The id of the request; undefined if `given` is none that this server makes. */
export function requestIdOf(given: string): string | undefined {
  return RESPONSE_ID.exec(given)?.[1];
}

/** Where an item with an id of this server stands. */
export interface ItemPlace {
  readonly id: string;
  readonly list: 'input' | 'output';
  readonly index: number;
}

export function itemPlaceOf(given: string): ItemPlace | undefined {
  const [, id, mark, index] = ITEM_ID.exec(given) ?? [];
  return id === undefined ? undefined : { id, list: mark === '' ? 'output' : 'input', index: Number(index) };
}

export function itemId(prefix: string, id: string, index: number): string {
  return `${prefix}_${id}_${index}`;
}

export function inputItemId(prefix: string, id: string, index: number): string {
  return `${prefix}_${id}_i${index}`;
}

/** The Responses API's names of native fields, for those that providers report or reject. */
const FIELD_NAMES: Readonly<Record<string, string>> = {
  'messages.images': 'input.content.image_url',
  'messages.image_detail': 'input.content.detail',
  'messages.thinking': 'input.reasoning',
  'messages.tool_calls': 'input.function_call',
  'messages.tool_call_id': 'input.call_id',
  'messages.tool_name': 'input.name',
  'tools.function.strict': 'tools.strict',
  'format_details.description': 'text.format.description',
  reasoning_effort: 'reasoning.effort',
  verbosity: 'text.verbosity',
  logprobs: 'top_logprobs',
};

export function responsesFieldName(field: string): string {
  return FIELD_NAMES[field] ?? field;
}

/** An error body in OpenAI's format, with the names of the Responses API. */
export function responsesError(body: ErrorBody, status: number) {
  const [first] = body.details ?? [];
  const { error } = openAiError(body, status);
  if (first === undefined) return { error };
  const code = first.field === 'previous_response_id' ? 'previous_response_not_found' : error.code;
  return { error: { ...error, param: responsesFieldName(first.field), code } };
}
