import { route } from '#lib/http/route';
import { exportOwnData } from '#lib/people/accounts/http/own-account';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/me/export',
  { GET: withAccounts(exportOwnData) },
  { right: 'account' },
);
