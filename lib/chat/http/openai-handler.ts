import {
  openAiCompletion,
  openAiCompletionOf,
  openAiFieldName,
  openAiStreamEncoder,
  openAiStreamEnd,
} from '#lib/chat/formats/openai';
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
import { type ChoicesFormat, replyWithChoices } from '#lib/chat/http/several-choices';
import { parseBody } from '#lib/http/body';
import { endUserOf } from '#lib/http/end-user';
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
  { includeUsage, choices, chat, ...fields }: OpenAiBody,
  request: HttpRequest,
  context: RequestContext,
  remember: (known: KnownRequest) => void,
): Promise<Reply> {
  if (choices > 1) {
    const format = includeUsage ? CHOICES_WITH_USAGE : CHOICES;
    return replyWithChoices(format, { ...fields, chats: [chat], choices }, request, context);
  }
  return submitThrough(includeUsage ? API_WITH_USAGE : API, { ...fields, chat }, request, context, remember);
}

const API = openAiApi(false);
const API_WITH_USAGE = openAiApi(true);
const CHOICES = choicesFormat(API, false);
const CHOICES_WITH_USAGE = choicesFormat(API_WITH_USAGE, true);

function openAiApi(includeUsage: boolean): ApiAdapter {
  return apiAdapter({
    streamHeaders: EVENT_STREAM_HEADERS,
    encoder: (pending) => openAiStreamEncoder(pending, includeUsage),
    body: openAiCompletion,
    fieldName: openAiFieldName,
  });
}

function choicesFormat(adapter: ApiAdapter, includeUsage: boolean): ChoicesFormat {
  return {
    adapter,
    body: openAiCompletionOf,
    encoder: (request, choice) => openAiStreamEncoder(request, includeUsage, choice),
    end: (first, usages) => openAiStreamEnd(first, usages, includeUsage),
  };
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
    endUser: endUserOf(body, 'user'),
  };
}
