import type { Metadata } from 'next';
import { AllKeys } from '#components/admin/all-keys';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.keys };

export default function AllKeysPage() {
  return <AllKeys />;
}
