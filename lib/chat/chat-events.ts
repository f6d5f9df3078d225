import type { StatusEvent } from '#lib/chat/answer-log';
import type { Fault } from '#lib/fault';
import type { Durations } from '#lib/models/provider';
import type { ChatAnswer, ChatEvent, Timings, TokenLogprob, ToolCall, Usage } from '#lib/wire/chat';

/** The wire forms of an answer, shared by everything that writes one. */

/** A complete answer, as the model gave it. */
export interface FinishedAnswer {
  content: string;
  thinking: string;
  tool_calls: ToolCall[];
  /** Where the request asked for them, and the provider has them. */
  logprobs?: TokenLogprob[] | undefined;
  model: string;
  done_reason: string;
  usage: Usage;
  /** What the model server measured, where it did. Also of an answer out of the cache. */
  durations?: Durations | undefined;
}

export type Conversation = 'new' | 'continued' | undefined;

export function dataLine(event: ChatEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

export function chatQueued(status: StatusEvent, requestId: string): ChatEvent {
  return {
    request_id: requestId,
    status: 'queued',
    queue_position: status.queue_position,
    queue_length: status.queue_length,
    estimated_wait_time: status.estimated_wait_time,
    done: false,
    cached: false,
  };
}

export function chatText(type: 'thinking' | 'content', text: string, cached: boolean): ChatEvent {
  return type === 'content' ? { content: text, done: false, cached } : { thinking: text, done: false, cached };
}

export function chatToolCalls(toolCalls: ToolCall[], cached: boolean): ChatEvent {
  return { tool_calls: toolCalls, done: false, cached };
}

export function chatLogprobs(logprobs: TokenLogprob[], cached: boolean): ChatEvent {
  return { logprobs, done: false, cached };
}

export function chatDone(
  answer: Pick<FinishedAnswer, 'model' | 'done_reason' | 'usage'>,
  requestId: string,
  timings: Timings,
  cached: boolean,
  conversation: Conversation,
): ChatEvent {
  return {
    done: true,
    cached,
    request_id: requestId,
    model: answer.model,
    done_reason: answer.done_reason,
    usage: answer.usage,
    timings,
    ...(conversation === undefined ? {} : { conversation }),
  };
}

/** A client of a server that stops learns which of its requests is to be sent again. */
export function chatFailed({ message, code }: Fault, requestId: string): ChatEvent {
  return { done: true, error: message, code, ...(code === 'shutting_down' ? { request_id: requestId } : {}) };
}

export function answerMessage(answer: FinishedAnswer): ChatAnswer['message'] {
  const { content, thinking, tool_calls } = answer;
  return {
    role: 'assistant',
    content,
    ...(thinking === '' ? {} : { thinking }),
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
}
