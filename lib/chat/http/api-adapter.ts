import type { BodyFormat } from '#lib/chat/cache/response-cache';
import type { KeyedRequest } from '#lib/chat/chat-engine';
import { chatEngine } from '#lib/chat/engine-singleton';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import { type CompletedResponse, responseEvents } from '#lib/chat/generation/completed-response';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { RequestView } from '#lib/chat/generation/request-view';
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
export interface ApiFormat {
  readonly streamHeaders: Readonly<Record<string, string>>;
  encoder(request: RequestView): StreamEncoder;
  body(request: RequestView, response: CompletedResponse): object;
  /** The API's name for a field of the native request; absent if all names are the same. */
  fieldName?(field: string): string;
}

/** An API with the formats of its cached responses. */
export interface ApiAdapter extends ApiFormat {
  readonly cachedJson: BodyFormat;
  readonly cachedStream: BodyFormat;
}

export function apiAdapter(api: ApiFormat): ApiAdapter {
  return {
    ...api,
    cachedJson: { render: (request, response) => JSON.stringify(api.body(request, response)) },
    cachedStream: { render: (request, response) => wholeStream(api.encoder(request), response) },
  };
}

function wholeStream({ preamble, encode }: StreamEncoder, response: CompletedResponse): string {
  return responseEvents(response).reduce((text, event, index) => text + encode(event, index + 1), preamble);
}

export interface ParsedChatRequest {
  readonly chat: ChatRequest;
  /** Fields of the body that have no meaning here. */
  readonly unknownFields: readonly string[];
  /** Size of the body, if known. */
  readonly bodyBytes?: number;
}

/** A request that came before, without its messages: enough to reply with its cached response. */
export interface KnownRequest {
  readonly adapter: ApiAdapter;
  readonly stream: boolean;
  readonly unknownFields: readonly string[];
  readonly keyed: KeyedRequest;
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
  remember?: (known: KnownRequest) => void,
): Promise<Reply> {
  const { stream } = chat;
  const engine = chatEngine();
  const submitter = submitterOf(request, context, bodyBytes);
  if (remember !== undefined) submitter.onKey = keyListener(adapter, stream, unknownFields, remember);
  return engine.submit(chat, submitter).then(
    (pending) => {
      const cached = cachedReply(adapter, pending, stream, unknownFields);
      if (cached !== undefined) return cached;
      const headers = ignoredHeader(adapter, unknownFields, pending.ignoredFields);
      const { cacheStatus } = pending;
      return reply(adapter, pending, { cacheStatus, stream, signal: request.signal, headers }, context);
    },
    logRejection(context, chat.model),
  );
}

/** A separate function: its closure must not retain the request. */
function keyListener(
  adapter: ApiAdapter,
  stream: boolean,
  unknownFields: readonly string[],
  remember: (known: KnownRequest) => void,
): (keyed: KeyedRequest) => void {
  return (keyed) => remember({ adapter, stream, unknownFields, keyed });
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

/** The hot path: no await, no parsing. Undefined if the response is not from the cache. */
export function cachedReply(
  adapter: ApiAdapter,
  { id, caller, cachedResponse: cached, ignoredFields }: PendingRequest,
  stream: boolean,
  unknownFields: readonly string[],
): Reply | undefined {
  if (cached === undefined) return undefined;
  const { streamHeaders, cachedJson, cachedStream } = adapter;
  const { modelJson, usage } = cached;
  const body = cached.body(stream ? cachedStream : cachedJson, id);
  const headers = { 'x-cache': 'hit', 'x-request-id': id };
  const ignored = ignoredHeader(adapter, unknownFields, ignoredFields);
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
