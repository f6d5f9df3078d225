import { openAiFieldName } from '#lib/chat/formats/openai';
import { textCompletion, textCompletionEncoder, textCompletionEnd } from '#lib/chat/formats/openai-completion';
import { fromOpenAiCompletion, refusedCompletionFields } from '#lib/chat/formats/openai-completion-request';
import { type ApiAdapter, apiAdapter, type KnownRequest, submitThrough } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import { replyToBody } from '#lib/chat/http/known-bodies';
import { type ChoicesFormat, replyWithChoices } from '#lib/chat/http/several-choices';
import { parseBody } from '#lib/http/body';
import { endUserOf } from '#lib/http/end-user';
import type { HttpRequest } from '#lib/http/http-request';
import { unknownFields } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { ChatRequest } from '#lib/wire/chat';
import type { ErrorDetail } from '#lib/wire/error';
import { openAiCompletionRequestSchema } from '#lib/wire/openai-completion-request';

const FIELDS = Object.keys(openAiCompletionRequestSchema.shape);

/** POST /v1/completions */
export async function handleOpenAiCompletion(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(BODIES, await readChatBody(request), request, context);
}

interface CompletionBody {
  /** One for each prompt. */
  readonly chats: readonly [ChatRequest, ...ChatRequest[]];
  /** Choices for each prompt. */
  readonly choices: number;
  readonly includeUsage: boolean;
  readonly unknownFields: readonly string[];
  readonly refused: readonly ErrorDetail[];
  readonly endUser: string | undefined;
}

const BODIES = { api: 'openai.completions', parse, respond };

function parse(bytes: Uint8Array): CompletionBody {
  const body = parseChatBody(bytes);
  const parsed = parseBody(openAiCompletionRequestSchema, body);
  return {
    chats: fromOpenAiCompletion(parsed),
    choices: parsed.n ?? 1,
    includeUsage: parsed.stream_options?.include_usage === true,
    unknownFields: unknownFields(body, parsed, FIELDS),
    refused: refusedCompletionFields(parsed),
    endUser: endUserOf(body, 'user'),
  };
}

/** Not async: an async function would retain the body for as long as the request waits. */
function respond(
  { chats, choices, includeUsage, ...fields }: CompletionBody,
  request: HttpRequest,
  context: RequestContext,
  remember: (known: KnownRequest) => void,
): Promise<Reply> {
  const api = includeUsage ? API_WITH_USAGE : API;
  if (chats.length * choices > 1)
    return replyWithChoices(choicesFormat(api, choices, includeUsage), { ...fields, chats, choices }, request, context);
  return submitThrough(api, { ...fields, chat: chats[0] }, request, context, remember);
}

const API = completionApi(false);
const API_WITH_USAGE = completionApi(true);

function completionApi(includeUsage: boolean): ApiAdapter {
  return apiAdapter({
    streamHeaders: EVENT_STREAM_HEADERS,
    encoder: (pending) => textCompletionEncoder(pending, includeUsage),
    body: (pending, response) => textCompletion(pending, [response]),
    fieldName: openAiFieldName,
  });
}

function choicesFormat(adapter: ApiAdapter, perPrompt: number, includeUsage: boolean): ChoicesFormat {
  return {
    adapter,
    body: (first, all) =>
      textCompletion(
        first,
        all.map(({ response }) => response),
        perPrompt,
      ),
    encoder: (request, choice) => textCompletionEncoder(request, includeUsage, choice),
    end: (first, usages) => textCompletionEnd(first, usages, perPrompt, includeUsage),
  };
}
