import { route } from '#lib/http/route';
import { createGroup, listGroups } from '#lib/people/accounts/http/group-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/groups',
  { GET: withAccounts(listGroups), POST: withAccounts(createGroup) },
  { right: { GET: 'group-admin', POST: 'admin' } },
);
