import { openAiError, openAiFieldName } from '#lib/chat/formats/openai';
import {
  DONE_LINE,
  sumOfUsage,
  textCompletion,
  textCompletionEncoder,
  usageChunk,
} from '#lib/chat/formats/openai-completion';
import { fromOpenAiCompletion } from '#lib/chat/formats/openai-completion-request';
import { type ApiAdapter, apiAdapter, type KnownRequest, submitThrough } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import { type JoinedFormat, replyToPrompts } from '#lib/chat/http/joined-prompts';
import { replyToBody } from '#lib/chat/http/known-bodies';
import { parseBody } from '#lib/http/body';
import { toErrorResponse } from '#lib/http/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { unknownFields } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { ChatRequest, TokenUsage } from '#lib/wire/chat';
import { openAiCompletionRequestSchema } from '#lib/wire/openai-completion-request';

const FIELDS = Object.keys(openAiCompletionRequestSchema.shape);

/** POST /v1/completions */
export async function handleOpenAiCompletion(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(BODIES, await readChatBody(request), request, context);
}

interface CompletionBody {
  /** One for each prompt. */
  readonly chats: readonly [ChatRequest, ...ChatRequest[]];
  readonly includeUsage: boolean;
  readonly unknownFields: readonly string[];
}

const BODIES = { api: 'openai.completions', parse, respond };

function parse(bytes: Uint8Array): CompletionBody {
  const body = parseChatBody(bytes);
  const parsed = parseBody(openAiCompletionRequestSchema, body);
  return {
    chats: fromOpenAiCompletion(parsed),
    includeUsage: parsed.stream_options?.include_usage === true,
    unknownFields: unknownFields(body, parsed, FIELDS),
  };
}

/** Not async: an async function would retain the body for as long as the request waits. */
function respond(
  { chats, includeUsage, unknownFields: unknown }: CompletionBody,
  request: HttpRequest,
  context: RequestContext,
  remember: (known: KnownRequest) => void,
): Promise<Reply> {
  const [chat, ...others] = chats;
  if (others.length > 0)
    return replyToPrompts(joinedFormat(includeUsage), { chats, unknownFields: unknown }, request, context);
  const api = includeUsage ? API_WITH_USAGE : API;
  return submitThrough(api, { chat, unknownFields: unknown }, request, context, remember);
}

const API = completionApi(false);
const API_WITH_USAGE = completionApi(true);

function completionApi(includeUsage: boolean): ApiAdapter {
  return apiAdapter({
    streamHeaders: EVENT_STREAM_HEADERS,
    encoder: (pending) => textCompletionEncoder(pending, { index: 0, includeUsage }),
    body: (pending, response) => textCompletion(pending, [response]),
    fieldName: openAiFieldName,
  });
}

/** A new one for each request: it adds up the usage of the choices. */
function joinedFormat(includeUsage: boolean): JoinedFormat {
  const usages: TokenUsage[] = [];
  return {
    streamHeaders: EVENT_STREAM_HEADERS,
    body: textCompletion,
    fieldName: openAiFieldName,
    encoder: (first, index) =>
      textCompletionEncoder(first, { index, includeUsage, onUsage: (usage) => usages.push(usage) }),
    tail: (first) => (includeUsage ? usageChunk(first, sumOfUsage(usages)) : '') + DONE_LINE,
    failure: (error) => {
      const { body, status } = toErrorResponse(error);
      return `data: ${JSON.stringify(openAiError(body, status))}\n\n`;
    },
  };
}
