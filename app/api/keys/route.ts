import { route } from '#lib/http/route';
import { createOwnKey, listOwnKeys } from '#lib/people/accounts/http/key-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/keys',
  { GET: withAccounts(listOwnKeys), POST: withAccounts(createOwnKey) },
  { right: 'account' },
);
