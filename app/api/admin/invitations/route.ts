import { route } from '#lib/http/route';
import { createInvitation, listInvitations } from '#lib/people/accounts/http/invitation-handlers';
import { withAccounts } from '#lib/people/accounts/http/require-accounts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/invitations',
  { GET: withAccounts(listInvitations), POST: withAccounts(createInvitation) },
  { right: 'group-admin' },
);
