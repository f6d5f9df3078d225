import { anthropicErrorBody } from '#lib/chat/formats/anthropic-errors';
import { toAnthropicToolId } from '#lib/chat/formats/anthropic-tool-ids';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import { HTTP_STATUS_BY_CODE } from '#lib/http/errors';
import { type TokenUsage, type ToolCall, toolArgumentsObject } from '#lib/wire/chat';

/**
 * Anthropic's Messages API: responses in its format.
 * https://platform.claude.com/docs/en/api/messages
 * https://platform.claude.com/docs/en/build-with-claude/streaming
 */

/** Clients need one, and give it back. Reasoning is not encrypted here, so it says nothing. */
const SIGNATURE = Buffer.from('not signed').toString('base64');

/** The `message` of a completed request. */
export function anthropicMessage(request: RequestView, response: CompletedResponse) {
  const { content, thinking, tool_calls: toolCalls, done_reason, stop_sequence } = response;
  return {
    ...messageHead(request.id, response.model),
    content: [
      ...(thinking === '' ? [] : [{ type: 'thinking', thinking, signature: SIGNATURE }]),
      ...(content === '' ? [] : [{ type: 'text', text: content, citations: null }]),
      ...toolCalls.map((call, at) => ({ ...toolUseHead(call, request, at), input: inputOf(call) })),
    ],
    ...stopFields(done_reason, toolCalls.length > 0, stop_sequence),
    usage: { ...usageFields(response.usage), ...UNKNOWN_USAGE },
  };
}

/** The stream of events. A ping keeps the connection while a request waits. */
export function anthropicStreamEncoder(request: RequestView): StreamEncoder {
  let hasBegun = false;
  let toolCalls = 0;
  let index = -1;
  let open: 'text' | 'thinking' | undefined;
  /** What stands before the text of a delta in the open block. */
  let before = '';
  const begin = (): string => {
    if (hasBegun) return '';
    hasBegun = true;
    const usage = { ...usageFields({ prompt_tokens: 0, completion_tokens: 0 }), ...UNKNOWN_USAGE };
    const message = { ...messageHead(request.id, request.model), content: [], ...NOT_STOPPED, usage };
    return sse('message_start', { message });
  };
  const close = (): string => {
    if (open === undefined) return '';
    const signed = open === 'text' ? '' : delta({ type: 'signature_delta', signature: SIGNATURE });
    open = undefined;
    return signed + sse('content_block_stop', { index });
  };
  const delta = (fields: object) => sse('content_block_delta', { index, delta: fields });
  const start = (block: object): string => {
    const text = begin() + close();
    index += 1;
    return text + sse('content_block_start', { index, content_block: block });
  };
  const text = (type: 'text' | 'thinking', value: string): string => {
    if (open === type) return before + JSON.stringify(value) + DELTA_END;
    const head = start(type === 'text' ? { type, text: '', citations: null } : { type, thinking: '', signature: '' });
    open = type;
    before = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}_delta","${type}":`;
    return head + before + JSON.stringify(value) + DELTA_END;
  };
  const toolUse = (call: ToolCall): string => {
    const head = start({ ...toolUseHead(call, request, toolCalls), input: {} });
    toolCalls += 1;
    const input = delta({ type: 'input_json_delta', partial_json: JSON.stringify(inputOf(call)) });
    return head + input + sse('content_block_stop', { index });
  };
  const encode = (event: GenerationEvent): string => {
    switch (event.type) {
      case 'status':
      case 'logprobs':
        return '';
      case 'content':
        return text('text', event.text);
      case 'thinking':
        return text('thinking', event.text);
      case 'tool_calls':
        return event.tool_calls.map(toolUse).join('');
      case 'error': {
        const { message, code, details } = event.error;
        const body = { error: message, code, ...(details === undefined ? {} : { details }) };
        return sse('error', anthropicErrorBody(body, HTTP_STATUS_BY_CODE[code], request.id));
      }
      case 'done':
        return (
          begin() +
          close() +
          sse('message_delta', {
            delta: { ...stopFields(event.done_reason, toolCalls > 0, event.stop_sequence), container: null },
            usage: usageFields(event.usage),
          }) +
          sse('message_stop', {})
        );
    }
  };
  return { preamble: '', heartbeat: sse('ping', {}), encode };
}

const DELTA_END = '}}\n\n';

function messageHead(id: string, model: string) {
  return { id: `msg_${id}`, type: 'message', role: 'assistant', model, container: null, diagnostics: null };
}

const NOT_STOPPED = { stop_reason: null, stop_sequence: null, stop_details: null };

function stopFields(doneReason: string, hasToolCalls: boolean, stopSequence: string | undefined) {
  const fields = { ...NOT_STOPPED, stop_reason: 'end_turn' };
  if (doneReason === 'length') return { ...fields, stop_reason: 'max_tokens' };
  if (hasToolCalls) return { ...fields, stop_reason: 'tool_use' };
  if (doneReason === 'content_filter')
    return { ...fields, stop_reason: 'refusal', stop_details: { type: 'refusal', category: null, explanation: null } };
  return stopSequence === undefined ? fields : { ...fields, stop_reason: 'stop_sequence', stop_sequence: stopSequence };
}

/** Counts of the whole message. Model servers do not report how much of a prompt was cached. */
function usageFields({ prompt_tokens, completion_tokens, prompt_truncated }: TokenUsage) {
  return {
    input_tokens: prompt_tokens,
    output_tokens: completion_tokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens_details: null,
    server_tool_use: null,
    ...(prompt_truncated === true ? { prompt_truncated } : {}),
  };
}

/** Fields that only a whole message has. */
const UNKNOWN_USAGE = { cache_creation: null, inference_geo: null, service_tier: null, speed: null };

function toolUseHead({ id, function: { name } }: ToolCall, { generationId }: RequestView, at: number) {
  const toolId = toAnthropicToolId(id ?? `${generationId}_${at}`);
  return { type: 'tool_use', id: toolId, name, caller: { type: 'direct' } };
}

/** Arguments that are no JSON object stay as the model wrote them, in one. */
function inputOf({ function: { arguments: given } }: ToolCall) {
  return toolArgumentsObject(given);
}

function sse(event: string, fields: object): string {
  return `event: ${event}\ndata: ${JSON.stringify({ type: event, ...fields })}\n\n`;
}
