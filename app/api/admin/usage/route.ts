import { route } from '#lib/http/route';
import { handleAdminUsage } from '#lib/people/usage/http/usage-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/usage',
  { GET: handleAdminUsage },
  { right: 'group-admin' },
);
