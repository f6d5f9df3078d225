import type { z } from 'zod';
import { answerStream, type Form, untilEnded } from '#lib/chat/answer-reader';
import { chatAnswer, chatForm } from '#lib/chat/forms';
import type { Ticket } from '#lib/chat/in-flight';
import { chatEngine } from '#lib/chat/index';
import { hitLine, refusedLine, ticketLine } from '#lib/chat/log-line';
import type { Origin } from '#lib/chat/pipeline';
import { RecentBodies } from '#lib/chat/recent-bodies';
import { parseBody } from '#lib/http/body';
import { ignoredHeader, unknownFields } from '#lib/http/ignored-fields';
import { eventStream, json, jsonBytes, type Reply } from '#lib/http/reply';
import type { HttpRequest } from '#lib/http/request';
import type { Call } from '#lib/http/route';
import { processWide } from '#lib/process';
import { acceptCamelCase } from '#lib/wire/camel-case';
import {
  attachRequestSchema,
  type CacheHeader,
  CHAT_FIELDS,
  type ChatRequest,
  chatRequestSchema,
} from '#lib/wire/chat';
import { parseChatBytes, readChatBytes } from './body.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * POST /api/chat-optimized and its alias: an answer as JSON or as a stream, or one that is attached
 * to by its id.
 */
export async function chat(request: HttpRequest, call: Call): Promise<Reply> {
  return respond(await readChatBytes(request), request, call);
}

/**
 * Not async: an async function would hold the body, as bytes and parsed, for as long as the request
 * waits.
 */
function respond(bytes: Uint8Array, request: HttpRequest, call: Call): Promise<Reply> {
  const engine = chatEngine();
  const { asked, unknown } = recentBodies().get(bytes, parseAsked);
  const { stream } = asked;
  if ('request_id' in asked) {
    const ticket = engine.find(asked.request_id, call.caller);
    return reply(ticket, ticket.run.cached ? 'hit' : 'joined', stream, request.signal, call);
  }
  const onRefused = refused(call, asked.model);
  return engine.submit(asked, origin(request, call, bytes.byteLength)).then((submission) => {
    const { ignored } = submission;
    const told = unknown.length + ignored.length === 0 ? undefined : ignoredHeader(unknown, ignored);
    if (submission.kind === 'ticket')
      return reply(submission.ticket, submission.cache, stream, request.signal, call, told);
    const { kept, id } = submission;
    const headers = { 'x-cache': 'hit', 'x-request-id': id };
    if (told !== undefined) Object.assign(headers, told);
    const hit = stream ? eventStream(kept.sse(id), headers) : jsonBytes(kept.json(id), 200, headers);
    hit.log = hitLine(call.caller, kept.modelJson, kept.usage);
    return hit;
  }, onRefused);
}

/** Gives the line of a refused request its caller and model, and passes the fault on. */
export function refused(call: Call, model: string | undefined): (fault: unknown) => never {
  return (fault) => {
    call.failureLog = () => refusedLine(call.caller, model);
    throw fault;
  };
}

/**
 * Who asks. A request is known by its X-Request-Id, where that is a UUID that is free: sent by its
 * client, or given by us.
 */
export function origin(request: HttpRequest, call: Call, bodyBytes?: number): Origin {
  const cacheControl = request.headers.get('cache-control');
  return {
    caller: call.caller,
    id: !call.isIdGiven || UUID.test(call.requestId) ? call.requestId : undefined,
    isIdGiven: call.isIdGiven,
    fresh: cacheControl !== null && /\bno-cache\b/i.test(cacheControl),
    bodyBytes,
  };
}

async function reply(
  ticket: Ticket,
  cache: CacheHeader,
  stream: boolean,
  signal: AbortSignal,
  call: Call,
  told?: Record<string, string>,
): Promise<Reply> {
  const engine = chatEngine();
  call.failureLog = () => ticketLine(ticket, cache);
  if (stream)
    return streamed(ticket, cache, chatForm(ticket), signal, (body, headers) =>
      eventStream(body, { ...headers, ...told }),
    );
  await untilEnded(engine, ticket, signal);
  return whole(ticket, cache, chatAnswer(ticket), 200, told);
}

/** A reply that is streamed as `form` writes it; its line in the log is written when it ends. */
export async function streamed(
  ticket: Ticket,
  cache: CacheHeader,
  form: Form,
  signal: AbortSignal,
  make: (body: ReadableStream<Uint8Array>, headers: Record<string, string>) => Reply,
  after = 0,
): Promise<Reply> {
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  const body = await answerStream(chatEngine(), ticket, form, signal, after, onClosed);
  return {
    ...make(body, { 'x-cache': cache, 'x-request-id': ticket.id }),
    log: closed.then(() => ticketLine(ticket, cache)),
  };
}

/** A reply in one JSON body, of a request that has completed or was taken in. */
export function whole(
  ticket: Ticket,
  cache: CacheHeader,
  body: object,
  status = 200,
  told: Record<string, string> = {},
): Reply {
  return {
    ...json(body, status, { 'x-cache': cache, 'x-request-id': ticket.id, ...told }),
    log: ticketLine(ticket, cache),
  };
}

/**
 * A body as it was read, and the names in it that have no meaning here: found once, and remembered
 * with it.
 */
interface Asked {
  asked: ChatRequest | z.output<typeof attachRequestSchema>;
  unknown: readonly string[];
}

function recentBodies(): RecentBodies<Asked> {
  return processWide('chat.recent-bodies', () => new RecentBodies<Asked>());
}

function parseAsked(bytes: Uint8Array): Asked {
  const body = parseChatBytes(bytes);
  const attaches =
    typeof body === 'object' &&
    body !== null &&
    (('request_id' in body && body.request_id != null) || ('requestId' in body && body.requestId != null));
  if (attaches) return { asked: parseBody(attachRequestSchema, body, CHAT_FIELDS), unknown: [] };
  return readChatRequest(body);
}

/** The body of a chat request in our own form. Throws `invalid_request`. */
export function readChatRequest(body: unknown): { asked: ChatRequest; unknown: readonly string[] } {
  const asked = parseBody(chatRequestSchema, body, CHAT_FIELDS);
  return { asked, unknown: unknownFields(acceptCamelCase(body, CHAT_FIELDS), asked, CHAT_FIELDS) };
}
