import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { openApiDocument } from '#lib/openapi/document';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/openapi.json',
  {
    GET: () => json(openApiDocument()),
  },
  { right: 'signed-in' },
);
