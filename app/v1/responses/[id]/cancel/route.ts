import { responsesError } from '#lib/chat/formats/responses';
import { handleCancelResponse } from '#lib/chat/http/stored-responses-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/responses/[id]/cancel',
  { POST: handleCancelResponse },
  { right: 'chat', errorBody: responsesError },
);
