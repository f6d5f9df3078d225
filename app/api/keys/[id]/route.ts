import { route } from '#lib/http/route';
import { changeOwnKey, revokeOwnKey } from '#lib/people/accounts/http/key-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/keys/[id]',
  { PATCH: withAccounts(changeOwnKey), DELETE: withAccounts(revokeOwnKey) },
  { right: 'account' },
);
