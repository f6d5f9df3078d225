import {
  connectionEvent,
  doneEvent,
  errorEvent,
  errorFields,
  logprobsEvent,
  queuedEvent,
  responseMessage,
  sseData,
  sseText,
  textEvent,
  toolCallsEvent,
} from '#lib/chat/formats/native-events';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { eventNumber } from '#lib/chat/generation/event-numbers';
import type { LogEvent, QueueStatusEvent } from '#lib/chat/generation/generation-log';
import type { ReadableRequest, RequestView } from '#lib/chat/generation/request-view';
import type { ChatResponse } from '#lib/wire/chat';
import type { QueueEntry } from '#lib/wire/chat-queue';

const HEARTBEAT = sseData({ done: false, cached: false });
/** How long a browser that lost the stream waits before it reconnects. */
const RETRY_MS = 2_000;

/**
 * The stream of POST /api/chat-optimized: `data:` lines and blank lines only, for clients that
 * parse every line.
 */
export function nativeStreamEncoder(request: RequestView): StreamEncoder {
  let isLost = false;
  return {
    preamble: '',
    get heartbeat() {
      return isLost ? sseData(connectionEvent(true, request.id)) : HEARTBEAT;
    },
    encode(event) {
      if (event.type === 'content' || event.type === 'thinking') return sseText(event.type, event.text, request.cached);
      if (event.type !== 'status') return sseData(toChatEvent(request, event));
      isLost = event.connection_lost === true;
      if (event.status === 'queued') return sseData(queuedEvent(event, request.id, isOwn(request)));
      return event.connection_lost === undefined ? '' : sseData(connectionEvent(isLost, request.id));
    },
  };
}

/**
 * The stream of GET /api/chat-queue: full server-sent events, resumable after any event id. A
 * status has no id, so that the reader's position stays. With `isRestarted` its first event says
 * that the text before is void, because the request runs again from the start. It has the id 0: a
 * reader that is cut off behind it must not come back to the middle of a text that it has dropped.
 * When the server stops, a saved request's stream ends with its status, and the browser reconnects.
 */
export function queueStreamEncoder(request: ReadableRequest, isRestarted = false): StreamEncoder {
  const restarted = isRestarted ? `id: 0\n${pauseEvent(request, { restarted: true })}` : '';
  return {
    preamble: `retry: ${RETRY_MS}\n\n${restarted}`,
    heartbeat: ': still here\n\n',
    encode(event, number) {
      if (event.type === 'error' && request.isSuspended) return pauseEvent(request, { restarting: true });
      if (event.type === 'status') return sseStatus(statusEntry(request, event));
      const data = toChatEvent(request, event);
      return `id: ${eventNumber(request, number)}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
    },
  };
}

function pauseEvent(request: ReadableRequest, mark: { restarted: true } | { restarting: true }): string {
  const status = request.state === 'running' ? 'processing' : request.isSuspended ? 'queued' : request.state;
  return sseStatus({ request_id: request.id, done: false, status, ...mark });
}

function sseStatus(entry: object): string {
  return `event: status\ndata: ${JSON.stringify(entry)}\n\n`;
}

/** The JSON body of a completed request. */
export function nativeResponse(request: RequestView, response: CompletedResponse): ChatResponse {
  const { id, cached, conversation } = request;
  return {
    message: responseMessage(response),
    cached,
    request_id: id,
    model: response.model,
    done_reason: response.done_reason,
    ...(response.logprobs === undefined ? {} : { logprobs: response.logprobs }),
    usage: response.usage,
    timings: request.timings(),
    ...(conversation === undefined ? {} : { conversation: conversation.state }),
  };
}

/** The state of a request for a poll of GET /api/chat-queue. */
export function queueEntry(
  request: ReadableRequest,
  queueStatus: Pick<QueueEntry, 'queue_position' | 'queue_length' | 'estimated_wait_time' | 'share'>,
): QueueEntry {
  const { response, startedAt, cached, isSuspended } = request;
  const state = isSuspended ? 'queued' : request.state;
  const finishedAt = isSuspended ? undefined : request.finishedAt;
  const error = isSuspended ? undefined : request.error;
  const isLost = request.log.status?.connection_lost === true && finishedAt === undefined;
  return {
    request_id: request.id,
    status: state === 'running' ? 'processing' : state,
    completed: state === 'completed',
    ...queueStatus,
    ...(isLost ? { connection_lost: true } : {}),
    cached,
    ...(state === 'completed' && response !== undefined ? { message: responseMessage(response) } : {}),
    ...(error === undefined ? {} : errorFields(error)),
    created_at: new Date(request.createdAt).toISOString(),
    ...(startedAt === undefined ? {} : { started_at: new Date(startedAt).toISOString() }),
    ...(finishedAt === undefined ? {} : { finished_at: new Date(finishedAt).toISOString() }),
  };
}

/** Whether it began its generation, and did not join that of another caller. */
function isOwn({ id, generationId }: RequestView): boolean {
  return id === generationId;
}

function statusEntry(
  request: RequestView,
  { type: _, share, ...status }: QueueStatusEvent,
): QueueEntry & { done: false } {
  return {
    request_id: request.id,
    done: false,
    completed: false,
    cached: false,
    created_at: new Date(request.createdAt).toISOString(),
    ...status,
    ...(share === undefined || !isOwn(request) ? {} : { share }),
  };
}

function toChatEvent(request: RequestView, event: LogEvent) {
  const { id, model, cached, conversation } = request;
  switch (event.type) {
    case 'done':
      return doneEvent(
        { model, done_reason: event.done_reason, usage: event.usage },
        id,
        request.timings(),
        cached,
        conversation?.state,
      );
    case 'error':
      return errorEvent(event.error, id);
    case 'tool_calls':
      return toolCallsEvent(event.tool_calls, cached);
    case 'logprobs':
      return logprobsEvent(event.logprobs, cached);
    default:
      return textEvent(event.type, event.text, cached);
  }
}
