import { formatDetailsOf, isMeaningful } from '#lib/chat/formats/openai-request';
import { messagesOf, type PlacedItem } from '#lib/chat/formats/responses-messages';
import { ambiguousToolName, fromResponsesTools, fromToolChoice } from '#lib/chat/formats/responses-tools';
import { AppError } from '#lib/errors';
import type { ChatRequest, ModelOptions } from '#lib/wire/chat';
import type { ErrorDetail } from '#lib/wire/error';
import type { Passthrough } from '#lib/wire/passthrough';
import {
  type ConversationItem,
  isKnownItem,
  isKnownPart,
  isKnownTool,
  type KnownTool,
  MAX_ITEMS,
  PASSED_FIELDS,
  type ResponsesCustomTool,
  type ResponsesFormat,
  type ResponsesFunctionTool,
  type ResponsesItem,
  type ResponsesRequest,
  type ResponsesTool,
} from '#lib/wire/responses-request';

/**
 * OpenAI's Responses: their requests as native ones.
 * https://platform.openai.com/docs/api-reference/responses
 */

/** Known fields that no model server supports. */
const REFUSED = {
  context_management: 'a conversation is not shortened here: send fewer items',
  conversation: 'conversations are not stored by id: use previous_response_id',
  moderation: 'its results could not be returned',
  prompt: 'prompts are not stored here: send instructions and input',
} as const satisfies Partial<Record<keyof ResponsesRequest, string>>;

const LOGPROBS = 'message.output_text.logprobs';

/** The fields of a request that no model server supports. Throws `invalid_request`. */
export function refusedResponsesFields(request: ResponsesRequest): readonly ErrorDetail[] {
  const { input, tools, tool_choice: choice, store, background, previous_response_id: previous } = request;
  const details: ErrorDetail[] = [];
  for (const [field, message] of Object.entries(REFUSED))
    if (isMeaningful(request[field as keyof typeof REFUSED])) details.push({ field, message });
  const { mode } = request.reasoning ?? {};
  if (mode !== undefined && mode !== 'standard')
    details.push({ field: 'reasoning.mode', message: 'must be standard: a response is generated once' });
  if (Array.isArray(input)) for (const [index, item] of input.entries()) checkItem(item, `input.${index}`, details);
  for (const [index, tool] of (tools ?? []).entries()) checkTool(tool, `tools.${index}`, details);
  const isForced = choice === 'required' || (typeof choice === 'object' && TOOL_CHOICES.has(choice.type));
  if (isForced && tools !== undefined && tools.length > 0 && !tools.some(isKnownTool))
    details.push({ field: 'tool_choice', message: 'has no tool that is offered here' });
  if (typeof choice === 'object' && !TOOL_CHOICES.has(choice.type))
    details.push({ field: 'tool_choice.type', message: `${choice.type} cannot be asked for` });
  else if (typeof choice === 'object' && choice.type !== 'allowed_tools' && choice.name === undefined)
    throw invalid('tool_choice.name', 'is needed: it says which tool to call');
  const shared = ambiguousToolName(tools);
  if (shared !== undefined)
    throw invalid('tools', `must have names that differ: the model would know two as ${shared}`);
  if (previous === undefined && (input === undefined || input.length === 0))
    throw invalid('input', 'is needed: a text, or at least one item');
  if (background === true && store === false)
    throw invalid('background', 'needs store: true, since the response is read later');
  return details;
}

/** `request` without those of its refused fields that can be left out. */
export function withoutRefused(request: ResponsesRequest): ResponsesRequest {
  const { tools, tool_choice: choice, reasoning } = request;
  const kept = tools?.filter(isKnownTool).map(withoutGrammar);
  const isChoiceKept = kept?.length !== 0 && (typeof choice !== 'object' || TOOL_CHOICES.has(choice.type));
  return {
    ...request,
    tools: kept?.length === 0 ? undefined : kept,
    tool_choice: isChoiceKept ? choice : undefined,
    reasoning: reasoning === undefined ? undefined : { ...reasoning, mode: undefined },
  };
}

function withoutGrammar(tool: KnownTool): KnownTool {
  if (tool.type === 'namespace') return { ...tool, tools: tool.tools.map(withoutInnerGrammar) };
  return withoutInnerGrammar(tool);
}

function withoutInnerGrammar<T extends ResponsesFunctionTool | ResponsesCustomTool>(tool: T): T {
  return tool.type === 'custom' && tool.format?.type !== 'text' ? { ...tool, format: undefined } : tool;
}

const TOOL_CHOICES: ReadonlySet<string> = new Set(['function', 'custom', 'allowed_tools']);

function checkItem(item: ResponsesItem, field: string, details: ErrorDetail[]): void {
  if (!isKnownItem(item)) details.push({ field: `${field}.type`, message: `${item.type} cannot be passed on` });
  else if (item.type === 'message') checkContent(item.content, `${field}.content`, details);
  else if (item.type === 'function_call_output' || item.type === 'custom_tool_call_output')
    checkContent(item.output, `${field}.output`, details);
}

function checkContent(
  content: Extract<ConversationItem, { type: 'message' }>['content'],
  field: string,
  details: ErrorDetail[],
): void {
  if (typeof content === 'string') return;
  for (const [place, part] of content.entries()) {
    const path = `${field}.${place}`;
    if (!isKnownPart(part)) details.push({ field: `${path}.type`, message: `${part.type} cannot be passed on` });
    else if ('file_id' in part && isMeaningful(part.file_id))
      details.push({ field: `${path}.file_id`, message: 'files are not stored here: send the data itself' });
    else if ('file_url' in part && isMeaningful(part.file_url))
      details.push({ field: `${path}.file_url`, message: 'files are not fetched: send the data itself' });
    else if (part.type === 'input_image' && part.image_url === undefined)
      throw invalid(`${path}.image_url`, 'is needed: a data URL (data:image/png;base64,…)');
    else if (part.type === 'input_file' && part.file_data === undefined)
      throw invalid(`${path}.file_data`, 'is needed: the text file in base64');
  }
}

function checkTool(tool: ResponsesTool, field: string, details: ErrorDetail[]): void {
  if (!isKnownTool(tool)) {
    details.push({ field: `${field}.type`, message: `${tool.type} is a hosted tool, of which there are none here` });
    return;
  }
  if (tool.type === 'namespace')
    for (const [index, inner] of tool.tools.entries()) checkTool(inner, `${field}.tools.${index}`, details);
  else if (tool.type === 'custom' && tool.format !== undefined && tool.format.type !== 'text')
    details.push({ field: `${field}.format`, message: 'must be text: a grammar cannot be enforced' });
}

/** Throws `invalid_request`, or `unsupported_value` for what is in images and files. */
export function fromResponses(request: ResponsesRequest, items: readonly PlacedItem[]): ChatRequest {
  const { instructions, text, tools, tool_choice: choice, parallel_tool_calls } = request;
  if (items.length > MAX_ITEMS)
    throw invalid(
      'input',
      `has with the conversation so far ${items.length} items, of which ${MAX_ITEMS} are possible`,
    );
  const messages = messagesOf(instructions, items);
  const last = messages.at(-1);
  if (last?.role === 'assistant' && (last.content === '' || last.tool_calls !== undefined))
    throw invalid('input', 'must end with a message or with the outputs of the tools that the model called');
  const { format } = text ?? {};
  return {
    messages,
    model: request.model,
    stream: request.stream ?? false,
    use_cache: true,
    cache: request.cache,
    drop_params: request.drop_params,
    priority: 0,
    options: optionsOf(request),
    format: fromFormat(format),
    format_details: format?.type === 'json_schema' ? formatDetailsOf(format) : undefined,
    tools: fromResponsesTools(tools, choice),
    tool_choice: fromToolChoice(choice),
    parallel_tool_calls,
    ...logprobsOf(request),
    passthrough: passthroughOf(request),
  };
}

/** The items of a request, in the form of the conversation. A text is one message of the user. */
export function itemsOf(input: ResponsesRequest['input']): readonly ResponsesItem[] {
  if (typeof input !== 'string') return input ?? [];
  return [{ type: 'message', role: 'user', content: input, id: undefined, status: undefined }];
}

/** Values of `include` without an effect, as names for `X-Ignored-Fields`. */
export function ignoredIncludes({ include }: ResponsesRequest): string[] {
  return (include ?? []).filter((value) => value !== LOGPROBS).map((value) => `include.${value}`);
}

/** What a response repeats of its request. */
export function returnedParameters(request: ResponsesRequest) {
  const { text } = request;
  return {
    background: request.background ?? false,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: request.service_tier ?? null,
    store: request.store ?? true,
    temperature: request.temperature ?? null,
    text: {
      format: text?.format ?? { type: 'text' },
      ...(text?.verbosity === undefined ? {} : { verbosity: text.verbosity }),
    },
    tool_choice: request.tool_choice ?? 'auto',
    tools: (request.tools ?? []).map(returnedTool),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? null,
    truncation: null,
    ...(request.user === undefined ? {} : { user: request.user }),
  };
}

export type ReturnedParameters = ReturnType<typeof returnedParameters>;

/** The SDK's type has these two fields in every function. */
function returnedTool(tool: ResponsesTool): object {
  if (!isKnownTool(tool) || tool.type !== 'function') return tool;
  return { ...tool, parameters: tool.parameters ?? null, strict: tool.strict ?? null };
}

function optionsOf(request: ResponsesRequest): ModelOptions {
  const named = { temperature: request.temperature, top_p: request.top_p, num_predict: request.max_output_tokens };
  const options: ModelOptions = {};
  for (const [name, value] of Object.entries(named)) if (value !== undefined) options[name] = value;
  return options;
}

function logprobsOf({ include, top_logprobs: top }: ResponsesRequest) {
  const isAsked = include?.includes(LOGPROBS) === true || (top ?? 0) > 0;
  return isAsked ? { logprobs: true, top_logprobs: top } : {};
}

function fromFormat(format: ResponsesFormat | undefined): ChatRequest['format'] {
  if (format === undefined || format.type === 'text') return undefined;
  return format.type === 'json_object' ? 'json' : format.schema;
}

function passthroughOf(request: ResponsesRequest): Passthrough | undefined {
  const given: Passthrough = {};
  if (request.reasoning?.effort !== undefined) given.reasoning_effort = request.reasoning.effort;
  if (request.text?.verbosity !== undefined) given.verbosity = request.text.verbosity;
  const passed = PASSED_FIELDS.flatMap((field) =>
    isMeaningful(request[field]) ? [[field, request[field]] as const] : [],
  );
  Object.assign(given, Object.fromEntries(passed));
  return Object.keys(given).length === 0 ? undefined : given;
}

function invalid(field: string, message: string): AppError {
  return new AppError('invalid_request', `${field} ${message}.`, { details: [{ field, message }] });
}
