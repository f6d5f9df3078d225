import { fromAnthropicToolId } from '#lib/chat/formats/anthropic-tool-ids';
import { AppError } from '#lib/errors';
import type { AnthropicBlock, AnthropicMessage, AnthropicPrompt, AnthropicRequest } from '#lib/wire/anthropic-request';
import type { ChatRequest, Message, ModelOptions, Think, Tool, ToolCall, ToolChoice } from '#lib/wire/chat';

/**
 * Anthropic's Messages API: its requests as native ones.
 * https://platform.claude.com/docs/en/api/messages
 */

/** A native request without the fields of `refusedAnthropicFields`. */
export function fromAnthropic(input: AnthropicRequest): ChatRequest {
  return { ...fromAnthropicPrompt(input), stream: input.stream, options: fromSampling(input) };
}

/** The request for which POST /v1/messages/count_tokens counts. */
export function fromAnthropicPrompt(input: AnthropicPrompt): ChatRequest {
  const system = systemText(input.system);
  const toolNames = new Map<string, string>();
  const messages = toTurns(
    input.messages.flatMap((message) => fromMessage(message, toolNames)),
    system,
  );
  const think = fromThinking(input.thinking);
  const effort = input.output_config?.effort;
  const tools = input.tools?.flatMap((tool) => (tool.type === 'refused' ? [] : [fromTool(tool)]));
  // A choice between tools that were all left out means nothing.
  const choice = tools?.length === 0 ? undefined : input.tool_choice;
  return {
    messages,
    model: input.model,
    system_prompt: system === '' ? '' : undefined,
    stream: false,
    use_cache: true,
    cache: input.cache,
    drop_params: input.drop_params,
    priority: 0,
    options: {},
    think,
    think_optional: think === true || (think === undefined && effort !== undefined) ? true : undefined,
    format: outputFormat(input)?.schema,
    tools,
    tool_choice: fromToolChoice(choice),
    parallel_tool_calls: allowsParallelCalls(choice),
    passthrough: effort === undefined ? undefined : { reasoning_effort: effort },
  };
}

/**
 * Joins messages of the same role, as Anthropic's API does, and all of the system before the first
 * other message. Later ones of the system become text of the user: many chat templates accept a
 * system message at the beginning only, and no two messages of the user in a row.
 */
function toTurns(messages: readonly Message[], system: string | undefined): Message[] {
  const turns: Message[] = system === undefined || system === '' ? [] : [{ role: 'system', content: system }];
  for (const message of messages) {
    const isLateSystem = message.role === 'system' && turns.some(({ role }) => role !== 'system');
    const turn: Message = isLateSystem ? { role: 'user', content: tagged('system', {}, message.content) } : message;
    const last = turns.at(-1);
    if (last === undefined || last.role !== turn.role || turn.role === 'tool') turns.push(turn);
    else turns.splice(-1, 1, joined(last, turn));
  }
  return turns;
}

function joined(first: Message, second: Message): Message {
  const images = [...(first.images ?? []), ...(second.images ?? [])];
  const calls = [...(first.tool_calls ?? []), ...(second.tool_calls ?? [])];
  const thinking = joinedTexts([first.thinking ?? '', second.thinking ?? '']);
  return {
    role: first.role,
    content: joinedTexts([first.content, second.content]),
    ...(images.length === 0 ? {} : { images }),
    ...(thinking === '' ? {} : { thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function joinedTexts(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n');
}

type Content = Exclude<AnthropicMessage['content'], string>;
type Block<Type extends AnthropicBlock['type']> = Extract<AnthropicBlock, { type: Type }>;

/**
 * Claude Code puts its version into a block of the system prompt, for its bills. It says nothing to
 * a model, and differs where nothing else does, so that no cache would find the rest.
 */
const BILLING_BLOCK = 'x-anthropic-billing-header';

function systemText(system: AnthropicPrompt['system']): string | undefined {
  if (system === undefined || typeof system === 'string') return system;
  return system.flatMap(({ text }) => (text.startsWith(`${BILLING_BLOCK}:`) ? [] : [text])).join('\n');
}

/** The names of blocks that have no effect. */
export function ignoredBlocks({ system }: AnthropicPrompt): readonly string[] {
  const isBilled = typeof system === 'object' && system.some(({ text }) => text.startsWith(`${BILLING_BLOCK}:`));
  return isBilled ? [`system.${BILLING_BLOCK}`] : [];
}

/** A message of the user becomes one for each tool result, and one with the rest. */
function fromMessage({ role, content }: AnthropicMessage, toolNames: Map<string, string>): Message[] {
  if (typeof content === 'string') return [{ role, content }];
  if (role === 'assistant') return [fromAssistant(content, toolNames)];
  const results = content.flatMap((block) => (block.type === 'tool_result' ? [readResult(block)] : []));
  const rest = content.flatMap((block) => (block.type === 'tool_result' ? [] : [readBlock(block)]));
  const withImages = results.filter((result) => result.images.length > 0);
  const texts = [
    ...withImages.map((result) => `[Images of the result of tool call ${result.id}: ${result.images.length}]`),
    ...rest.flatMap((block) => block.texts),
  ];
  const images = [...withImages, ...rest].flatMap((part) => part.images);
  const hasRest = results.length === 0 || texts.length > 0 || images.length > 0;
  return [
    ...results.map((result) => toolMessage(result, toolNames)),
    ...(hasRest ? [{ role, content: texts.join('\n'), ...(images.length === 0 ? {} : { images }) }] : []),
  ];
}

function fromAssistant(content: Content, toolNames: Map<string, string>): Message {
  const calls = content.filter((block) => block.type === 'tool_use').map(toToolCall);
  for (const { id, function: called } of calls) toolNames.set(id, called.name);
  const thinking = joinedTexts(content.flatMap((block) => (block.type === 'thinking' ? [block.thinking] : [])));
  return {
    role: 'assistant',
    // Pieces of one text, which may be split inside of a sentence.
    content: content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join(''),
    ...(thinking === '' ? {} : { thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function toToolCall({ id, name, input }: Block<'tool_use'>): ToolCall & { id: string } {
  return { id: fromAnthropicToolId(id), function: { name, arguments: input } };
}

interface ToolResult {
  /** Of the call, as the model server knows it. */
  readonly id: string;
  readonly text: string;
  /** Taken out: a message of a tool has none on OpenAI-compatible servers. */
  readonly images: readonly string[];
}

function readResult({ tool_use_id, is_error, content = '' }: Block<'tool_result'>): ToolResult {
  const read = typeof content === 'string' ? [{ texts: [content], images: [] }] : content.map(readBlock);
  const text = read.flatMap(({ texts }) => texts).join('\n');
  return {
    id: fromAnthropicToolId(tool_use_id),
    text: is_error === true ? `Error: ${text}` : text,
    images: read.flatMap(({ images }) => images),
  };
}

function toolMessage({ id, text }: ToolResult, toolNames: ReadonlyMap<string, string>): Message {
  const name = toolNames.get(id);
  return { role: 'tool', content: text, tool_call_id: id, ...(name === undefined ? {} : { tool_name: name }) };
}

interface ReadBlock {
  readonly texts: readonly string[];
  readonly images: readonly string[];
}

function readBlock(block: AnthropicBlock): ReadBlock {
  if (block.type === 'text') return { texts: [block.text], images: [] };
  if (block.type === 'image') return { texts: [], images: block.source.type === 'base64' ? [block.source.data] : [] };
  if (block.type === 'document') return readDocument(block);
  if (block.type !== 'search_result') return { texts: [], images: [] };
  const { source, title, content } = block;
  const text = content.map((part) => part.text).join('\n');
  return { texts: [tagged('search_result', { source, title }, text)], images: [] };
}

function readDocument({ source, title, context }: Block<'document'>): ReadBlock {
  if (source.type === 'refused') return { texts: [], images: [] };
  if (source.type === 'text') return { texts: [tagged('document', { title, context }, source.data)], images: [] };
  const { content } = source;
  const read = typeof content === 'string' ? [{ texts: [content], images: [] }] : content.map(readBlock);
  return {
    texts: [tagged('document', { title, context }, read.flatMap(({ texts }) => texts).join('\n'))],
    images: read.flatMap(({ images }) => images),
  };
}

/** As Anthropic recommends for its own models: other models know such tags too. */
function tagged(name: string, fields: Readonly<Record<string, string | undefined>>, text: string): string {
  const lines = Object.entries(fields).flatMap(([field, value]) =>
    value === undefined ? [] : [`<${field}>${value}</${field}>`],
  );
  return [
    `<${name}>`,
    ...lines,
    ...(lines.length === 0 ? [text] : ['<content>', text, '</content>']),
    `</${name}>`,
  ].join('\n');
}

type AnthropicTool = NonNullable<AnthropicPrompt['tools']>[number];

function fromTool({ name, description, input_schema, strict }: Exclude<AnthropicTool, { type: 'refused' }>): Tool {
  return {
    type: 'function',
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      parameters: input_schema,
      ...(strict === undefined ? {} : { strict }),
    },
  };
}

function fromToolChoice(choice: AnthropicPrompt['tool_choice']): ToolChoice | undefined {
  if (choice === undefined || choice.type === 'auto' || choice.type === 'none') return choice?.type;
  return choice.type === 'any' ? 'required' : { type: 'function', function: { name: choice.name } };
}

/** Undefined where several calls are allowed, which is the default of every API. */
function allowsParallelCalls(choice: AnthropicPrompt['tool_choice']): false | undefined {
  if (choice === undefined || choice.type === 'none') return undefined;
  return choice.disable_parallel_tool_use === true ? false : undefined;
}

/** `adaptive` leaves it to the model, which decides for itself without a setting. */
function fromThinking(thinking: AnthropicPrompt['thinking']): Think | undefined {
  if (thinking?.type === 'enabled') return true;
  return thinking?.type === 'disabled' ? false : undefined;
}

/** The format under its current and its earlier name. */
function outputFormat({ output_config: config, output_format: earlier }: AnthropicPrompt) {
  const format = config?.format;
  if (format === undefined || earlier === undefined) return format ?? earlier;
  if (JSON.stringify(format) === JSON.stringify(earlier)) return format;
  const message = 'must be the same as output_config.format where both are given';
  throw new AppError('invalid_request', `output_format ${message}.`, {
    details: [{ field: 'output_format', message }],
  });
}

function fromSampling(input: AnthropicRequest): ModelOptions {
  const { stop_sequences: stop } = input;
  const named = {
    temperature: input.temperature,
    top_p: input.top_p,
    top_k: input.top_k,
    stop: stop?.length === 0 ? undefined : stop,
    num_predict: input.max_tokens,
  };
  const options: ModelOptions = {};
  for (const [name, value] of Object.entries(named)) if (value !== undefined) options[name] = value;
  return options;
}
