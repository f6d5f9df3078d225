import type { Metadata } from 'next';
import { Limits } from '#components/admin/limits';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.limits };

export default function LimitsPage() {
  return <Limits />;
}
