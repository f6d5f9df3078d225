import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';
import { listUsers } from '#lib/people/accounts/http/user-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/users',
  { GET: withAccounts(listUsers) },
  { right: 'group-admin' },
);
