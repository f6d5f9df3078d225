import type { Metadata } from 'next';
import { Models } from '#components/admin/models';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.models };

export default function ModelsPage() {
  return <Models />;
}
