import type { z } from 'zod';
import { answerStream, untilEnded } from '#lib/chat/answer-reader';
import { chatAnswer, chatForm } from '#lib/chat/forms';
import type { Ticket } from '#lib/chat/in-flight';
import { chatEngine } from '#lib/chat/index';
import type { Origin } from '#lib/chat/pipeline';
import { RecentBodies } from '#lib/chat/recent-bodies';
import { parseBody } from '#lib/http/body';
import { eventStream, json, jsonBytes, type Reply } from '#lib/http/reply';
import type { HttpRequest } from '#lib/http/request';
import type { Call } from '#lib/http/route';
import { processWide } from '#lib/process';
import {
  attachRequestSchema,
  type CacheHeader,
  CHAT_FIELDS,
  type ChatRequest,
  chatRequestSchema,
} from '#lib/wire/chat';
import { parseChatBytes, readChatBytes } from './body.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** POST /api/chat-optimized and its alias: an answer as JSON or as a stream, or one that is attached to by its id. */
export async function chat(request: HttpRequest, call: Call): Promise<Reply> {
  return respond(await readChatBytes(request), request, call);
}

/** Not async: an async function would hold the body, as bytes and parsed, for as long as the request waits. */
function respond(bytes: Uint8Array, request: HttpRequest, call: Call): Promise<Reply> {
  const engine = chatEngine();
  const asked = recentBodies().get(bytes, parseAsked);
  const { stream } = asked;
  if ('request_id' in asked) {
    const ticket = engine.find(asked.request_id, call.caller);
    return reply(ticket, ticket.run.cached ? 'hit' : 'joined', stream, request.signal);
  }
  return engine.submit(asked, origin(request, call, bytes.byteLength)).then((submission) => {
    if (submission.kind === 'ticket') return reply(submission.ticket, submission.cache, stream, request.signal);
    const { kept, id } = submission;
    const headers = { 'x-cache': 'hit' };
    return stream ? eventStream(kept.sse(id), headers) : jsonBytes(kept.json(id), 200, headers);
  });
}

/** Who asks. A request is known by its X-Request-Id, where that is a UUID: sent by its client, or given by us. */
export function origin(request: HttpRequest, call: Call, bodyBytes?: number): Origin {
  const cacheControl = request.headers.get('cache-control');
  return {
    caller: call.caller,
    id: UUID.test(call.requestId) ? call.requestId : undefined,
    fresh: cacheControl !== null && /\bno-cache\b/i.test(cacheControl),
    bodyBytes,
  };
}

async function reply(ticket: Ticket, cache: CacheHeader, stream: boolean, signal: AbortSignal): Promise<Reply> {
  const engine = chatEngine();
  const headers = { 'x-cache': cache };
  if (stream) return eventStream(await answerStream(engine, ticket, chatForm(ticket), signal), headers);
  await untilEnded(engine, ticket, signal);
  return json(chatAnswer(ticket), 200, headers);
}

type Asked = ChatRequest | z.output<typeof attachRequestSchema>;

function recentBodies(): RecentBodies<Asked> {
  return processWide('chat.recent-bodies', () => new RecentBodies<Asked>());
}

function parseAsked(bytes: Uint8Array): Asked {
  const body = parseChatBytes(bytes);
  const attaches =
    typeof body === 'object' &&
    body !== null &&
    (('request_id' in body && body.request_id != null) || ('requestId' in body && body.requestId != null));
  return parseBody(attaches ? attachRequestSchema : chatRequestSchema, body, CHAT_FIELDS);
}
