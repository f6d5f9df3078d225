import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';
import { changeUser, deleteUser, readUser } from '#lib/people/accounts/http/user-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/users/[id]',
  { GET: withAccounts(readUser), PATCH: withAccounts(changeUser), DELETE: withAccounts(deleteUser) },
  { right: { GET: 'group-admin', PATCH: 'group-admin', DELETE: 'admin' } },
);
