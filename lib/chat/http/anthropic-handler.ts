import { droppedNames } from '#lib/chat/dropped-fields';
import { chatEngine } from '#lib/chat/engine-singleton';
import { anthropicMessage, anthropicStreamEncoder } from '#lib/chat/formats/anthropic';
import { anthropicFieldName } from '#lib/chat/formats/anthropic-errors';
import { refusedAnthropicFields } from '#lib/chat/formats/anthropic-refusals';
import { fromAnthropic, fromAnthropicPrompt, ignoredBlocks } from '#lib/chat/formats/anthropic-request';
import { requireAllowedModel } from '#lib/chat/http/allowed-models';
import {
  apiAdapter,
  dropsFields,
  fieldHeaders,
  type KnownRequest,
  type ParsedChatRequest,
  submitThrough,
  submitterFor,
} from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import { replyToBody } from '#lib/chat/http/known-bodies';
import { logRejection } from '#lib/chat/http/submitter';
import { parseBody, parseOnce } from '#lib/http/body';
import { endUserOf } from '#lib/http/end-user';
import type { HttpRequest } from '#lib/http/http-request';
import { unknownFields } from '#lib/http/ignored-fields';
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
  const refused = refusedAnthropicFields(parsed);
  const endUser = endUserOf(body, 'metadata', 'user_id');
  return { chat: fromAnthropic(parsed), unknownFields: ignoredFields(body, parsed), refused, endUser };
}

/** POST /v1/messages/count_tokens. The header `X-Token-Count` says whether it was counted. */
export async function handleCountTokens(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { chat, unknownFields: unknown, refused = [] } = parseOnce(await readChatBody(request), parsePrompt);
  const drops = dropsFields(chat.drop_params, submitterFor(API, request, context), context);
  const droppedFields = droppedNames(refused, drops);
  await requireAllowedModel(context.principal, chat.model);
  const counting = chatEngine().countTokens({ ...chat, drop_params: drops }, request.signal);
  const count = await counting.catch(logRejection(context, chat.model));
  return json({ input_tokens: count.tokens }, 200, {
    'x-token-count': count.isEstimate ? 'estimated' : 'counted',
    ...fieldHeaders(API, count, { unknownFields: unknown, droppedFields }),
  });
}

function parsePrompt(bytes: Uint8Array): ParsedChatRequest {
  const body = parseChatBody(bytes);
  const parsed = parseBody(anthropicCountSchema, body);
  const refused = refusedAnthropicFields(parsed);
  return { chat: fromAnthropicPrompt(parsed), unknownFields: ignoredFields(body, parsed), refused };
}

function ignoredFields(body: unknown, parsed: AnthropicPrompt): readonly string[] {
  return [...unknownFields(body, parsed, FIELDS), ...ignoredBlocks(parsed)];
}
