import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { GatewayView } from '#components/gateway/gateway';
import { CodeFont } from '#components/shell/fonts';
import { SwrFallback } from '#components/shell/swr-fallback';
import { initialGatewayStats } from '#lib/server/initial-data';

export const metadata: Metadata = { title: 'Gateway' };

export default async function GatewayPage() {
  const stats = await initialGatewayStats(await headers());
  return (
    <SwrFallback data={{ 'gateway-stats': stats }}>
      {/* The setup instructions contain code. */}
      {stats?.state === 'not_configured' ? <CodeFont /> : null}
      <GatewayView />
    </SwrFallback>
  );
}
