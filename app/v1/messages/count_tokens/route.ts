import { anthropicError } from '#lib/chat/formats/anthropic-errors';
import { handleCountTokens } from '#lib/chat/http/anthropic-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/messages/count_tokens',
  { POST: handleCountTokens },
  { right: 'chat', rateLimit: 'chat', errorBody: anthropicError, requestIdHeader: 'request-id' },
);
