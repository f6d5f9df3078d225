import { openAiError } from '#lib/chat/formats/openai';
import { passJson } from '#lib/chat/http/pass-through-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/images/generations',
  { POST: passJson('/v1/images/generations') },
  { right: 'chat', rateLimit: 'chat', errorBody: openAiError },
);
