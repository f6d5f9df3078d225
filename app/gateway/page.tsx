import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { Gateway } from '#components/gateway/gateway';
import { FirstData } from '#components/shell/first-data';
import { CodeFont } from '#components/shell/fonts';
import { firstGatewayStats } from '#lib/server/page-data';

export const metadata: Metadata = { title: 'Gateway' };

export default async function GatewayPage() {
  const stats = await firstGatewayStats(await headers());
  return (
    <FirstData data={{ 'gateway-stats': stats }}>
      {/* How to set it up is said in code. */}
      {stats?.state === 'not_configured' ? <CodeFont /> : null}
      <Gateway />
    </FirstData>
  );
}
