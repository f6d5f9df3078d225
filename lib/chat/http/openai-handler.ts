import { openAiCompletion, openAiFieldName, openAiStreamEncoder } from '#lib/chat/formats/openai';
import { fromOpenAi, refusedFields } from '#lib/chat/formats/openai-request';
import {
  type ApiAdapter,
  apiAdapter,
  type KnownRequest,
  type ParsedChatRequest,
  submitThrough,
} from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import { replyToBody } from '#lib/chat/http/known-bodies';
import { replyWithChoices } from '#lib/chat/http/openai-choices';
import { parseBody } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { unknownFields } from '#lib/http/ignored-fields';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { openAiRequestSchema } from '#lib/wire/openai-request';

const FIELDS = Object.keys(openAiRequestSchema.shape);

/** POST /v1/chat/completions */
export async function handleOpenAiChat(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(OPENAI_BODIES, await readChatBody(request), request, context);
}

/** Not async: an async function would retain the body for as long as the request waits. */
function respond(
  { includeUsage, choices, ...parsed }: OpenAiBody,
  request: HttpRequest,
  context: RequestContext,
  remember: (known: KnownRequest) => void,
): Promise<Reply> {
  const adapter = includeUsage ? API_WITH_USAGE : API;
  if (choices > 1) return replyWithChoices({ adapter, parsed, count: choices, includeUsage }, request, context);
  return submitThrough(adapter, parsed, request, context, remember);
}

const API = openAiApi(false);
const API_WITH_USAGE = openAiApi(true);

function openAiApi(includeUsage: boolean): ApiAdapter {
  return apiAdapter({
    streamHeaders: EVENT_STREAM_HEADERS,
    encoder: (pending) => openAiStreamEncoder(pending, includeUsage),
    body: openAiCompletion,
    fieldName: openAiFieldName,
  });
}

interface OpenAiBody extends ParsedChatRequest {
  readonly includeUsage: boolean;
  /** How many responses the client gets. */
  readonly choices: number;
}

const OPENAI_BODIES = { api: 'openai', parse: parseOpenAiBody, respond };

function parseOpenAiBody(bytes: Uint8Array): OpenAiBody {
  const body = parseChatBody(bytes);
  const parsed = parseBody(openAiRequestSchema, body);
  return {
    chat: fromOpenAi(parsed),
    refused: refusedFields(parsed),
    includeUsage: parsed.stream_options?.include_usage === true,
    choices: parsed.n ?? 1,
    unknownFields: unknownFields(body, parsed, FIELDS),
  };
}
