import { anthropicError } from '#lib/chat/formats/anthropic-errors';
import { handleMessages } from '#lib/chat/http/anthropic-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/messages',
  { POST: handleMessages },
  {
    right: 'chat',
    rateLimit: 'chat',
    mayBeCached: true,
    countsEndUsers: true,
    errorBody: anthropicError,
    requestIdHeader: 'request-id',
  },
);
