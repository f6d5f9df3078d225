import { randomUUID } from 'node:crypto';
import { chatEngine } from '#lib/chat/engine-singleton';
import { responsesFieldName } from '#lib/chat/formats/responses';
import { checkResponsesRequest, fromResponses, ignoredIncludes } from '#lib/chat/formats/responses-request';
import { type KnownRequest, type ParsedChatRequest, submitThrough } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS, jsonReply, streamReply } from '#lib/chat/http/chat-replies';
import { replyToBody } from '#lib/chat/http/known-bodies';
import { ResponsesAdapter } from '#lib/chat/http/responses-adapter';
import { conversationOf, storedResponses } from '#lib/chat/http/responses-state';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import { parseBody } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader, unknownFields } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { type ResponsesRequest, responsesRequestSchema } from '#lib/wire/responses-request';

const FIELDS = Object.keys(responsesRequestSchema.shape);

/** POST /v1/responses */
export async function handleCreateResponse(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(RESPONSES_BODIES, await readChatBody(request), request, context);
}

interface ResponsesBody {
  readonly input: ResponsesRequest;
  readonly unknownFields: readonly string[];
  readonly bodyBytes: number;
}

const RESPONSES_BODIES = { api: 'responses', parse: parseResponsesBody, respond };

function parseResponsesBody(bytes: Uint8Array): ResponsesBody {
  const body = parseChatBody(bytes);
  const input = parseBody(responsesRequestSchema, body);
  checkResponsesRequest(input);
  return {
    input,
    unknownFields: [...unknownFields(body, input, FIELDS), ...ignoredIncludes(input)],
    bodyBytes: bytes.byteLength,
  };
}

/** Not async: an async function would retain the body for as long as the request waits. */
function respond(
  { input, unknownFields: unknown, bodyBytes }: ResponsesBody,
  request: HttpRequest,
  context: RequestContext,
  remember: (known: KnownRequest) => void,
): Promise<Reply> {
  const { items, added } = conversationOf(input, context.caller);
  const chat = fromResponses(input, items);
  const adapter = new ResponsesAdapter(input, added);
  const own = withFreshId(context);
  const isWhole = isWholeRequest(input);
  // A stored conversation is larger than the body that continues it.
  const parsed = { chat, unknownFields: unknown, ...(isWhole ? { bodyBytes } : {}) };
  if (input.background === true) return respondLater(adapter, parsed, request, own);
  return submitThrough(adapter, parsed, request, own, isWhole && adapter.isSmall ? remember : undefined);
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

/** Replies at once, or with a stream whose end does not end the work. */
function respondLater(
  adapter: ResponsesAdapter,
  { chat, unknownFields: unknown, bodyBytes }: ParsedChatRequest,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const { stream, model } = chat;
  const idempotencyKey = request.headers.get('idempotency-key') ?? undefined;
  const submitter = { ...submitterOf(request, context, bodyBytes), idempotencyKey };
  return chatEngine()
    .enqueue(chat, submitter)
    .then(
      async (pending) => {
        adapter.accepted(pending);
        const { cacheStatus, ignoredFields } = pending;
        const headers = ignoredFieldsHeader(unknown, ignoredFields.map(responsesFieldName));
        if (!stream) return jsonReply(pending, cacheStatus, adapter.current(pending), { headers });
        const encoder = adapter.eagerEncoder(pending);
        const { signal } = request;
        return streamReply(pending, cacheStatus, { encoder, signal, headers: { ...EVENT_STREAM_HEADERS, ...headers } });
      },
      logRejection(context, model),
    );
}
