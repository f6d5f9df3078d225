import { RecentBodies } from '#lib/chat/recent-bodies';
import { fromOpenAi, openAiCompletion, openAiError, openAiForm, openAiName } from '#lib/chat/surfaces/openai';
import { parseBody } from '#lib/http/body';
import { unknownFields } from '#lib/http/ignored-fields';
import { eventStream } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { processWide } from '#lib/process';
import type { ChatRequest } from '#lib/wire/chat';
import { openAiRequestSchema } from '#lib/wire/openai-api';
import { parseChatBytes, readChatBytes } from '../../../api/chat-optimized/body.ts';
import { answerThrough } from '../../../api/chat-optimized/surface.ts';

const STREAM_HEADERS = eventStream('').headers;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/chat/completions',
  {
    POST: async (request, call) => {
      const { signal } = request;
      const { chat, includeUsage, unknown } = recentBodies().get(await readChatBytes(request), read);
      const surface = {
        form: (ticket: Parameters<typeof openAiForm>[0]) => openAiForm(ticket, includeUsage),
        body: openAiCompletion,
        nameOf: openAiName,
        headers: STREAM_HEADERS,
      };
      return answerThrough(surface, chat, request, call, signal, unknown);
    },
  },
  { limited: 'chat', errorBody: openAiError },
);

/** A body as it was read. */
interface Asked {
  chat: ChatRequest;
  includeUsage: boolean;
  unknown: readonly string[];
}

function recentBodies(): RecentBodies<Asked> {
  return processWide('chat.recent-bodies.openai', () => new RecentBodies<Asked>());
}

function read(bytes: Uint8Array): Asked {
  const body = parseChatBytes(bytes);
  const asked = parseBody(openAiRequestSchema, body);
  return {
    chat: fromOpenAi(asked),
    includeUsage: asked.stream_options?.include_usage === true,
    unknown: unknownFields(body, asked, NAMES),
  };
}

const NAMES = Object.keys(openAiRequestSchema.shape);
