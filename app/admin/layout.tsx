import { headers } from 'next/headers';
import type { ReactNode } from 'react';
import { AdminFrame } from '#components/admin/admin-frame';
import { initialMe } from '#lib/server/initial-data';

export default async function AdminLayout({ children }: { children: ReactNode }) {
  return <AdminFrame initialMe={await initialMe(await headers())}>{children}</AdminFrame>;
}
