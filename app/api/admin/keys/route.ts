import { route } from '#lib/http/route';
import { createServiceKey, listAllKeys } from '#lib/people/accounts/http/key-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/keys',
  { GET: withAccounts(listAllKeys), POST: withAccounts(createServiceKey) },
  { right: 'group-admin' },
);
