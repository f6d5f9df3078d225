import { route } from '#lib/http/route';
import { join, readInvitation } from '#lib/people/accounts/http/join-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/join',
  { GET: withAccounts(readInvitation), POST: withAccounts(join) },
  { right: 'open' },
);
