import { route } from '#lib/http/route';
import { deleteInvitation } from '#lib/people/accounts/http/invitation-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/invitations/[id]',
  { DELETE: withAccounts(deleteInvitation) },
  { right: 'group-admin' },
);
