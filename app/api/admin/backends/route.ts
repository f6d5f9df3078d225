import { route } from '#lib/http/route';
import { addBackend, listBackends } from '#lib/people/admin/backend-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/backends',
  { GET: listBackends, POST: addBackend },
  { right: 'admin' },
);
