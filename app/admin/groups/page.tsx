import type { Metadata } from 'next';
import { Groups } from '#components/admin/groups';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.groups };

export default function GroupsPage() {
  return <Groups />;
}
