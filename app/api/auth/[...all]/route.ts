import { route } from '#lib/http/route';
import { authGet, authPost } from '#lib/people/accounts/http/auth-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/auth/[...all]',
  { GET: withAccounts(authGet), POST: withAccounts(authPost) },
  { right: 'open' },
);
