import type { CachedBody, CachedResponse } from '#lib/chat/cache/response-cache';
import { chatEngine } from '#lib/chat/engine-singleton';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { waitUntilFinished } from '#lib/chat/generation/response-stream';
import { cachedResponseLogFields, requestLogFields } from '#lib/chat/http/access-log-fields';
import { jsonReply, streamReply } from '#lib/chat/http/chat-replies';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader } from '#lib/http/ignored-fields';
import { jsonBytes, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { CacheHeader, ChatRequest } from '#lib/wire/chat';

/** How one API writes responses. */
export interface ApiAdapter {
  readonly streamHeaders: Readonly<Record<string, string>>;
  encoder(request: PendingRequest): StreamEncoder;
  body(request: PendingRequest, response: CompletedResponse): object;
  /** The ready body of a cached response; absent if the cache has none for this API. */
  cachedBody?(cached: CachedResponse, id: string, stream: boolean): CachedBody;
  /** The API's name for a field of the native request; absent if all names are the same. */
  fieldName?(field: string): string;
}

export interface ParsedChatRequest {
  readonly chat: ChatRequest;
  /** Fields of the body that have no meaning here. */
  readonly unknownFields: readonly string[];
  /** Size of the body, if known. */
  readonly bodyBytes?: number;
}

/**
 * Submits a request of any API to the engine, so that all of them share cache, single flight and
 * queue. Not async: an async function would retain `chat` for as long as the request waits, and
 * the adapter must not retain it either.
 */
export function submitThrough(
  adapter: ApiAdapter,
  { chat, unknownFields, bodyBytes }: ParsedChatRequest,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const { stream } = chat;
  const engine = chatEngine();
  return engine.submit(chat, submitterOf(request, context, bodyBytes)).then(
    (pending) => {
      const ignored = ignoredHeader(adapter, unknownFields, pending.ignoredFields);
      const { cachedResponse, cacheStatus } = pending;
      if (cachedResponse !== undefined) {
        const body = adapter.cachedBody?.(cachedResponse, pending.id, stream);
        if (body !== undefined) return cachedReply(adapter, pending, cachedResponse, body, stream, ignored);
        engine.keepResult(pending);
      }
      return reply(adapter, pending, { cacheStatus, stream, signal: request.signal, headers: ignored }, context);
    },
    logRejection(context, chat.model),
  );
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
  pending: PendingRequest,
  { cacheStatus, stream, signal, headers }: ReplyOptions,
  context: RequestContext,
): Promise<Reply> {
  context.failureLog = () => requestLogFields(pending, cacheStatus);
  if (stream) {
    const encoder = adapter.encoder(pending);
    return streamReply(pending, cacheStatus, { encoder, signal, headers: { ...adapter.streamHeaders, ...headers } });
  }
  await waitUntilFinished(chatEngine(), pending, signal);
  const { response } = pending.generation;
  if (response === undefined) throw new AppError('internal_error', 'The response is not complete.');
  return jsonReply(pending, cacheStatus, adapter.body(pending, response), { headers });
}

/** The hot path: no await, no parsing. */
function cachedReply(
  { streamHeaders }: ApiAdapter,
  { id, caller }: PendingRequest,
  { modelJson, usage }: CachedResponse,
  body: CachedBody,
  stream: boolean,
  ignored: Record<string, string> | undefined,
): Reply {
  const headers = { 'x-cache': 'hit', 'x-request-id': id };
  if (ignored !== undefined) Object.assign(headers, ignored);
  const result: Reply = stream
    ? { status: 200, headers: { ...streamHeaders, ...headers }, body }
    : jsonBytes(body, 200, headers);
  result.log = cachedResponseLogFields(caller, modelJson, usage);
  return result;
}

function ignoredHeader(
  { fieldName }: ApiAdapter,
  unknown: readonly string[],
  ignored: readonly string[],
): Record<string, string> | undefined {
  if (unknown.length + ignored.length === 0) return undefined;
  return ignoredFieldsHeader(unknown, fieldName === undefined ? ignored : ignored.map(fieldName));
}
