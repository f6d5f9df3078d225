import { openAiError } from '#lib/chat/formats/openai';
import { handleOpenAiChat } from '#lib/chat/http/openai-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/chat/completions',
  { POST: handleOpenAiChat },
  { right: 'chat', rateLimit: 'chat', mayBeCached: true, countsEndUsers: true, errorBody: openAiError },
);
