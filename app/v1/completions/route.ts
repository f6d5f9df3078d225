import { openAiError } from '#lib/chat/formats/openai';
import { handleOpenAiCompletion } from '#lib/chat/http/completion-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/completions',
  { POST: handleOpenAiCompletion },
  { right: 'chat', rateLimit: 'chat', mayBeCached: true, countsEndUsers: true, errorBody: openAiError },
);
