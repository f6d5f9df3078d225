import { route } from '#lib/http/route';
import { changeSettings, listSettings } from '#lib/people/admin/settings-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/settings',
  { GET: listSettings, PATCH: changeSettings },
  { right: 'admin' },
);
