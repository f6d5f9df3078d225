import { route } from '#lib/http/route';
import { readSetUp, setUp } from '#lib/people/accounts/http/join-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/setup',
  { GET: withAccounts(readSetUp), POST: withAccounts(setUp) },
  { right: 'open' },
);
