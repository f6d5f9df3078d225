import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/auth-handlers');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/auth/[...all]',
  { GET: withAccounts(handlers, 'authGet'), POST: withAccounts(handlers, 'authPost') },
  { right: 'open' },
);
