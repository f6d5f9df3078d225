import { route } from '#lib/http/route';
import { changeAdminModel, listAdminModels } from '#lib/people/admin/model-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/models',
  { GET: listAdminModels, PATCH: changeAdminModel },
  { right: 'admin' },
);
