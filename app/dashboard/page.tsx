import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { Dashboard } from '#components/dashboard/dashboard';
import { CodeFont } from '#components/shell/fonts';
import { SwrFallback } from '#components/shell/swr-fallback';
import { historyKey, isHistoryRange } from '#lib/browser/stats-history';
import {
  initialHistory,
  initialMe,
  initialModels,
  initialQueue,
  initialRunnerHealth,
  initialStats,
} from '#lib/server/initial-data';

export const metadata: Metadata = { title: 'Dashboard' };

interface DashboardPageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function DashboardPage({ searchParams }: DashboardPageProps) {
  const [reader, { range: named }] = await Promise.all([headers(), searchParams]);
  const range = isHistoryRange(named) ? named : '1h';
  const [stats, queue, me, history, models, runner] = await Promise.all([
    initialStats(reader),
    initialQueue(reader),
    initialMe(reader),
    initialHistory(reader, range, 'server'),
    initialModels(reader),
    initialRunnerHealth(reader),
  ]);
  return (
    <SwrFallback data={{ stats, queue, me, [historyKey('server', range)]: history, models, 'runner-health': runner }}>
      <CodeFont />
      <Dashboard initialRange={range} />
    </SwrFallback>
  );
}
