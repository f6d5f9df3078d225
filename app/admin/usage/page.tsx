import type { Metadata } from 'next';
import { Usage } from '#components/admin/usage';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.usage };

export default function UsagePage() {
  return <Usage />;
}
