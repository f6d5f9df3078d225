import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';
import { endUserSessions, listUserSessions } from '#lib/people/accounts/http/user-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/users/[id]/sessions',
  { GET: withAccounts(listUserSessions), DELETE: withAccounts(endUserSessions) },
  { right: 'group-admin' },
);
