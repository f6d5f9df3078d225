import { chatEngine } from '#lib/chat/engine-singleton';
import { queueEntry, queueStreamEncoder } from '#lib/chat/formats/native';
import type { AcceptedRequest } from '#lib/chat/generation/accepted-request';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import {
  attachedStatus,
  EVENT_STREAM_HEADERS,
  jsonReply,
  settlementOf,
  streamReply,
} from '#lib/chat/http/chat-replies';
import { parseChatRequest } from '#lib/chat/http/native-handler';
import { priorityHeader, withAllowedPriority } from '#lib/chat/http/priority';
import { readPosition } from '#lib/chat/http/read-position';
import { restoredQueue, restoredRequests } from '#lib/chat/http/restored-requests';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import type { RequestOwner } from '#lib/chat/request-access';
import { authMode } from '#lib/config/auth-mode';
import { AppError } from '#lib/errors';
import { type AuditRecord, recordChange } from '#lib/http/audit';
import { parseOnce } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { droppedFieldsHeader, ignoredFieldsHeader } from '#lib/http/ignored-fields';
import { ownerOf } from '#lib/http/principal';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { requestIdSchema } from '#lib/wire/chat';
import { type CancelledBy, cancelledBySchema, type QueueSubmitted } from '#lib/wire/chat-queue';

/** POST /api/chat-queue: accepts a request that runs without a reader. */
export async function handleEnqueue(request: HttpRequest, context: RequestContext): Promise<Reply> {
  await restoredQueue();
  const { unknown, cappedPriority, enqueued } = enqueue(await readChatBody(request), request, context);
  const pending = await enqueued;
  await pending.saved?.written;
  const settling = settlementOf(pending);
  const isKnown = settling === undefined || (await settling);
  const { state, cached, cacheStatus, ignoredFields, droppedFields, isSuspended } = pending;
  const standing = chatEngine().queueStatusHere(pending);
  // A worker of the servers that share a queue is about to take what does not have to wait.
  const isTaken = state === 'queued' && standing.queue_position === 0 && !isSuspended;
  const body: QueueSubmitted = {
    request_id: pending.id,
    status: { ...standing, is_processing: state === 'running' || isTaken },
    completed: state === 'completed',
    cached,
    ...(pending.saved?.isOnDisk === false ? { saved: false } : {}),
  };
  const headers = {
    ...priorityHeader(cappedPriority),
    ...ignoredFieldsHeader(unknown, ignoredFields),
    ...droppedFieldsHeader(droppedFields),
  };
  const { queue_position: position } = body.status;
  return jsonReply(pending, cacheStatus, body, { status: 202, headers, position, isKnown });
}

/** Not async: an async function would retain the body for as long as the request waits. */
function enqueue(
  bytes: Uint8Array,
  request: HttpRequest,
  context: RequestContext,
): { unknown: readonly string[]; cappedPriority: number | undefined; enqueued: Promise<AcceptedRequest> } {
  const { chat: sent, unknownFields } = parseChatRequest(parseOnce(bytes, parseChatBody), bytes.byteLength);
  const { chat, cappedPriority } = withAllowedPriority(sent, context.principal);
  const idempotencyKey = request.headers.get('idempotency-key') ?? undefined;
  const submitter = { ...submitterOf(request, context, bytes.byteLength, 'pages'), idempotencyKey };
  const enqueued = chatEngine().enqueue(chat, submitter).catch(logRejection(context, chat.model));
  return { unknown: unknownFields, cappedPriority, enqueued };
}

/** GET /api/chat-queue: the queue, or one request as JSON or as a resumable event stream. */
export async function handleQueueStatus(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { signal } = request;
  const engine = chatEngine();
  const id = requestIdParameter(request);
  if (id === undefined) {
    await restoredQueue();
    return json(await engine.overview(context.principal));
  }
  await restoredRequests();
  const pending = await engine.find(id, context.caller);
  if (!/\btext\/event-stream\b/i.test(request.headers.get('accept') ?? '')) {
    const settling = settlementOf(pending);
    if (settling !== undefined) await settling;
    return json(queueEntry(pending, await engine.queueStatus(pending)));
  }
  const { log } = pending;
  const { after, hasAll, isRestarted } = readPosition(request.headers.get('last-event-id'), pending);
  // 204 stops the browser's reconnects once it has everything.
  if (log.ended && hasAll) return { status: 204, headers: {}, body: null };
  return streamReply(pending, attachedStatus(pending), {
    encoder: queueStreamEncoder(pending, isRestarted),
    signal,
    headers: EVENT_STREAM_HEADERS,
    after,
  });
}

/** DELETE /api/chat-queue: by the owner, the manager of its group, or an administrator. */
export async function handleQueueCancel(request: HttpRequest, context: RequestContext): Promise<Reply> {
  await restoredRequests();
  const id = requestIdParameter(request);
  if (id === undefined) throw invalidRequestId('is needed: it says which request to cancel');
  const other = await chatEngine().cancelAs(id, context.principal, cancelledBy(request, context));
  if (other !== undefined) recordChange(context, cancelOf(id, other));
  return json({ request_id: id, status: 'cancelled', cancelled: true });
}

/** The record of the cancel of another caller's request: whose it was, and not what it says. */
function cancelOf(id: string, { caller, principal }: RequestOwner): AuditRecord {
  const owner = principal?.userId === undefined ? caller : `user:${principal.userId}`;
  return {
    action: 'request.cancel',
    target: id,
    summary: `cancelled a request of ${ownerOf(owner)}`,
    changes: { owner, caller },
  };
}

function requestIdParameter(request: HttpRequest): string | undefined {
  const { searchParams } = new URL(request.url);
  const id = searchParams.get('request_id') ?? searchParams.get('requestId');
  if (id === null) return undefined;
  const parsed = requestIdSchema.safeParse(id);
  if (!parsed.success) throw invalidRequestId(parsed.error.issues[0]?.message ?? 'must be a UUID');
  return parsed.data;
}

/** Where there are several callers, their own requests are cancelled by them, not the operator. */
function cancelledBy(request: HttpRequest, { settings }: RequestContext): CancelledBy {
  const by = cancelledByParameter(request);
  return authMode(settings) === 'accounts' || settings.API_KEYS.length > 1 ? 'user' : by;
}

function cancelledByParameter(request: HttpRequest): CancelledBy {
  const by = new URL(request.url).searchParams.get('cancelled_by') ?? 'user';
  const parsed = cancelledBySchema.safeParse(by);
  if (parsed.success) return parsed.data;
  const message = 'must be user or operator';
  throw new AppError('invalid_request', `cancelled_by ${message}.`, { details: [{ field: 'cancelled_by', message }] });
}

function invalidRequestId(message: string): AppError {
  return new AppError('invalid_request', `request_id ${message}.`, { details: [{ field: 'request_id', message }] });
}
