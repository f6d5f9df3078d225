import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/key-handlers');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/keys/[id]',
  { PATCH: withAccounts(handlers, 'changeOwnKey'), DELETE: withAccounts(handlers, 'revokeOwnKey') },
  { right: 'account' },
);
