import { queueEntry, queueForm } from '#lib/chat/forms';
import type { SubmittedTicket } from '#lib/chat/in-flight';
import { chatEngine } from '#lib/chat/index';
import type { Origin } from '#lib/chat/pipeline';
import { Fault } from '#lib/fault';
import { ignoredHeader } from '#lib/http/ignored-fields';
import { eventStream, json, type Reply } from '#lib/http/reply';
import type { HttpRequest } from '#lib/http/request';
import { type Call, route } from '#lib/http/route';
import { type QueueSubmitted, requestIdSchema } from '#lib/wire/chat';
import { parseChatBytes, readChatBytes } from '../chat-optimized/body.ts';
import { origin, readChatRequest, refused, streamed, whole } from '../chat-optimized/handler.ts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat-queue',
  { POST: submit, GET: look, DELETE: cancel },
  { limited: 'chat' },
);

async function submit(request: HttpRequest, call: Call): Promise<Reply> {
  const idempotencyKey = request.headers.get('idempotency-key') ?? undefined;
  const from = { ...origin(request, call), idempotencyKey };
  const { unknown, submitted } = enqueue(await readChatBytes(request), from, call);
  const { ticket, cache, ignored } = await submitted;
  const { state, run } = ticket;
  const body: QueueSubmitted = {
    request_id: ticket.id,
    status: { ...chatEngine().standing(ticket), is_processing: state === 'running' },
    completed: state === 'completed',
    cached: run.cached,
  };
  return whole(ticket, cache, body, 202, ignoredHeader(unknown, ignored));
}

/** Not async: nothing holds what is parsed while the request waits. */
function enqueue(
  bytes: Uint8Array,
  from: Origin,
  call: Call,
): { unknown: readonly string[]; submitted: Promise<SubmittedTicket> } {
  const { asked, unknown } = readChatRequest(parseChatBytes(bytes));
  const submitted = chatEngine().enqueue(asked, { ...from, bodyBytes: bytes.byteLength });
  return { unknown, submitted: submitted.catch(refused(call, asked.model)) };
}

async function look(request: HttpRequest, call: Call): Promise<Reply> {
  const { signal } = request;
  const engine = chatEngine();
  const id = askedId(request);
  if (id === undefined) return json(engine.overview(call.caller));
  const ticket = engine.find(id, call.caller);
  if (!/\btext\/event-stream\b/i.test(request.headers.get('accept') ?? '')) return json(queueEntry(engine, ticket));
  const { log } = ticket.run;
  const after = lastEventId(request, log.last);
  // To a browser that has everything, 204 says not to connect again.
  if (log.ended && after === log.last) return { status: 204, headers: {}, body: null };
  const cache = ticket.run.cached ? 'hit' : 'joined';
  return streamed(ticket, cache, queueForm(ticket), signal, (body, headers) => eventStream(body, headers), after);
}

function cancel(request: HttpRequest, call: Call): Reply {
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

function missing(message: string): Fault {
  return new Fault('invalid_request', `request_id ${message}.`, { details: [{ field: 'request_id', message }] });
}

/** The number after which a reader goes on; one that this answer never had begins anew. */
function lastEventId(request: HttpRequest, last: number): number {
  const header = request.headers.get('last-event-id') ?? '';
  const number = /^\d{1,15}$/.test(header) ? Number(header) : 0;
  return number <= last ? number : 0;
}
