import type { Submitter } from '#lib/chat/chat-engine';
import { chatEngine } from '#lib/chat/engine-singleton';
import { queueEntry, queueStreamEncoder } from '#lib/chat/formats/native';
import type { SubmittedTicket } from '#lib/chat/generation/in-flight';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { jsonReply, logRejection, parseChatRequest, streamReply, submitterOf } from '#lib/chat/http/native-handler';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader } from '#lib/http/ignored-fields';
import { eventStream, json, type Reply } from '#lib/http/reply';
import { type RequestContext, route } from '#lib/http/route';
import { type QueueSubmitted, requestIdSchema } from '#lib/wire/chat';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat-queue',
  { POST: submit, GET: look, DELETE: cancel },
  { rateLimit: 'chat' },
);

async function submit(request: HttpRequest, call: RequestContext): Promise<Reply> {
  const idempotencyKey = request.headers.get('idempotency-key') ?? undefined;
  const from = { ...submitterOf(request, call), idempotencyKey };
  const { unknown, submitted } = enqueue(await readChatBody(request), from, call);
  const { request: ticket, cache, ignored } = await submitted;
  const { state, generation: run } = ticket;
  const body: QueueSubmitted = {
    request_id: ticket.id,
    status: { ...chatEngine().queueStatus(ticket), is_processing: state === 'running' },
    completed: state === 'completed',
    cached: run.cached,
  };
  return jsonReply(ticket, cache, body, 202, ignoredFieldsHeader(unknown, ignored));
}

/** Not async: nothing holds what is parsed while the request waits. */
function enqueue(
  bytes: Uint8Array,
  from: Submitter,
  call: RequestContext,
): { unknown: readonly string[]; submitted: Promise<SubmittedTicket> } {
  const { asked, unknown } = parseChatRequest(parseChatBody(bytes));
  const submitted = chatEngine().enqueue(asked, { ...from, bodyBytes: bytes.byteLength });
  return { unknown, submitted: submitted.catch(logRejection(call, asked.model)) };
}

async function look(request: HttpRequest, call: RequestContext): Promise<Reply> {
  const { signal } = request;
  const engine = chatEngine();
  const id = askedId(request);
  if (id === undefined) return json(engine.overview(call.caller));
  const ticket = engine.find(id, call.caller);
  if (!/\btext\/event-stream\b/i.test(request.headers.get('accept') ?? '')) return json(queueEntry(engine, ticket));
  const { log } = ticket.generation;
  const after = lastEventId(request, log.lastNumber);
  // To a browser that has everything, 204 says not to connect again.
  if (log.ended && after === log.lastNumber) return { status: 204, headers: {}, body: null };
  const cache = ticket.generation.cached ? 'hit' : 'joined';
  return streamReply(
    ticket,
    cache,
    queueStreamEncoder(ticket),
    signal,
    (body, headers) => eventStream(body, headers),
    after,
  );
}

function cancel(request: HttpRequest, call: RequestContext): Reply {
  const id = askedId(request);
  if (id === undefined) throw missing('is needed: it says which request to cancel');
  chatEngine().cancel(id, call.caller);
  return json({ request_id: id, status: 'cancelled', cancelled: true });
}

function askedId(request: HttpRequest): string | undefined {
  const { searchParams } = new URL(request.url);
  const id = searchParams.get('request_id') ?? searchParams.get('requestId');
  if (id === null) return undefined;
  const parsed = requestIdSchema.safeParse(id);
  if (!parsed.success) throw missing(parsed.error.issues[0]?.message ?? 'must be a UUID');
  return parsed.data;
}

function missing(message: string): AppError {
  return new AppError('invalid_request', `request_id ${message}.`, { details: [{ field: 'request_id', message }] });
}

/** The number after which a reader goes on; one that this answer never had begins anew. */
function lastEventId(request: HttpRequest, last: number): number {
  const header = request.headers.get('last-event-id') ?? '';
  const number = /^\d{1,15}$/.test(header) ? Number(header) : 0;
  return number <= last ? number : 0;
}
