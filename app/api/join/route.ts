import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/join-handlers');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/join',
  { GET: withAccounts(handlers, 'readInvitation'), POST: withAccounts(handlers, 'join') },
  { right: 'open' },
);
