import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { QueueStatusEvent } from '#lib/chat/generation/generation-log';
import type { AppError } from '#lib/errors';
import type { ChatEvent, ChatResponse, Timings, TokenLogprob, ToolCall } from '#lib/wire/chat';

/** The events of the native API, shared by its streams and the response cache. */

export type ConversationState = 'new' | 'continued' | undefined;

export function sseData(event: ChatEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

/** `sseData` of `textEvent`, without an object. */
export function sseText(type: 'thinking' | 'content', text: string, cached: boolean): string {
  return `data: {"${type}":${JSON.stringify(text)},"done":false,"cached":${cached}}\n\n`;
}

/** A request runs, and the server that responds has lost the way to the one that works on it. */
export function connectionEvent(isLost: boolean, requestId: string): ChatEvent {
  return { request_id: requestId, connection_lost: isLost, done: false, cached: false };
}

/** `isOwn`: the request began the generation, so that its caller's share is that of the event. */
export function queuedEvent(status: QueueStatusEvent, requestId: string, isOwn: boolean): ChatEvent {
  return {
    request_id: requestId,
    status: 'queued',
    queue_position: status.queue_position,
    queue_length: status.queue_length,
    estimated_wait_time: status.estimated_wait_time,
    ...(status.model_server === undefined ? {} : { model_server: status.model_server }),
    ...(status.share === undefined || !isOwn ? {} : { share: status.share }),
    ...(status.connection_lost === undefined ? {} : { connection_lost: status.connection_lost }),
    done: false,
    cached: false,
  };
}

export function textEvent(type: 'thinking' | 'content', text: string, cached: boolean): ChatEvent {
  return type === 'content' ? { content: text, done: false, cached } : { thinking: text, done: false, cached };
}

export function toolCallsEvent(toolCalls: ToolCall[], cached: boolean): ChatEvent {
  return { tool_calls: toolCalls, done: false, cached };
}

export function logprobsEvent(logprobs: TokenLogprob[], cached: boolean): ChatEvent {
  return { logprobs, done: false, cached };
}

export function doneEvent(
  response: Pick<CompletedResponse, 'model' | 'done_reason' | 'usage'>,
  requestId: string,
  timings: Timings,
  cached: boolean,
  conversation: ConversationState,
): ChatEvent {
  return {
    done: true,
    cached,
    request_id: requestId,
    model: response.model,
    done_reason: response.done_reason,
    usage: response.usage,
    timings,
    ...(conversation === undefined ? {} : { conversation }),
  };
}

/** When the server stops, the event names the request that the client has to send again. */
export function errorEvent(error: AppError, requestId: string): ChatEvent {
  const resend = error.code === 'shutting_down' ? { request_id: requestId } : {};
  return { done: true, ...errorFields(error), ...resend };
}

/** An error as part of an event or a queue entry. */
export function errorFields({ message, code, data }: AppError): Pick<ChatEvent, 'error' | 'code' | 'data'> {
  return { error: message, code, ...(data === undefined ? {} : { data }) };
}

export function responseMessage(response: CompletedResponse): ChatResponse['message'] {
  const { content, thinking, tool_calls } = response;
  return {
    role: 'assistant',
    content,
    ...(thinking === '' ? {} : { thinking }),
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
}
