import type { Submission } from '#lib/chat/chat-engine';
import { chatEngine } from '#lib/chat/engine-singleton';
import type { CompletedResponse } from '#lib/chat/formats/native-events';
import type { PendingRequest } from '#lib/chat/generation/in-flight';
import { type StreamEncoder, waitUntilFinished } from '#lib/chat/generation/log-reader';
import { requestLogFields } from '#lib/chat/http/access-log-fields';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { ChatRequest } from '#lib/wire/chat';
import { jsonReply, logRejection, streamReply, submitterOf } from './native-handler.ts';

/** How another API writes an answer. */
export interface ApiAdapter {
  encoder(ticket: PendingRequest): StreamEncoder;
  body(ticket: PendingRequest, answer: CompletedResponse): object;
  /** What its callers call a field of our own form, where that is another name. */
  fieldName?(field: string): string;
  /** The headers of a stream. */
  headers: Record<string, string>;
}

/**
 * Answers a request of another API over the pipeline, so that it shares cache, single flight and
 * queue with everyone. Not async: an async function would hold `asked` for as long as the request
 * waits; no form may hold it either. `unknown` are the fields that were sent and have no meaning
 * here, for the response header.
 */
export function submitThrough(
  surface: ApiAdapter,
  asked: ChatRequest,
  request: HttpRequest,
  call: RequestContext,
  signal: AbortSignal,
  unknown: readonly string[],
): Promise<Reply> {
  const { stream } = asked;
  return chatEngine()
    .submit(asked, { ...submitterOf(request, call), ownForm: true })
    .then((submission) => finish(surface, submission, stream, call, signal, unknown), logRejection(call, asked.model));
}

async function finish(
  surface: ApiAdapter,
  submission: Submission,
  stream: boolean,
  call: RequestContext,
  signal: AbortSignal,
  unknown: readonly string[],
): Promise<Reply> {
  if (submission.kind === 'hit') throw new Error('a request with a form of its own always has a ticket');
  const { request: ticket, cache, ignored } = submission;
  call.failureLog = () => requestLogFields(ticket, cache);
  const { fieldName: nameOf } = surface;
  const told =
    unknown.length + ignored.length === 0
      ? undefined
      : ignoredFieldsHeader(unknown, nameOf === undefined ? ignored : ignored.map(nameOf));
  if (stream)
    return streamReply(ticket, cache, surface.encoder(ticket), signal, (body, headers) => ({
      status: 200,
      headers: { ...surface.headers, ...headers, ...told },
      body,
    }));
  await waitUntilFinished(chatEngine(), ticket, signal);
  if (ticket.generation.response === undefined) throw new AppError('internal_error', 'The answer is not complete.');
  return jsonReply(ticket, cache, surface.body(ticket, ticket.generation.response), 200, told);
}
