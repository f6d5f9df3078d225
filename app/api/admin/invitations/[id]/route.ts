import { route } from '#lib/http/route';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

const handlers = () => import('#lib/people/accounts/http/invitation-handlers');

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/invitations/[id]',
  { DELETE: withAccounts(handlers, 'deleteInvitation') },
  { right: 'group-admin' },
);
