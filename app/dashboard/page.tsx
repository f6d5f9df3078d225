import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { Dashboard } from '#components/dashboard/dashboard';
import { FirstData } from '#components/shell/first-data';
import { CodeFont } from '#components/shell/fonts';
import { firstModels, firstRunnerHealth, firstStats } from '#lib/server/page-data';

export const metadata: Metadata = { title: 'Dashboard' };

export default async function DashboardPage() {
  const reader = await headers();
  const [stats, models, runner] = await Promise.all([
    firstStats(reader),
    firstModels(reader),
    firstRunnerHealth(reader),
  ]);
  return (
    <FirstData data={{ stats, models, 'runner-health': runner }}>
      <CodeFont />
      <Dashboard />
    </FirstData>
  );
}
