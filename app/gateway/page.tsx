import type { Metadata } from 'next';
import { Gateway } from '#components/gateway/gateway';
import { FirstData } from '#components/shell/first-data';
import { firstGatewayStats } from '#lib/server/page-data';

export const metadata: Metadata = { title: 'Gateway' };

export default async function GatewayPage() {
  return (
    <FirstData data={{ 'gateway-stats': await firstGatewayStats() }}>
      <Gateway />
    </FirstData>
  );
}
