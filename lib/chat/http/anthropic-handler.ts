import { chatEngine } from '#lib/chat/engine-singleton';
import { anthropicMessage, anthropicStreamEncoder } from '#lib/chat/formats/anthropic';
import { anthropicFieldName } from '#lib/chat/formats/anthropic-errors';
import { fromAnthropic, fromAnthropicPrompt, ignoredBlocks } from '#lib/chat/formats/anthropic-request';
import { apiAdapter, type KnownRequest, type ParsedChatRequest, submitThrough } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import { replyToBody } from '#lib/chat/http/known-bodies';
import { logRejection } from '#lib/chat/http/submitter';
import { parseBody, parseOnce } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader, unknownFields } from '#lib/http/ignored-fields';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { type AnthropicPrompt, anthropicCountSchema, anthropicRequestSchema } from '#lib/wire/anthropic-request';

const FIELDS = Object.keys(anthropicRequestSchema.shape);

const API = apiAdapter({
  streamHeaders: EVENT_STREAM_HEADERS,
  encoder: anthropicStreamEncoder,
  body: anthropicMessage,
  fieldName: anthropicFieldName,
});

/** POST /v1/messages */
export async function handleMessages(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(ANTHROPIC_BODIES, await readChatBody(request), request, context);
}

/** Not async: an async function would retain the body for as long as the request waits. */
function respond(
  parsed: ParsedChatRequest,
  request: HttpRequest,
  context: RequestContext,
  remember: (known: KnownRequest) => void,
): Promise<Reply> {
  return submitThrough(API, parsed, request, context, remember);
}

const ANTHROPIC_BODIES = { api: 'anthropic', parse: parseMessages, respond };

function parseMessages(bytes: Uint8Array): ParsedChatRequest {
  const body = parseChatBody(bytes);
  const parsed = parseBody(anthropicRequestSchema, body);
  return { chat: fromAnthropic(parsed), unknownFields: ignoredFields(body, parsed) };
}

/** POST /v1/messages/count_tokens. The header `X-Token-Count` says whether it was counted. */
export async function handleCountTokens(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { chat, unknownFields: unknown } = parseOnce(await readChatBody(request), parsePrompt);
  const counting = chatEngine().countTokens(chat, request.signal);
  const { tokens, isEstimate, ignoredFields: ignored } = await counting.catch(logRejection(context, chat.model));
  return json({ input_tokens: tokens }, 200, {
    'x-token-count': isEstimate ? 'estimated' : 'counted',
    ...ignoredFieldsHeader(unknown, ignored.map(anthropicFieldName)),
  });
}

function parsePrompt(bytes: Uint8Array): ParsedChatRequest {
  const body = parseChatBody(bytes);
  const parsed = parseBody(anthropicCountSchema, body);
  return { chat: fromAnthropicPrompt(parsed), unknownFields: ignoredFields(body, parsed) };
}

function ignoredFields(body: unknown, parsed: AnthropicPrompt): readonly string[] {
  return [...unknownFields(body, parsed, FIELDS), ...ignoredBlocks(parsed)];
}
