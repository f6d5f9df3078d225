import type { z } from 'zod';
import { chatEngine } from '#lib/chat/engine-singleton';
import { nativeResponse, nativeStreamEncoder } from '#lib/chat/formats/native';
import {
  apiAdapter,
  type KnownRequest,
  type ParsedChatRequest,
  reply,
  submitThrough,
} from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { attachedStatus, EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import { replyToBody } from '#lib/chat/http/known-bodies';
import { parseBody } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { unknownFields } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { acceptCamelCase } from '#lib/wire/camel-case';
import { attachRequestSchema, CHAT_FIELDS, chatRequestSchema } from '#lib/wire/chat';
import { OLLAMA_FIELDS } from '#lib/wire/request-field-support';

const NATIVE_API = apiAdapter({
  streamHeaders: EVENT_STREAM_HEADERS,
  encoder: nativeStreamEncoder,
  body: nativeResponse,
  readsCache: 'pages',
});

/**
 * POST /api/chat-optimized and its alias: a response as JSON or as a stream, of a new request or
 * of one that is attached to by its id.
 */
export async function handleChat(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(NATIVE_BODIES, await readChatBody(request), request, context);
}

/** Not async: an async function would retain the body for as long as the request waits. */
function respond(
  body: NativeBody,
  request: HttpRequest,
  context: RequestContext,
  remember: (known: KnownRequest) => void,
): Promise<Reply> {
  if ('chat' in body) return submitThrough(NATIVE_API, body, request, context, remember);
  return attach(body, request, context);
}

async function attach(
  { request_id: id, stream }: z.output<typeof attachRequestSchema>,
  { signal }: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const pending = await chatEngine().find(id, context.caller);
  return await reply(NATIVE_API, pending, { cacheStatus: attachedStatus(pending), stream, signal }, context);
}

type NativeBody = ParsedChatRequest | z.output<typeof attachRequestSchema>;

const NATIVE_BODIES = { api: 'native', parse: parseNativeBody, respond };

function parseNativeBody(bytes: Uint8Array): NativeBody {
  const body = parseChatBody(bytes);
  const attaches =
    typeof body === 'object' &&
    body !== null &&
    (('request_id' in body && body.request_id != null) || ('requestId' in body && body.requestId != null));
  if (attaches) return parseBody(attachRequestSchema, body, CHAT_FIELDS);
  return parseChatRequest(body, bytes.byteLength);
}

/** Other APIs have the options at the top, so a name from there leads to its place here. */
const KNOWN_NAMES = [...CHAT_FIELDS, ...Object.keys(OLLAMA_FIELDS.Options).map((name) => `options.${name}`)];

/** The body of a native chat request. Throws `invalid_request`. */
export function parseChatRequest(body: unknown, bodyBytes: number): ParsedChatRequest {
  const chat = parseBody(chatRequestSchema, body, CHAT_FIELDS);
  return { chat, unknownFields: unknownFields(acceptCamelCase(body, CHAT_FIELDS), chat, KNOWN_NAMES), bodyBytes };
}
