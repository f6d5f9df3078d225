import { route } from '#lib/http/route';
import { readAnyKey, revokeAnyKey } from '#lib/people/accounts/http/key-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/keys/[id]',
  { GET: withAccounts(readAnyKey), DELETE: withAccounts(revokeAnyKey) },
  { right: 'group-admin' },
);
