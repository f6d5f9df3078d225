import { route } from '#lib/http/route';
import {
  handleDeleteLimits,
  handleListLimits,
  handlePatchLimits,
  handlePutLimits,
} from '#lib/people/limits/http/admin-limits-handler';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/limits',
  { GET: handleListLimits, PUT: handlePutLimits, PATCH: handlePatchLimits, DELETE: handleDeleteLimits },
  { right: 'group-admin' },
);
