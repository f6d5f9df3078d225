import { chatEngine } from '#lib/chat/engine-singleton';
import { checkResponsesRequest, fromResponses } from '#lib/chat/formats/responses-request';
import { waitUntilFinished } from '#lib/chat/generation/response-stream';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { conversationOf } from '#lib/chat/http/responses-state';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import { AppError } from '#lib/errors';
import { parseBody, parseOnce } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader, unknownFields } from '#lib/http/ignored-fields';
import { json, type Reply } from '#lib/http/reply';
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
  const input = parseBody(responsesTokensSchema, body);
  checkResponsesRequest(input);
  const { items } = conversationOf(input, context.caller);
  const chat = { ...fromResponses(input, items), options: { num_predict: 1 }, use_cache: false };
  const engine = chatEngine();
  const pending = await engine
    .submit(chat, submitterOf(request, context, bytes.byteLength))
    .catch(logRejection(context, chat.model));
  await waitUntilFinished(engine, pending, request.signal);
  return json(
    { object: 'response.input_tokens', input_tokens: promptTokens(pending.generation.response?.usage) },
    200,
    ignoredFieldsHeader(unknownFields(body, input, FIELDS)),
  );
}

function promptTokens(usage: TokenUsage | undefined): number {
  if (usage?.prompt_truncated === true)
    throw new AppError('context_length_exceeded', 'The input is longer than the context of the model. Shorten it.');
  if (usage === undefined || usage.prompt_tokens === 0)
    throw new AppError('upstream_failed', 'The model server does not say how many tokens the input has.');
  return usage.prompt_tokens;
}
