import { openAiError } from '#lib/chat/formats/openai';
import { passUpload } from '#lib/chat/http/pass-through-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/images/edits',
  { POST: passUpload('/v1/images/edits') },
  { right: 'chat', rateLimit: 'chat', errorBody: openAiError },
);
