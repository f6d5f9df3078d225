import type { Metadata } from 'next';
import { People } from '#components/admin/people';
import { signInOptions } from '#lib/server/account';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.people };

export default function PeoplePage() {
  return <People sendsMail={signInOptions().sendsMail === true} />;
}
