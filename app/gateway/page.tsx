import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { GatewayView } from '#components/gateway/gateway';
import { CodeFont } from '#components/shell/fonts';
import { SwrFallback } from '#components/shell/swr-fallback';
import { historyKey, isHistoryRange } from '#lib/browser/stats-history';
import { viewerOf } from '#lib/server/account';
import { initialGatewayStats, initialHistory } from '#lib/server/initial-data';

export const metadata: Metadata = { title: 'Gateway' };

interface GatewayPageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function GatewayPage({ searchParams }: GatewayPageProps) {
  const [reader, { range: named }] = await Promise.all([headers(), searchParams]);
  const range = isHistoryRange(named) ? named : '1h';
  const [stats, history, { hidesGateway = false }] = await Promise.all([
    initialGatewayStats(reader),
    initialHistory(reader, range, 'gateway'),
    viewerOf(reader, Date.now()),
  ]);
  return (
    <SwrFallback data={{ 'gateway-stats': stats, [historyKey('gateway', range)]: history }}>
      {/* The setup instructions contain code. */}
      {stats?.state === 'not_configured' ? <CodeFont /> : null}
      <GatewayView initialRange={range} isForOperators={!hidesGateway} />
    </SwrFallback>
  );
}
