import type { KeepAlive, ModelRequest } from '#lib/models/provider';
import { type Message, type Tool, type ToolCall, toolArgumentsObject } from '#lib/wire/chat';
import { durationMs } from '#lib/wire/keep-alive';

/**
 * Maps a request to Ollama's native API.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

/** Ollama counts nanoseconds in 64 bits. A number that overflows unloads the model at once. */
const MAX_KEEP_ALIVE_SECONDS = 9e9;

export interface BodyOptions {
  /** The least time that the model stays loaded. */
  readonly keepAlive: KeepAlive;
  /** The context for a request that names none. */
  readonly numCtx?: number | undefined;
}

/** The body of POST /api/chat. `checkFieldSupport` rejects or reports all other fields. */
export function ollamaBody(request: ModelRequest, options: BodyOptions) {
  const { tools, toolChoice } = request;
  return {
    ...commonBody(request, options),
    messages: request.messages.map(ollamaMessage),
    // Ollama has no tool_choice. Without tools, a model calls none.
    tools: toolChoice === 'none' ? undefined : tools?.map(ollamaTool),
  };
}

/** What the bodies of /api/chat and /api/generate share. */
export function commonBody(request: ModelRequest, { keepAlive, numCtx }: BodyOptions) {
  const typicalP = request.passthrough?.typical_p;
  const options = numCtx === undefined ? request.options : { ...request.options, num_ctx: numCtx };
  return {
    model: request.model,
    stream: true,
    options: typicalP === undefined ? options : { ...options, typical_p: typicalP },
    keep_alive: effectiveKeepAlive(request.keepAlive, keepAlive),
    think: request.think,
    format: request.format,
    logprobs: request.logprobs,
    top_logprobs: request.topLogprobs,
    truncate: request.truncate,
    shift: request.shift,
  };
}

/** The longer keep-alive. */
export function effectiveKeepAlive(requested: KeepAlive | undefined, least: KeepAlive): KeepAlive {
  if (requested === undefined || isShorterKeepAlive(requested, least)) return least;
  return typeof requested === 'number' && requested > MAX_KEEP_ALIVE_SECONDS ? -1 : requested;
}

export function isShorterKeepAlive(requested: KeepAlive, least: KeepAlive): boolean {
  const ms = durationMs(requested);
  return ms !== undefined && ms < (durationMs(least) ?? 0);
}

/** Ollama takes images, tool calls and tool results in the same form as this server's own API. */
function ollamaMessage({ role, content, images, thinking, tool_calls, tool_name, tool_call_id }: Message): Message {
  return {
    role,
    content,
    ...(images === undefined ? {} : { images }),
    ...(thinking === undefined ? {} : { thinking }),
    ...(tool_calls === undefined ? {} : { tool_calls: tool_calls.map(ollamaToolCall) }),
    ...(tool_name === undefined ? {} : { tool_name }),
    ...(tool_call_id === undefined ? {} : { tool_call_id }),
  };
}

/** Ollama rejects arguments that are not an object. */
function ollamaToolCall({ id, function: { name, arguments: given } }: ToolCall): ToolCall {
  return { ...(id === undefined ? {} : { id }), function: { name, arguments: toolArgumentsObject(given) } };
}

function ollamaTool({ type, function: { name, description, parameters } }: Tool): Tool {
  return {
    type,
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  };
}
