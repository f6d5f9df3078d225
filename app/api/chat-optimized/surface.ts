import { type Form, untilEnded } from '#lib/chat/answer-reader';
import type { FinishedAnswer } from '#lib/chat/chat-events';
import type { Ticket } from '#lib/chat/in-flight';
import { chatEngine } from '#lib/chat/index';
import { ticketLine } from '#lib/chat/log-line';
import type { Submission } from '#lib/chat/pipeline';
import { Fault } from '#lib/fault';
import { ignoredHeader } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { HttpRequest } from '#lib/http/request';
import type { Call } from '#lib/http/route';
import type { ChatRequest } from '#lib/wire/chat';
import { origin, refused, streamed, whole } from './handler.ts';

/** How another API writes an answer. */
export interface Surface {
  form(ticket: Ticket): Form;
  body(ticket: Ticket, answer: FinishedAnswer): object;
  /** What its callers call a field of our own form, where that is another name. */
  nameOf?(field: string): string;
  /** The headers of a stream. */
  headers: Record<string, string>;
}

/**
 * Answers a request of another API over the pipeline, so that it shares cache, single flight and
 * queue with everyone. Not async: an async function would hold `asked` for as long as the request
 * waits; no form may hold it either. `unknown` are the fields that were sent and have no meaning
 * here, for the response header.
 */
export function answerThrough(
  surface: Surface,
  asked: ChatRequest,
  request: HttpRequest,
  call: Call,
  signal: AbortSignal,
  unknown: readonly string[],
): Promise<Reply> {
  const { stream } = asked;
  return chatEngine()
    .submit(asked, { ...origin(request, call), ownForm: true })
    .then((submission) => finish(surface, submission, stream, call, signal, unknown), refused(call, asked.model));
}

async function finish(
  surface: Surface,
  submission: Submission,
  stream: boolean,
  call: Call,
  signal: AbortSignal,
  unknown: readonly string[],
): Promise<Reply> {
  if (submission.kind === 'hit') throw new Error('a request with a form of its own always has a ticket');
  const { ticket, cache, ignored } = submission;
  call.failureLog = () => ticketLine(ticket, cache);
  const { nameOf } = surface;
  const told =
    unknown.length + ignored.length === 0
      ? undefined
      : ignoredHeader(unknown, nameOf === undefined ? ignored : ignored.map(nameOf));
  if (stream)
    return streamed(ticket, cache, surface.form(ticket), signal, (body, headers) => ({
      status: 200,
      headers: { ...surface.headers, ...headers, ...told },
      body,
    }));
  await untilEnded(chatEngine(), ticket, signal);
  if (ticket.run.answer === undefined) throw new Fault('internal_error', 'The answer is not complete.');
  return whole(ticket, cache, surface.body(ticket, ticket.run.answer), 200, told);
}
