import { requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { isGatewayStats } from '#lib/browser/response-guards';
import type { ServiceStatus } from '#lib/browser/service-status';
import { usePolled } from '#lib/browser/use-sampled-stats';
import type { BackendStats, GatewayStats } from '#lib/wire/gateway';
import { GATEWAY_STRINGS } from './strings.ts';

const TIMEOUT_MS = 10_000;
const { status: STRINGS } = GATEWAY_STRINGS;

export function useGatewayStats() {
  return usePolled('gateway-stats', fetchGatewayStats);
}

function fetchGatewayStats(): Promise<GatewayStats> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return requestJson(isGatewayStats, `${API_BASE}/api/gateway-stats`, { signal });
}

export function backendStatus(backend: BackendStats): ServiceStatus {
  const { state, origin, draining, last_failure: failure } = backend;
  if (draining) return { level: 'warn', sentence: STRINGS.backendDraining(origin) };
  if (state === 'up') return { level: 'good', sentence: STRINGS.backendUp(origin) };
  if (state === 'unknown') return { level: 'unknown', sentence: STRINGS.backendUnknown(origin) };
  return { level: 'error', sentence: STRINGS.backendDown(origin, failure?.reason) };
}
