import { type Form, untilEnded } from '#lib/chat/answer-reader';
import type { FinishedAnswer } from '#lib/chat/chat-events';
import type { Ticket } from '#lib/chat/in-flight';
import { chatEngine } from '#lib/chat/index';
import type { Submission } from '#lib/chat/pipeline';
import { Fault } from '#lib/fault';
import type { Reply } from '#lib/http/reply';
import type { HttpRequest } from '#lib/http/request';
import type { Call } from '#lib/http/route';
import type { ChatRequest } from '#lib/wire/chat';
import { origin, streamed, whole } from './handler.ts';

/** How another API writes an answer. */
export interface Surface {
  form(ticket: Ticket): Form;
  body(ticket: Ticket, answer: FinishedAnswer): object;
  /** The headers of a stream. */
  headers: Record<string, string>;
}

/**
 * Answers a request of another API over the pipeline, so that it shares cache, single flight and queue with everyone. Not
 * async: an async function would hold `asked` for as long as the request waits; no form may hold it either.
 */
export function answerThrough(
  surface: Surface,
  asked: ChatRequest,
  request: HttpRequest,
  call: Call,
  signal: AbortSignal,
): Promise<Reply> {
  const { stream } = asked;
  return chatEngine()
    .submit(asked, { ...origin(request, call), ownForm: true })
    .then((submission) => finish(surface, submission, stream, signal));
}

async function finish(surface: Surface, submission: Submission, stream: boolean, signal: AbortSignal): Promise<Reply> {
  if (submission.kind === 'hit') throw new Error('a request with a form of its own always has a ticket');
  const { ticket, cache } = submission;
  if (stream)
    return streamed(ticket, cache, surface.form(ticket), signal, (body, headers) => ({
      status: 200,
      headers: { ...surface.headers, ...headers },
      body,
    }));
  await untilEnded(chatEngine(), ticket, signal);
  if (ticket.run.answer === undefined) throw new Fault('internal_error', 'The answer is not complete.');
  return whole(ticket, cache, surface.body(ticket, ticket.run.answer));
}
