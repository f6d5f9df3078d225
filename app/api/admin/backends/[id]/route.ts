import { route } from '#lib/http/route';
import { changeBackend, readBackend, removeBackend } from '#lib/people/admin/backend-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/backends/[id]',
  { GET: readBackend, PATCH: changeBackend, DELETE: removeBackend },
  { right: 'admin' },
);
