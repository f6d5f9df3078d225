import { responsesError } from '#lib/chat/formats/responses';
import { handleDeleteResponse, handleGetResponse } from '#lib/chat/http/stored-responses-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/responses/[id]',
  { GET: handleGetResponse, DELETE: handleDeleteResponse },
  { right: 'chat', errorBody: responsesError },
);
