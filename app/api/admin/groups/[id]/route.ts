import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/group-handlers');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/groups/[id]',
  {
    GET: withAccounts(handlers, 'readGroup'),
    PATCH: withAccounts(handlers, 'changeGroup'),
    DELETE: withAccounts(handlers, 'deleteGroup'),
  },
  { right: { GET: 'group-admin', PATCH: 'admin', DELETE: 'admin' } },
);
