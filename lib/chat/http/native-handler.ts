import type { z } from 'zod';
import { ParsedBodyCache } from '#lib/chat/cache/parsed-body-cache';
import type { Submitter } from '#lib/chat/chat-engine';
import { chatEngine } from '#lib/chat/engine-singleton';
import { nativeResponse, nativeStreamEncoder } from '#lib/chat/formats/native';
import type { PendingRequest } from '#lib/chat/generation/in-flight';
import { responseStream, type StreamEncoder, waitUntilFinished } from '#lib/chat/generation/log-reader';
import { cachedResponseLogFields, rejectedLogFields, requestLogFields } from '#lib/chat/http/access-log-fields';
import { parseBody } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader, unknownFields } from '#lib/http/ignored-fields';
import { eventStream, json, jsonBytes, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { singleton } from '#lib/singletons';
import { acceptCamelCase } from '#lib/wire/camel-case';
import {
  attachRequestSchema,
  type CacheHeader,
  CHAT_FIELDS,
  type ChatRequest,
  chatRequestSchema,
} from '#lib/wire/chat';
import { parseChatBody, readChatBody } from './chat-body.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * POST /api/chat-optimized and its alias: an answer as JSON or as a stream, or one that is attached
 * to by its id.
 */
export async function handleChat(request: HttpRequest, call: RequestContext): Promise<Reply> {
  return respond(await readChatBody(request), request, call);
}

/**
 * Not async: an async function would hold the body, as bytes and parsed, for as long as the request
 * waits.
 */
function respond(bytes: Uint8Array, request: HttpRequest, call: RequestContext): Promise<Reply> {
  const engine = chatEngine();
  const { asked, unknown } = parsedBodies().get(bytes, parseNativeBody);
  const { stream } = asked;
  if ('request_id' in asked) {
    const ticket = engine.find(asked.request_id, call.caller);
    return reply(ticket, ticket.generation.cached ? 'hit' : 'joined', stream, request.signal, call);
  }
  const onRefused = logRejection(call, asked.model);
  return engine.submit(asked, submitterOf(request, call, bytes.byteLength)).then((submission) => {
    const { ignored } = submission;
    const told = unknown.length + ignored.length === 0 ? undefined : ignoredFieldsHeader(unknown, ignored);
    if (submission.kind === 'ticket')
      return reply(submission.request, submission.cache, stream, request.signal, call, told);
    const { kept, id } = submission;
    const headers = { 'x-cache': 'hit', 'x-request-id': id };
    if (told !== undefined) Object.assign(headers, told);
    const hit = stream ? eventStream(kept.sse(id), headers) : jsonBytes(kept.json(id), 200, headers);
    hit.log = cachedResponseLogFields(call.caller, kept.modelJson, kept.usage);
    return hit;
  }, onRefused);
}

/** Gives the line of a refused request its caller and model, and passes the fault on. */
export function logRejection(call: RequestContext, model: string | undefined): (fault: unknown) => never {
  return (fault) => {
    call.failureLog = () => rejectedLogFields(call.caller, model);
    throw fault;
  };
}

/**
 * Who asks. A request is known by its X-Request-Id, where that is a UUID that is free: sent by its
 * client, or given by us.
 */
export function submitterOf(request: HttpRequest, call: RequestContext, bodyBytes?: number): Submitter {
  const cacheControl = request.headers.get('cache-control');
  return {
    caller: call.caller,
    id: !call.hasClientRequestId || UUID.test(call.requestId) ? call.requestId : undefined,
    isIdGiven: call.hasClientRequestId,
    bypassCache: cacheControl !== null && /\bno-cache\b/i.test(cacheControl),
    bodyBytes,
  };
}

async function reply(
  ticket: PendingRequest,
  cache: CacheHeader,
  stream: boolean,
  signal: AbortSignal,
  call: RequestContext,
  told?: Record<string, string>,
): Promise<Reply> {
  const engine = chatEngine();
  call.failureLog = () => requestLogFields(ticket, cache);
  if (stream)
    return streamReply(ticket, cache, nativeStreamEncoder(ticket), signal, (body, headers) =>
      eventStream(body, { ...headers, ...told }),
    );
  await waitUntilFinished(engine, ticket, signal);
  return jsonReply(ticket, cache, nativeResponse(ticket), 200, told);
}

/** A reply that is streamed as `form` writes it; its line in the log is written when it ends. */
export async function streamReply(
  ticket: PendingRequest,
  cache: CacheHeader,
  form: StreamEncoder,
  signal: AbortSignal,
  make: (body: ReadableStream<Uint8Array>, headers: Record<string, string>) => Reply,
  after = 0,
): Promise<Reply> {
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  const body = await responseStream(chatEngine(), ticket, form, signal, after, onClosed);
  return {
    ...make(body, { 'x-cache': cache, 'x-request-id': ticket.id }),
    log: closed.then(() => requestLogFields(ticket, cache)),
  };
}

/** A reply in one JSON body, of a request that has completed or was taken in. */
export function jsonReply(
  ticket: PendingRequest,
  cache: CacheHeader,
  body: object,
  status = 200,
  told: Record<string, string> = {},
): Reply {
  return {
    ...json(body, status, { 'x-cache': cache, 'x-request-id': ticket.id, ...told }),
    log: requestLogFields(ticket, cache),
  };
}

/**
 * A body as it was read, and the names in it that have no meaning here: found once, and remembered
 * with it.
 */
interface ParsedChatBody {
  asked: ChatRequest | z.output<typeof attachRequestSchema>;
  unknown: readonly string[];
}

function parsedBodies(): ParsedBodyCache<ParsedChatBody> {
  return singleton('chat.recent-bodies', () => new ParsedBodyCache<ParsedChatBody>());
}

function parseNativeBody(bytes: Uint8Array): ParsedChatBody {
  const body = parseChatBody(bytes);
  const attaches =
    typeof body === 'object' &&
    body !== null &&
    (('request_id' in body && body.request_id != null) || ('requestId' in body && body.requestId != null));
  if (attaches) return { asked: parseBody(attachRequestSchema, body, CHAT_FIELDS), unknown: [] };
  return parseChatRequest(body);
}

/** The body of a chat request in our own form. Throws `invalid_request`. */
export function parseChatRequest(body: unknown): { asked: ChatRequest; unknown: readonly string[] } {
  const asked = parseBody(chatRequestSchema, body, CHAT_FIELDS);
  return { asked, unknown: unknownFields(acceptCamelCase(body, CHAT_FIELDS), asked, CHAT_FIELDS) };
}
