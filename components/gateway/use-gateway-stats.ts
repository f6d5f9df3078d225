import { requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { isGatewayStats } from '#lib/browser/response-guards';
import type { ServiceStatus } from '#lib/browser/service-status';
import { createStatsSampler, useSampledStats } from '#lib/browser/use-sampled-stats';
import type { BackendStats, GatewayStats } from '#lib/wire/gateway';

/** One sample of the charts; rates refer to the previous sample. Null without a measurement. */
export interface GatewaySample {
  /** Milliseconds since the epoch. */
  at: number;
  total: number;
  failed: number;
  perSecond: number | null;
  active: number;
  sockets: number;
  errorPercent: number | null;
  p50: number | null;
  p95: number | null;
}

const TIMEOUT_MS = 10_000;
const sampler = createStatsSampler(fetchGatewayStats, toGatewaySample);

export function useGatewayStats() {
  return useSampledStats('gateway-stats', sampler);
}

function fetchGatewayStats(): Promise<GatewayStats> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return requestJson(isGatewayStats, `${API_BASE}/api/gateway-stats`, { signal });
}

export function toGatewaySample(stats: GatewayStats, before: GatewaySample | undefined): GatewaySample {
  const { requests, web_sockets, recent } = stats;
  const at = Date.parse(stats.timestamp);
  const seconds = before === undefined ? 0 : (at - before.at) / 1000;
  const isSameServer = before !== undefined && seconds > 0 && requests.total >= before.total;
  return {
    at,
    total: requests.total,
    failed: requests.failed,
    perSecond: isSameServer ? (requests.total - before.total) / seconds : null,
    active: requests.active,
    sockets: web_sockets.open,
    errorPercent: recent.requests === 0 ? null : recent.error_rate * 100,
    p50: recent.latency_ms.p50,
    p95: recent.latency_ms.p95,
  };
}

export function backendStatus(backend: BackendStats): ServiceStatus {
  const { state, origin, last_failure: failure } = backend;
  if (state === 'up') return { level: 'good', sentence: `${origin}: reachable.` };
  if (state === 'unknown') return { level: 'unknown', sentence: `${origin}: not asked yet.` };
  return { level: 'error', sentence: `${origin}: not reachable${failure === null ? '' : `, ${failure.reason}`}.` };
}
