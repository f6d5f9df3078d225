import { AppError } from '#lib/errors';
import type { AnthropicBlock, AnthropicMessage, AnthropicPrompt } from '#lib/wire/anthropic-request';
import type { ErrorDetail } from '#lib/wire/error';

/** What Anthropic's Messages API has and no model server here supports, refused by name. */

const REFUSED_FIELDS = {
  compaction: 'conversations are not summarized here',
  container: 'code is not executed here; define a tool instead',
  inference_geo: 'the operator decides where models run',
  mcp_servers: 'connect to MCP servers in the client, and send their tools in tools',
  thread: 'conversations are not stored here; send all messages',
} as const satisfies Partial<Record<keyof AnthropicPrompt, string>>;

const IMAGE_SOURCE = 'must be base64: images are not fetched from elsewhere';
const DOCUMENT_SOURCES: Readonly<Record<string, string>> = {
  base64: 'PDF documents are not read here; send their text as a source of the type text',
  url: 'documents are not fetched from elsewhere; send their text as a source of the type text',
};
const NO_FILES = 'files are not stored here; send the content itself';

/** Blocks that only one of the roles may have. */
const ASSISTANT_ONLY: ReadonlySet<string> = new Set(['tool_use', 'thinking', 'redacted_thinking']);

/**
 * The fields of a request that no model server supports. Throws `invalid_request` for a block that
 * the role of its message cannot have, and `unsupported_value` for an image that is an address.
 */
export function refusedAnthropicFields(input: AnthropicPrompt): readonly ErrorDetail[] {
  const details: ErrorDetail[] = [];
  const misplaced: ErrorDetail[] = [];
  for (const [field, message] of Object.entries(REFUSED_FIELDS))
    if (isMeaningful(input[field as keyof typeof REFUSED_FIELDS])) details.push({ field, message });
  if (input.thinking?.type === 'refused')
    details.push({ field: 'thinking.type', message: `${input.thinking.name} cannot be asked for` });
  for (const [index, tool] of (input.tools ?? []).entries())
    if (tool.type === 'refused')
      details.push({
        field: `tools.${index}.type`,
        message: `${tool.name} is not offered here; define a tool with an input_schema`,
      });
  if (choosesRefusedTool(input)) details.push({ field: 'tool_choice', message: 'has no tool that is offered here' });
  for (const [index, message] of input.messages.entries()) checkMessage(message, index, details, misplaced);
  const [first] = misplaced;
  if (first !== undefined)
    throw new AppError('invalid_request', `The request is not valid: ${first.field} ${first.message}.`, {
      details: misplaced,
    });
  if (details.some(({ message }) => message === IMAGE_SOURCE))
    throw new AppError('unsupported_value', `The image ${IMAGE_SOURCE}.`, { details });
  return details;
}

/** Whether a call is forced of tools that are all refused. */
function choosesRefusedTool({ tools = [], tool_choice: choice }: AnthropicPrompt): boolean {
  const isForced = choice?.type === 'any' || choice?.type === 'tool';
  return isForced && tools.length > 0 && tools.every(({ type }) => type === 'refused');
}

function checkMessage(
  { role, content }: AnthropicMessage,
  index: number,
  details: ErrorDetail[],
  misplaced: ErrorDetail[],
): void {
  if (typeof content === 'string') return;
  for (const [at, block] of content.entries()) {
    const field = `messages.${index}.content.${at}`;
    checkBlock(block, field, details);
    if (block.type === 'text' || block.type === 'refused') continue;
    const owner = ASSISTANT_ONLY.has(block.type) ? 'assistant' : 'user';
    if (role !== owner)
      misplaced.push({ field: `${field}.type`, message: `must not be ${block.type} in a message of the ${role}` });
  }
}

function checkBlock(block: AnthropicBlock, field: string, details: ErrorDetail[]): void {
  switch (block.type) {
    case 'refused':
      details.push({ field: `${field}.type`, message: `${block.name} cannot be passed on` });
      break;
    case 'image':
      if (block.source.type === 'refused')
        details.push({
          field: `${field}.source.type`,
          message: block.source.name === 'file' ? NO_FILES : IMAGE_SOURCE,
        });
      break;
    case 'tool_use':
      if (block.caller?.type === 'refused')
        details.push({ field: `${field}.caller.type`, message: 'must be direct: tools are called by the model only' });
      break;
    case 'tool_result':
      checkAll(block.content, `${field}.content`, details);
      break;
    case 'document':
      checkCitations(block, field, details);
      if (block.source.type === 'content') checkAll(block.source.content, `${field}.source.content`, details);
      if (block.source.type === 'refused')
        details.push({ field: `${field}.source.type`, message: DOCUMENT_SOURCES[block.source.name] ?? NO_FILES });
      break;
    case 'search_result':
      checkCitations(block, field, details);
      break;
  }
}

function checkAll(
  content: string | readonly AnthropicBlock[] | undefined,
  field: string,
  details: ErrorDetail[],
): void {
  if (typeof content === 'object')
    for (const [at, block] of content.entries()) checkBlock(block, `${field}.${at}`, details);
}

function checkCitations(
  { citations }: { citations?: { enabled?: boolean | undefined } | undefined },
  field: string,
  details: ErrorDetail[],
): void {
  if (citations?.enabled === true)
    details.push({ field: `${field}.citations`, message: 'no citations are returned; leave it out' });
}

/** Whether a value has an effect: an empty list or object has none. */
function isMeaningful(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
