import { responsesError } from '#lib/chat/formats/responses';
import { handleInputTokens } from '#lib/chat/http/input-tokens-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/responses/input_tokens',
  { POST: handleInputTokens },
  { right: 'chat', rateLimit: 'chat', errorBody: responsesError },
);
