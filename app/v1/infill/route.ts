import { openAiError } from '#lib/chat/formats/openai';
import { handleInfill } from '#lib/chat/http/infill-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/infill',
  { POST: handleInfill },
  { right: 'chat', rateLimit: 'chat', errorBody: openAiError },
);
