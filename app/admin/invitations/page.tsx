import type { Metadata } from 'next';
import { Invitations } from '#components/admin/invitations';
import { signInOptions } from '#lib/server/account';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.invitations };

export default function InvitationsPage() {
  return <Invitations sendsMail={signInOptions().sendsMail === true} />;
}
