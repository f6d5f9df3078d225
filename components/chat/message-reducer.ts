import type { CacheHeader, ChatEvent, TokenUsage } from '#lib/wire/chat';
import type { AssistantMessage, QueuePosition } from './conversation.ts';
import { endThinking, markFailed, markStopped, withoutQueue } from './response-states.ts';

export function withCacheHeader(message: AssistantMessage, header: CacheHeader | null): AssistantMessage {
  if (header === 'hit') return { ...message, source: 'cached' };
  if (header === 'joined') return { ...message, source: 'joined' };
  return message;
}

/** An event of either stream. A status of the queue's says whether the text before it is void. */
export type ReadEvent = ChatEvent & { readonly restarted?: boolean };

/** Applies one event of the stream. Returns the same object if nothing changed. */
export function applyEvent(message: AssistantMessage, event: ReadEvent, now: number): AssistantMessage {
  const next = withConnection(withRequestId(message, event), event);
  if (event.done) return finish(next, event, now);
  if (event.restarted === true) return resetForReplay(next);
  if (event.status === 'queued') return { ...next, state: 'waiting', queue: queuePosition(event) };
  if (event.thinking !== undefined && event.thinking !== '') return appendThinking(next, event.thinking, now);
  if (event.content !== undefined && event.content !== '') return appendContent(next, event.content, now);
  return next;
}

/** Clears the text before a stream is replayed from its beginning. */
export function resetForReplay(message: AssistantMessage): AssistantMessage {
  const { failure: _failure, lastEventId: _lastEventId, ...rest } = message;
  const { content = 0, thinking = 0, tokens = 0 } = message.continuedFrom ?? {};
  return {
    ...rest,
    content: message.content.slice(0, content),
    thinking: message.thinking.slice(0, thinking),
    pieces: tokens,
    state: 'waiting',
  };
}

/**
 * The time spent on reasoning in milliseconds, up to `now` while it lasts; undefined without
 * reasoning.
 */
export function thinkingDurationMs(message: AssistantMessage, now: number): number | undefined {
  if (message.thinkingStartedAt === undefined) return undefined;
  return (message.thinkingEndedAt ?? now) - message.thinkingStartedAt;
}

function withRequestId(message: AssistantMessage, event: ChatEvent): AssistantMessage {
  const isNew = event.request_id !== undefined && event.request_id !== message.requestId;
  const isCached = event.cached === true && message.source === 'model';
  if (!isNew && !isCached) return message;
  return {
    ...message,
    ...(event.request_id === undefined ? {} : { requestId: event.request_id }),
    ...(isCached ? { source: 'cached' as const } : {}),
  };
}

/** An event without the field says that the server that writes is reached. */
function withConnection(message: AssistantMessage, { connection_lost: isLost }: ChatEvent): AssistantMessage {
  if (isLost === true) return message.isCutOff === true ? message : { ...message, isCutOff: true };
  if (message.isCutOff === undefined) return message;
  const { isCutOff: _, ...reached } = message;
  return reached;
}

function queuePosition(event: ChatEvent): QueuePosition {
  return {
    position: event.queue_position ?? 0,
    length: event.queue_length ?? 0,
    waitMs: event.estimated_wait_time ?? 0,
    ...(event.model_server === undefined ? {} : { server: event.model_server }),
    ...(event.share === undefined ? {} : { share: event.share }),
  };
}

function appendThinking(message: AssistantMessage, text: string, now: number): AssistantMessage {
  return {
    ...withoutQueue(message),
    state: 'streaming',
    thinking: message.thinking + text,
    pieces: (message.pieces ?? 0) + 1,
    thinkingStartedAt: message.thinkingStartedAt ?? now,
  };
}

function appendContent(message: AssistantMessage, text: string, now: number): AssistantMessage {
  return {
    ...withoutQueue(endThinking(message, now)),
    state: 'streaming',
    content: message.content + text,
    pieces: (message.pieces ?? 0) + 1,
  };
}

/** Who else stopped the response; undefined for its reader. */
function cancellerOf({ data }: ChatEvent): AssistantMessage['cancelledBy'] {
  if (data?.reason === 'locked_out') return 'lock-out';
  return data?.cancelled_by === 'operator' ? 'operator' : undefined;
}

function finish(message: AssistantMessage, event: ChatEvent, now: number): AssistantMessage {
  if (event.code === 'cancelled') return markStopped(message, now, cancellerOf(event));
  if (event.error !== undefined)
    return markFailed(message, { message: event.error, code: event.code ?? 'unknown_error', data: event.data }, now);
  const { pieces: _, ...read } = withoutQueue(endThinking(message, now));
  const done: AssistantMessage = { ...read, state: 'done' };
  if (event.model !== undefined) done.model = event.model;
  if (event.done_reason !== undefined) done.doneReason = event.done_reason;
  if (event.usage !== undefined) {
    Object.assign(done, usageFields(event.usage));
    done.completionTokens = (done.continuedFrom?.tokens ?? 0) + event.usage.completion_tokens;
  }
  const firstTokenMs = event.timings?.first_token_ms ?? undefined;
  if (firstTokenMs !== undefined) done.firstTokenMs ??= firstTokenMs;
  const rate = tokensPerSecond(event);
  // A shared response came partly before this request: its rate would be wrong.
  if (rate !== undefined && done.source === 'model') done.tokensPerSecond = rate;
  return done;
}

function usageFields({ completion_tokens, prompt_tokens, context_length, prompt_truncated }: TokenUsage) {
  return {
    completionTokens: completion_tokens,
    promptTokens: prompt_tokens,
    ...(context_length === undefined ? {} : { contextLength: context_length }),
    ...(prompt_truncated === true ? { promptTruncated: true } : {}),
  };
}

/** The rate between the first and the last token. */
function tokensPerSecond({ usage, timings }: ChatEvent): number | undefined {
  if (usage === undefined || timings === undefined || timings.first_token_ms === null) return undefined;
  const ms = timings.total_ms - timings.first_token_ms;
  return ms > 0 && usage.completion_tokens > 1 ? ((usage.completion_tokens - 1) / ms) * 1000 : undefined;
}
