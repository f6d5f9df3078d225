import { chatEngine } from '#lib/chat/engine-singleton';
import { responsesFieldName } from '#lib/chat/formats/responses';
import { fromResponses, refusedResponsesFields, withoutRefused } from '#lib/chat/formats/responses-request';
import { waitUntilFinished } from '#lib/chat/generation/response-stream';
import { fieldHeaders } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { jsonReply } from '#lib/chat/http/chat-replies';
import { queuePosition } from '#lib/chat/http/reply-headers';
import { droppedResponsesFields } from '#lib/chat/http/responses-handler';
import { conversationOf, loadConversation } from '#lib/chat/http/responses-state';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import { AppError } from '#lib/errors';
import { parseBody, parseOnce } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { unknownFields } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { TokenUsage } from '#lib/wire/chat';
import { responsesTokensSchema } from '#lib/wire/responses-request';

const FIELDS = Object.keys(responsesTokensSchema.shape);

/**
 * POST /v1/responses/input_tokens: no model server's API counts the tokens of a conversation, so
 * the model reads it and generates one token. The count is the model server's own.
 */
export async function handleInputTokens(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const bytes = await readChatBody(request);
  const body = parseOnce(bytes, parseChatBody);
  const sent = parseBody(responsesTokensSchema, body);
  const droppedFields = droppedResponsesFields(refusedResponsesFields(sent), sent, request, context);
  const input = droppedFields.length === 0 ? sent : withoutRefused(sent);
  await loadConversation(input, context.caller);
  const { items } = conversationOf(input, context.caller);
  const chat = { ...fromResponses(input, items), options: { num_predict: 1 }, cache: 'off' as const };
  const engine = chatEngine();
  const pending = await engine
    .submit(chat, submitterOf(request, context, bytes.byteLength))
    .catch(logRejection(context, chat.model));
  const position = queuePosition(pending);
  await waitUntilFinished(engine, pending, request.signal);
  const input_tokens = promptTokens(pending.response?.usage);
  const reported = { unknownFields: unknownFields(body, sent, FIELDS), droppedFields };
  const headers = fieldHeaders({ fieldName: responsesFieldName }, pending, reported);
  const count = { object: 'response.input_tokens', input_tokens };
  return jsonReply(pending, pending.cacheStatus, count, { headers, position });
}

function promptTokens(usage: TokenUsage | undefined): number {
  if (usage?.prompt_truncated === true)
    throw new AppError('context_length_exceeded', 'The input is longer than the context of the model. Shorten it.');
  if (usage === undefined || usage.prompt_tokens === 0)
    throw new AppError('upstream_failed', 'The model server does not say how many tokens the input has.');
  return usage.prompt_tokens;
}
