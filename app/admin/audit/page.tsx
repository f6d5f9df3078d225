import type { Metadata } from 'next';
import { Audit } from '#components/admin/audit';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.audit };

export default function AuditPage() {
  return <Audit />;
}
