import { randomUUID } from 'node:crypto';
import { droppedNames } from '#lib/chat/dropped-fields';
import {
  fromResponses,
  ignoredIncludes,
  refusedResponsesFields,
  withoutRefused,
} from '#lib/chat/formats/responses-request';
import { dropsFields, fieldHeaders, type KnownRequest, submitThrough } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS, jsonReply, pausing, settlementOf, streamReply } from '#lib/chat/http/chat-replies';
import { enqueueCounted } from '#lib/chat/http/counted-submission';
import { replyToBody } from '#lib/chat/http/known-bodies';
import { queuePosition } from '#lib/chat/http/reply-headers';
import { ResponsesAdapter } from '#lib/chat/http/responses-adapter';
import { conversationOf, loadConversation, storedResponses } from '#lib/chat/http/responses-state';
import { restoredRequests } from '#lib/chat/http/restored-requests';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import { parseBody } from '#lib/http/body';
import { endUserOf } from '#lib/http/end-user';
import type { HttpRequest } from '#lib/http/http-request';
import { unknownFields } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { ChatRequest } from '#lib/wire/chat';
import type { ErrorDetail } from '#lib/wire/error';
import { type ResponsesRequest, responsesRequestSchema } from '#lib/wire/responses-request';

const FIELDS = Object.keys(responsesRequestSchema.shape);

/** POST /v1/responses */
export async function handleCreateResponse(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(RESPONSES_BODIES, await readChatBody(request), request, context);
}

interface ResponsesBody {
  readonly input: ResponsesRequest;
  readonly unknownFields: readonly string[];
  /** Fields that no model server supports. */
  readonly refused: readonly ErrorDetail[];
  readonly bodyBytes: number;
  readonly endUser: string | undefined;
}

const RESPONSES_BODIES = { api: 'responses', parse: parseResponsesBody, respond };

function parseResponsesBody(bytes: Uint8Array): ResponsesBody {
  const body = parseChatBody(bytes);
  const input = parseBody(responsesRequestSchema, body);
  const refused = refusedResponsesFields(input);
  return {
    input,
    refused,
    unknownFields: [...unknownFields(body, input, FIELDS), ...ignoredIncludes(input)],
    bodyBytes: bytes.byteLength,
    endUser: endUserOf(body, 'user'),
  };
}

type Remember = (known: KnownRequest) => void;

/** Not async: an async function would retain the body for as long as the request waits. */
function respond(
  body: ResponsesBody,
  request: HttpRequest,
  context: RequestContext,
  remember: Remember,
): Promise<Reply> {
  // Before the conversation is read: what is refused in it is never dropped.
  const droppedFields = droppedResponsesFields(body.refused, body.input, request, context);
  const loading = loadConversation(body.input, context.caller);
  if (loading === undefined) return submit(body, droppedFields, request, context, remember);
  return loading.then(() => submit(body, droppedFields, request, context, remember));
}

/** Not async: see `respond`. */
function submit(
  { input: sent, unknownFields: unknown, refused, bodyBytes, endUser }: ResponsesBody,
  droppedFields: readonly string[],
  request: HttpRequest,
  context: RequestContext,
  remember: Remember,
): Promise<Reply> {
  const input = droppedFields.length === 0 ? sent : withoutRefused(sent);
  const { items, added } = conversationOf(input, context.caller);
  const chat = fromResponses(input, items);
  const adapter = ResponsesAdapter.of(input, added);
  const own = withFreshId(context);
  const isWhole = isWholeRequest(input);
  // A stored conversation is larger than the body that continues it.
  const parsed = { chat, unknownFields: unknown, refused, endUser, ...(isWhole ? { bodyBytes } : {}) };
  if (input.background === true) {
    const later = { ...parsed, droppedFields };
    const restoring = restoredRequests();
    if (restoring === undefined) return respondLater(adapter, later, request, own);
    return restoring.then(() => respondLater(adapter, later, request, own));
  }
  return submitThrough(adapter, parsed, request, own, isWhole && adapter.isSmall ? remember : undefined);
}

/** Names of `refused` fields that are dropped. Throws `unsupported_parameter` if they are not. */
export function droppedResponsesFields(
  refused: readonly ErrorDetail[],
  { drop_params: ofBody }: Pick<ResponsesRequest, 'drop_params'>,
  request: HttpRequest,
  context: RequestContext,
): readonly string[] {
  if (refused.length === 0) return [];
  return droppedNames(refused, dropsFields(ofBody, submitterOf(request, context), context));
}

/** Whether the same bytes mean the same request: what is stored may be deleted or expire. */
function isWholeRequest({ input, previous_response_id: previous }: ResponsesRequest): boolean {
  if (previous !== undefined || input === undefined) return false;
  return typeof input === 'string' || input.every(({ type }) => type !== 'item_reference');
}

/** The id that a client chose must not be that of a stored response, which would be replaced. */
function withFreshId(context: RequestContext): RequestContext {
  const { hasClientRequestId, requestId, caller } = context;
  if (!hasClientRequestId || !storedResponses().isStored(caller, requestId)) return context;
  return { ...context, requestId: randomUUID(), hasClientRequestId: false };
}

interface BackgroundRequest {
  readonly chat: ChatRequest;
  readonly unknownFields: readonly string[];
  readonly droppedFields: readonly string[];
  readonly bodyBytes?: number | undefined;
  readonly endUser: string | undefined;
}

/** Replies at once, or with a stream whose end does not end the work. */
function respondLater(
  adapter: ResponsesAdapter,
  { chat, unknownFields: unknown, droppedFields, bodyBytes, endUser }: BackgroundRequest,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const { stream, model } = chat;
  const idempotencyKey = request.headers.get('idempotency-key') ?? undefined;
  const saveApi = () => ({ name: 'responses', data: adapter.toSaved() });
  const submitter = { ...submitterOf(request, context, bodyBytes, 'sdk', endUser), idempotencyKey, saveApi };
  return enqueueCounted(chat, submitter, context).then(
    async (pending) => {
      adapter.accepted(pending);
      await pending.saved?.written;
      const { cacheStatus } = pending;
      const headers = fieldHeaders(adapter, pending, { unknownFields: unknown, droppedFields });
      const position = queuePosition(pending);
      if (!stream) {
        const settling = settlementOf(pending, adapter);
        const isKnown = settling === undefined || (await settling);
        return jsonReply(pending, cacheStatus, adapter.current(pending), { headers, position, isKnown });
      }
      const encoder = pausing(pending, adapter.eagerEncoder(pending));
      const { signal } = request;
      const allHeaders = { ...EVENT_STREAM_HEADERS, ...headers };
      return streamReply(pending, cacheStatus, { api: adapter, encoder, signal, headers: allHeaders, position });
    },
    logRejection(context, model),
  );
}
