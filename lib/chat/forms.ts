import type { AnswerEvent, StatusEvent } from '#lib/chat/answer-log';
import type { Form } from '#lib/chat/answer-reader';
import {
  answerMessage,
  chatDone,
  chatFailed,
  chatLogprobs,
  chatQueued,
  chatText,
  chatToolCalls,
  dataLine,
} from '#lib/chat/chat-events';
import type { Ticket } from '#lib/chat/in-flight';
import type { ChatEngine } from '#lib/chat/pipeline';
import { Fault } from '#lib/fault';
import type { ChatAnswer, QueueEntry } from '#lib/wire/chat';

const CHAT_HEARTBEAT = dataLine({ done: false, cached: false });
/** After which a browser that lost the stream connects again. */
const RETRY_MS = 2_000;

/** The stream of POST /api/chat-optimized: `data:` lines and blank lines only, for clients that parse every line. */
export function chatForm(ticket: Ticket): Form {
  return {
    opening: '',
    heartbeat: CHAT_HEARTBEAT,
    event(event) {
      if (event.type === 'status') return event.status === 'queued' ? dataLine(chatQueued(event, ticket.id)) : '';
      return dataLine(lastOrText(ticket, event));
    },
  };
}

/** The stream of GET /api/chat-queue: full server-sent events, that can be resumed after any of their ids. */
export function queueForm(ticket: Ticket): Form {
  return {
    opening: `retry: ${RETRY_MS}\n\n`,
    heartbeat: ': still here\n\n',
    event(event, number) {
      const data = event.type === 'status' ? statusEntry(ticket, event) : lastOrText(ticket, event);
      return `id: ${number}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
    },
  };
}

/** The answer of a request that has completed, as one JSON body. */
export function chatAnswer(ticket: Ticket): ChatAnswer {
  const { answer, cached } = ticket.run;
  if (answer === undefined) throw new Fault('internal_error', 'The answer is not complete.');
  return {
    message: answerMessage(answer),
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
export function queueEntry(engine: ChatEngine, ticket: Ticket): QueueEntry {
  const { run, state, finishedAt } = ticket;
  const failure = ticket.failure;
  return {
    request_id: ticket.id,
    status: state === 'running' ? 'processing' : state,
    completed: state === 'completed',
    ...engine.standing(ticket),
    cached: run.cached,
    ...(state === 'completed' && run.answer !== undefined ? { message: answerMessage(run.answer) } : {}),
    ...(failure === undefined ? {} : { error: failure.message, code: failure.code }),
    created_at: new Date(ticket.createdAt).toISOString(),
    ...(run.startedAt === undefined ? {} : { started_at: new Date(run.startedAt).toISOString() }),
    ...(finishedAt === undefined ? {} : { finished_at: new Date(finishedAt).toISOString() }),
  };
}

function statusEntry(ticket: Ticket, event: StatusEvent): QueueEntry & { done: false } {
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

function lastOrText(ticket: Ticket, event: Exclude<AnswerEvent, { type: 'status' }>) {
  const { run } = ticket;
  switch (event.type) {
    case 'done':
      return chatDone(
        { model: run.model, done_reason: event.done_reason, usage: event.usage },
        ticket.id,
        ticket.timings(),
        run.cached,
        ticket.conversation,
      );
    case 'error':
      return chatFailed(event.fault, ticket.id);
    case 'tool_calls':
      return chatToolCalls(event.tool_calls, run.cached);
    case 'logprobs':
      return chatLogprobs(event.logprobs, run.cached);
    default:
      return chatText(event.type, event.text, run.cached);
  }
}
