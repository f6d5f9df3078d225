import type { Metadata } from 'next';
import { Gateway } from '#components/gateway/gateway';

export const metadata: Metadata = { title: 'Gateway' };

export default function GatewayPage() {
  return <Gateway />;
}
