import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/openapi.json',
  {
    // It has the schemas of all responses, too, which nothing else of the server needs.
    GET: async () => json((await import('#lib/openapi/document')).openApiDocument()),
  },
  { right: 'signed-in' },
);
