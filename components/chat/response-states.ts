import { ApiError } from '#lib/browser/api-client';
import type { ErrorData } from '#lib/wire/error';
import type { AssistantMessage } from './conversation.ts';
import { CONNECTION_STRINGS } from './strings/connection.ts';

/** A pending response. Its id, a UUID, is also the request id. */
export function newResponse(
  id: string,
  conversationId: string,
  parentId: string,
  now: number,
  model?: string | undefined,
): AssistantMessage {
  return {
    id,
    conversationId,
    parentId,
    role: 'assistant',
    content: '',
    thinking: '',
    createdAt: now,
    state: 'waiting',
    source: 'model',
    requestId: id,
    ...(model === undefined ? {} : { model }),
  };
}

/** The same response, pending again: its text stays, and `requestId` brings the rest. */
export function continued(message: AssistantMessage, requestId: string): AssistantMessage {
  const { failure: _f, stopFailure: _s, doneReason: _r, lastEventId: _l, cancelledBy: _c, ...rest } = message;
  return {
    ...rest,
    state: 'waiting',
    requestId,
    continuedFrom: {
      content: message.content.length,
      thinking: message.thinking.length,
      tokens: message.completionTokens ?? message.pieces ?? 0,
    },
  };
}

/** The reader stopped the response or left; received text stays. */
export function markStopped(
  message: AssistantMessage,
  now: number,
  by?: AssistantMessage['cancelledBy'],
): AssistantMessage {
  const stopped: AssistantMessage = { ...withoutQueue(endThinking(message, now)), state: 'stopped' };
  return by === undefined ? stopped : { ...stopped, cancelledBy: by };
}

export interface FailureReport {
  message: string;
  code: string;
  data?: ErrorData | undefined;
  retryAfterSeconds?: number | undefined;
}

export function markFailed(message: AssistantMessage, failure: FailureReport, now: number): AssistantMessage {
  return {
    ...withoutQueue(endThinking(message, now)),
    state: 'failed',
    failure: {
      message: failure.message,
      code: failure.code,
      ...(failure.data === undefined || Object.keys(failure.data).length === 0 ? {} : { data: failure.data }),
      ...(failure.retryAfterSeconds === undefined ? {} : { retryAt: now + failure.retryAfterSeconds * 1000 }),
    },
  };
}

export function describeFailure(error: unknown): FailureReport {
  if (error instanceof ApiError) return error;
  return { message: CONNECTION_STRINGS.unreadable, code: 'unknown_response' };
}

export function endThinking(message: AssistantMessage, now: number): AssistantMessage {
  if (message.thinkingStartedAt === undefined || message.thinkingEndedAt !== undefined) return message;
  return { ...message, thinkingEndedAt: now };
}

export function withoutQueue(message: AssistantMessage): AssistantMessage {
  if (message.queue === undefined) return message;
  const { queue: _, ...rest } = message;
  return rest;
}
