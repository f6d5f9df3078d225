import { ParsedBodyCache } from '#lib/chat/cache/parsed-body-cache';
import {
  fromOpenAi,
  openAiCompletion,
  openAiError,
  openAiFieldName,
  openAiStreamEncoder,
} from '#lib/chat/formats/openai';
import { submitThrough } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { parseBody } from '#lib/http/body';
import { unknownFields } from '#lib/http/ignored-fields';
import { eventStream } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { singleton } from '#lib/singletons';
import type { ChatRequest } from '#lib/wire/chat';
import { openAiRequestSchema } from '#lib/wire/openai-request';

const STREAM_HEADERS = eventStream('').headers;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/chat/completions',
  {
    POST: async (request, call) => {
      const { signal } = request;
      const { chat, includeUsage, unknown } = recentBodies().get(await readChatBody(request), read);
      const surface = {
        encoder: (ticket: Parameters<typeof openAiStreamEncoder>[0]) => openAiStreamEncoder(ticket, includeUsage),
        body: openAiCompletion,
        nameOf: openAiFieldName,
        headers: STREAM_HEADERS,
      };
      return submitThrough(surface, chat, request, call, signal, unknown);
    },
  },
  { rateLimit: 'chat', errorBody: openAiError },
);

/** A body as it was read. */
interface Asked {
  chat: ChatRequest;
  includeUsage: boolean;
  unknown: readonly string[];
}

function recentBodies(): ParsedBodyCache<Asked> {
  return singleton('chat.recent-bodies.openai', () => new ParsedBodyCache<Asked>());
}

function read(bytes: Uint8Array): Asked {
  const body = parseChatBody(bytes);
  const asked = parseBody(openAiRequestSchema, body);
  return {
    chat: fromOpenAi(asked),
    includeUsage: asked.stream_options?.include_usage === true,
    unknown: unknownFields(body, asked, NAMES),
  };
}

const NAMES = Object.keys(openAiRequestSchema.shape);
