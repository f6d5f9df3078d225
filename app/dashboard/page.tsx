import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { Dashboard } from '#components/dashboard/dashboard';
import { CodeFont } from '#components/shell/fonts';
import { SwrFallback } from '#components/shell/swr-fallback';
import { initialModels, initialRunnerHealth, initialStats } from '#lib/server/initial-data';

export const metadata: Metadata = { title: 'Dashboard' };

export default async function DashboardPage() {
  const reader = await headers();
  const [stats, models, runner] = await Promise.all([
    initialStats(reader),
    initialModels(reader),
    initialRunnerHealth(reader),
  ]);
  return (
    <SwrFallback data={{ stats, models, 'runner-health': runner }}>
      <CodeFont />
      <Dashboard />
    </SwrFallback>
  );
}
