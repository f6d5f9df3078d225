import type { Metadata } from 'next';
import { Settings } from '#components/admin/settings';
import { ADMIN_STRINGS } from '../../../components/admin/strings/frame.ts';

export const metadata: Metadata = { title: ADMIN_STRINGS.settings };

export default function SettingsPage() {
  return <Settings />;
}
