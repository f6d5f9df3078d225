import type { Config } from '#lib/config/config';

const DEFAULT_PORTS: Record<string, string> = { 'http:': ':80', 'https:': ':443' };

/** Whether a `Host` header names the gateway's own origin (`GATEWAY_ORIGIN`). */
export function isGatewayHost(host: string | null | undefined, { GATEWAY_ORIGIN: origin }: Config): boolean {
  if (origin === undefined || host == null) return false;
  const lower = host.toLowerCase();
  return lower === origin.host || (origin.port === '' && lower === origin.host + DEFAULT_PORTS[origin.protocol]);
}
