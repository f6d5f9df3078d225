import type { CacheReaders } from '#lib/chat/cache/cache-policy';
import type { BodyFormat } from '#lib/chat/cache/response-cache';
import { droppedNames } from '#lib/chat/dropped-fields';
import { chatEngine } from '#lib/chat/engine-singleton';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { AcceptedRequest } from '#lib/chat/generation/accepted-request';
import { type CompletedResponse, responseEvents } from '#lib/chat/generation/completed-response';
import type { ReadableRequest, RequestView } from '#lib/chat/generation/request-view';
import { waitUntilFinished } from '#lib/chat/generation/response-stream';
import { cachedResponseLogFields, requestLogFields } from '#lib/chat/http/access-log-fields';
import { jsonReply, type SettledApi, settlementOf, streamReply } from '#lib/chat/http/chat-replies';
import { submitCounted } from '#lib/chat/http/counted-submission';
import { priorityHeader, withAllowedPriority } from '#lib/chat/http/priority';
import { ageSeconds, DEGRADED, queuePosition } from '#lib/chat/http/reply-headers';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import type { KeyedRequest, Submitter } from '#lib/chat/submitter';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { droppedFieldsHeader, ignoredFieldsHeader } from '#lib/http/ignored-fields';
import { JSON_HEADERS, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { CacheHeader, ChatRequest } from '#lib/wire/chat';
import type { ErrorDetail } from '#lib/wire/error';

/** How one API writes responses. */
export interface ApiFormat extends SettledApi {
  readonly streamHeaders: Readonly<Record<string, string>>;
  encoder(request: RequestView): StreamEncoder;
  body(request: RequestView, response: CompletedResponse): object;
  /** The API's name for a field of the native request; absent if all names are the same. */
  fieldName?(field: string): string;
  /** Whose rule for the cache its requests have; `sdk` if absent. */
  readonly readsCache?: CacheReaders;
  /** Called when a request of this adapter was accepted, before the reply to it. */
  accepted?(request: AcceptedRequest): void;
}

/** An API with the formats of its cached responses. */
export interface ApiAdapter extends ApiFormat {
  readonly readsCache: CacheReaders;
  readonly cachedJson: BodyFormat;
  readonly cachedStream: BodyFormat;
  /** Memory of an adapter that belongs to one request. */
  readonly bytes?: number;
}

export function apiAdapter(api: ApiFormat): ApiAdapter {
  return {
    readsCache: 'sdk',
    ...api,
    cachedJson: { render: (request, response) => JSON.stringify(api.body(request, response)) },
    cachedStream: { render: (request, response) => wholeStream(api.encoder(request), response) },
  };
}

export function wholeStream({ preamble, encode }: StreamEncoder, response: CompletedResponse): string {
  return responseEvents(response).reduce((text, event, index) => text + encode(event, index + 1), preamble);
}

export interface ParsedChatRequest {
  readonly chat: ChatRequest;
  /** Fields of the body that have no meaning here. */
  readonly unknownFields: readonly string[];
  /** Fields that no model server supports, and that `chat` does not have. */
  readonly refused?: readonly ErrorDetail[];
  /** Size of the body, if known. */
  readonly bodyBytes?: number;
  /** The end user that the body names. */
  readonly endUser?: string | undefined;
}

/** A request that came before, without its messages: enough to reply with its cached response. */
export interface KnownRequest {
  readonly adapter: ApiAdapter;
  readonly stream: boolean;
  readonly unknownFields: readonly string[];
  /** Those of the body that were dropped before a model was chosen, by the API's names. */
  readonly droppedFields: readonly string[];
  /** `drop_params` of the body. */
  readonly dropParams: boolean | undefined;
  readonly keyed: KeyedRequest;
}

/**
 * Submits a request of any API to the engine, so that all of them share cache, single flight and
 * queue. Not async: an async function would retain `chat` for as long as the request waits, and
 * the adapter must not retain it either.
 */
export function submitThrough(
  adapter: ApiAdapter,
  { chat: sent, unknownFields, refused = [], bodyBytes, endUser }: ParsedChatRequest,
  request: HttpRequest,
  context: RequestContext,
  remember?: (known: KnownRequest) => void,
): Promise<Reply> {
  const { stream, drop_params: dropParams, model } = sent;
  const submitter = submitterFor(adapter, request, context, bodyBytes, endUser);
  const droppedFields = droppedNames(refused, dropsFields(dropParams, submitter, context));
  const { chat, cappedPriority } = withAllowedPriority(sent, context.principal);
  const reported = { unknownFields, droppedFields, cappedPriority };
  if (remember !== undefined)
    submitter.onKey = keyListener({ adapter, stream, dropParams, unknownFields, droppedFields }, remember);
  return submitCounted(chat, submitter, context).then(
    (pending) => {
      const cached = cachedReply(adapter, pending, stream, reported);
      if (cached !== undefined) return cached;
      adapter.accepted?.(pending);
      const headers = fieldHeaders(adapter, pending, reported);
      context.failureHeaders = headers;
      const { cacheStatus } = pending;
      return reply(adapter, pending, { cacheStatus, stream, signal: request.signal, headers }, context);
    },
    logRejection(context, model),
  );
}

/** The submitter of a request to an API. */
export function submitterFor(
  { readsCache }: ApiAdapter,
  request: HttpRequest,
  context: RequestContext,
  bodyBytes?: number,
  endUser?: string,
): Submitter {
  return submitterOf(request, context, bodyBytes, readsCache, endUser);
}

/** Whether fields that no model server supports, or not the chosen one, are left out. */
export function dropsFields(
  ofBody: boolean | undefined,
  { dropParams }: Submitter,
  { settings }: RequestContext,
): boolean {
  return ofBody ?? dropParams ?? settings.DROP_PARAMS;
}

/** A separate function: its closure must not retain the request. */
function keyListener(
  request: Omit<KnownRequest, 'keyed'>,
  remember: (known: KnownRequest) => void,
): (keyed: KeyedRequest) => void {
  return (keyed) => remember({ ...request, keyed });
}

interface ReplyOptions {
  readonly cacheStatus: CacheHeader;
  readonly stream: boolean;
  /** The client's. */
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Replies with the response of a generation, as JSON or as a stream. */
export async function reply(
  adapter: ApiAdapter,
  pending: ReadableRequest,
  { cacheStatus, stream, signal, headers }: ReplyOptions,
  context: RequestContext,
): Promise<Reply> {
  context.failureLog = () => requestLogFields(pending, cacheStatus);
  const position = queuePosition(pending);
  if (stream) {
    const encoder = adapter.encoder(pending);
    const allHeaders = { ...adapter.streamHeaders, ...headers };
    return streamReply(pending, cacheStatus, { api: adapter, encoder, signal, headers: allHeaders, position });
  }
  await waitUntilFinished(chatEngine(), pending, signal);
  const { response } = pending;
  if (response === undefined) throw new AppError('internal_error', 'The response is not complete.');
  const settling = settlementOf(pending, adapter);
  const isKnown = settling === undefined || (await settling);
  return jsonReply(pending, cacheStatus, adapter.body(pending, response), { headers, position, isKnown });
}

/**
 * The hot path: no await, no parsing. Undefined if the response is not from the cache. A promise if
 * other servers are to know first what the reply names.
 */
export function cachedReply(
  adapter: ApiAdapter,
  pending: AcceptedRequest,
  stream: boolean,
  reported: ReportedFields,
): Reply | Promise<Reply> | undefined {
  const { id, caller, principal, createdAt, cachedResponse: cached } = pending;
  if (cached === undefined) return undefined;
  adapter.accepted?.(pending);
  const { streamHeaders, cachedJson, cachedStream } = adapter;
  const { modelJson, usage } = cached;
  const body = cached.body(stream ? cachedStream : cachedJson, id);
  const age = ageSeconds(cached.createdAt, createdAt);
  const headers: Record<string, string> = stream
    ? { ...streamHeaders, 'x-cache': 'hit', age, 'x-request-id': id }
    : { ...JSON_HEADERS, 'x-cache': 'hit', age, 'x-request-id': id };
  const fields = fieldHeaders(adapter, pending, reported);
  if (fields !== undefined) Object.assign(headers, fields);
  const log = cachedResponseLogFields(caller, modelJson, usage, principal);
  const reply: Reply = { status: 200, headers, body, log };
  if (adapter.settled === undefined && pending.conversation === undefined) return reply;
  return settlementOf(pending, adapter)?.then((isKnown) => (isKnown ? reply : withoutOthers(reply))) ?? reply;
}

/** A reply that names what is known to this server alone for now. */
export function withoutOthers(reply: Reply): Reply {
  return { ...reply, headers: { ...reply.headers, ...DEGRADED } };
}

interface ReportedFields extends Pick<KnownRequest, 'unknownFields' | 'droppedFields'> {
  /** The priority of the request, if that is less than it asked for. */
  readonly cappedPriority?: number | undefined;
}

/** The headers that name fields without an effect. Undefined without such fields. */
export function fieldHeaders(
  { fieldName }: Pick<ApiAdapter, 'fieldName'>,
  { ignoredFields: ignored, droppedFields: dropped }: Pick<AcceptedRequest, 'ignoredFields' | 'droppedFields'>,
  { unknownFields, droppedFields, cappedPriority }: ReportedFields,
): Record<string, string> | undefined {
  if (
    cappedPriority === undefined &&
    unknownFields.length + ignored.length + droppedFields.length + dropped.length === 0
  )
    return undefined;
  return {
    ...priorityHeader(cappedPriority),
    ...ignoredFieldsHeader(unknownFields, fieldName === undefined ? ignored : ignored.map(fieldName)),
    ...droppedFieldsHeader(droppedFields, fieldName === undefined ? dropped : dropped.map(fieldName)),
  };
}
