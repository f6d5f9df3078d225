import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/group-handlers');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/groups',
  { GET: withAccounts(handlers, 'listGroups'), POST: withAccounts(handlers, 'createGroup') },
  { right: { GET: 'group-admin', POST: 'admin' } },
);
