import type { ChatEngine } from '#lib/chat/chat-engine';
import {
  doneEvent,
  errorEvent,
  logprobsEvent,
  queuedEvent,
  responseMessage,
  sseData,
  textEvent,
  toolCallsEvent,
} from '#lib/chat/formats/native-events';
import type { GenerationEvent, QueueStatusEvent } from '#lib/chat/generation/generation-log';
import type { PendingRequest } from '#lib/chat/generation/in-flight';
import type { StreamEncoder } from '#lib/chat/generation/log-reader';
import { AppError } from '#lib/errors';
import type { ChatResponse, QueueEntry } from '#lib/wire/chat';

const NATIVE_HEARTBEAT = sseData({ done: false, cached: false });
/** After which a browser that lost the stream connects again. */
const RETRY_MS = 2_000;

/** The stream of POST /api/chat-optimized: `data:` lines and blank lines only, for clients that parse every line. */
export function nativeStreamEncoder(ticket: PendingRequest): StreamEncoder {
  return {
    preamble: '',
    heartbeat: NATIVE_HEARTBEAT,
    encode(event) {
      if (event.type === 'status') return event.status === 'queued' ? sseData(queuedEvent(event, ticket.id)) : '';
      return sseData(toChatEvent(ticket, event));
    },
  };
}

/** The stream of GET /api/chat-queue: full server-sent events, that can be resumed after any of their ids. */
export function queueStreamEncoder(ticket: PendingRequest): StreamEncoder {
  return {
    preamble: `retry: ${RETRY_MS}\n\n`,
    heartbeat: ': still here\n\n',
    encode(event, number) {
      const data = event.type === 'status' ? statusEntry(ticket, event) : toChatEvent(ticket, event);
      return `id: ${number}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
    },
  };
}

/** The answer of a request that has completed, as one JSON body. */
export function nativeResponse(ticket: PendingRequest): ChatResponse {
  const { response: answer, cached } = ticket.generation;
  if (answer === undefined) throw new AppError('internal_error', 'The answer is not complete.');
  return {
    message: responseMessage(answer),
    cached,
    request_id: ticket.id,
    model: answer.model,
    done_reason: answer.done_reason,
    ...(answer.logprobs === undefined ? {} : { logprobs: answer.logprobs }),
    usage: answer.usage,
    timings: ticket.timings(),
    ...(ticket.conversation === undefined ? {} : { conversation: ticket.conversation }),
  };
}

/** What a poll of GET /api/chat-queue says of a request. */
export function queueEntry(engine: ChatEngine, ticket: PendingRequest): QueueEntry {
  const { generation: run, state, finishedAt } = ticket;
  const failure = ticket.error;
  return {
    request_id: ticket.id,
    status: state === 'running' ? 'processing' : state,
    completed: state === 'completed',
    ...engine.queueStatus(ticket),
    cached: run.cached,
    ...(state === 'completed' && run.response !== undefined ? { message: responseMessage(run.response) } : {}),
    ...(failure === undefined ? {} : { error: failure.message, code: failure.code }),
    created_at: new Date(ticket.createdAt).toISOString(),
    ...(run.startedAt === undefined ? {} : { started_at: new Date(run.startedAt).toISOString() }),
    ...(finishedAt === undefined ? {} : { finished_at: new Date(finishedAt).toISOString() }),
  };
}

function statusEntry(ticket: PendingRequest, event: QueueStatusEvent): QueueEntry & { done: false } {
  const { type: _, ...standing } = event;
  return {
    request_id: ticket.id,
    done: false,
    completed: false,
    cached: false,
    created_at: new Date(ticket.createdAt).toISOString(),
    ...standing,
  };
}

function toChatEvent(ticket: PendingRequest, event: Exclude<GenerationEvent, { type: 'status' }>) {
  const { generation: run } = ticket;
  switch (event.type) {
    case 'done':
      return doneEvent(
        { model: run.model, done_reason: event.done_reason, usage: event.usage },
        ticket.id,
        ticket.timings(),
        run.cached,
        ticket.conversation,
      );
    case 'error':
      return errorEvent(event.fault, ticket.id);
    case 'tool_calls':
      return toolCallsEvent(event.tool_calls, run.cached);
    case 'logprobs':
      return logprobsEvent(event.logprobs, run.cached);
    default:
      return textEvent(event.type, event.text, run.cached);
  }
}
