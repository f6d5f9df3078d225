import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/own-changes');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/me/changes',
  { GET: withAccounts(handlers, 'listOwnChanges') },
  { right: 'account' },
);
