import { fromOpenAi, openAiCompletion, openAiError, openAiForm } from '#lib/chat/surfaces/openai';
import { parseBody } from '#lib/http/body';
import { eventStream } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { openAiRequestSchema } from '#lib/wire/openai-api';
import { readChatBody } from '../../../api/chat-optimized/body.ts';
import { answerThrough } from '../../../api/chat-optimized/surface.ts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/chat/completions',
  {
    POST: async (request, call) => {
      const { signal } = request;
      const asked = parseBody(openAiRequestSchema, await readChatBody(request));
      const includeUsage = asked.stream_options?.include_usage === true;
      const surface = {
        form: (ticket: Parameters<typeof openAiForm>[0]) => openAiForm(ticket, includeUsage),
        body: openAiCompletion,
        headers: eventStream('').headers,
      };
      return answerThrough(surface, fromOpenAi(asked), request, call, signal);
    },
  },
  { limited: 'chat', errorBody: openAiError },
);
