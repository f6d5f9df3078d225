import { route } from '#lib/http/route';
import { changeGroup, deleteGroup, readGroup } from '#lib/people/accounts/http/group-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/groups/[id]',
  { GET: withAccounts(readGroup), PATCH: withAccounts(changeGroup), DELETE: withAccounts(deleteGroup) },
  { right: { GET: 'group-admin', PATCH: 'admin', DELETE: 'admin' } },
);
