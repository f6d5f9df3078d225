import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/user-handlers');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/users/[id]',
  {
    GET: withAccounts(handlers, 'readUser'),
    PATCH: withAccounts(handlers, 'changeUser'),
    DELETE: withAccounts(handlers, 'deleteUser'),
  },
  { right: { GET: 'group-admin', PATCH: 'group-admin', DELETE: 'admin' } },
);
