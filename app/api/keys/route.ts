import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/key-handlers');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/keys',
  { GET: withAccounts(handlers, 'listOwnKeys'), POST: withAccounts(handlers, 'createOwnKey') },
  { right: 'account' },
);
