import { route } from '#lib/http/route';
import { listAudit } from '#lib/people/accounts/http/audit-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/audit',
  { GET: listAudit },
  { right: 'admin' },
);
