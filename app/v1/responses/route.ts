import { responsesError } from '#lib/chat/formats/responses';
import { handleCreateResponse } from '#lib/chat/http/responses-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/responses',
  { POST: handleCreateResponse },
  { right: 'chat', rateLimit: 'chat', mayBeCached: true, countsEndUsers: true, errorBody: responsesError },
);
