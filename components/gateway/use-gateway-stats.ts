import useSWR, { type SWRResponse } from 'swr';
import { requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { formatCount, formatDuration } from '#lib/browser/format';
import { isGatewayStats } from '#lib/browser/response-guards';
import type { ServiceStatus } from '#lib/browser/service-status';
import type { BackendStats, GatewayStats } from '#lib/wire/gateway';
import { REFRESH_MS, withSample } from '../dashboard/use-stats.ts';

/** What the plots show of the time since the sample before. Null where nothing was measured. */
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

/** Grows as long as the app is open, so that the plots are there again when one comes back to the page. */
let samples: readonly GatewaySample[] = [];

export function useGatewayStats(): SWRResponse<GatewayStats, Error> & { samples: readonly GatewaySample[] } {
  const answer = useSWR<GatewayStats, Error>('gateway-stats', fetchSampled, {
    refreshInterval: REFRESH_MS,
    errorRetryInterval: REFRESH_MS,
    dedupingInterval: REFRESH_MS / 2,
  });
  const { data } = answer;
  // The server's own figures in the page are the first, until there is one that was asked for.
  const first = samples.length === 0 && data !== undefined ? [toGatewaySample(data, undefined)] : undefined;
  return { ...answer, samples: first ?? samples };
}

async function fetchSampled(): Promise<GatewayStats> {
  const signal = AbortSignal.timeout(10_000);
  const stats = await requestJson(isGatewayStats, `${API_BASE}/api/gateway-stats`, { signal });
  samples = withSample(samples, toGatewaySample(stats, samples.at(-1)));
  return stats;
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

/** As `duration`, with a decimal where a backend is close by: `0.4 ms`. */
export function formatLatency(ms: number): string {
  return ms < 9.95 ? `${formatCount(ms)} ms` : formatDuration(ms);
}

export function backendStatus(backend: BackendStats): ServiceStatus {
  const { state, origin, last_failure: failure } = backend;
  if (state === 'up') return { level: 'good', sentence: `${origin}: reachable.` };
  if (state === 'unknown') return { level: 'unknown', sentence: `${origin}: not asked yet.` };
  return { level: 'error', sentence: `${origin}: not reachable${failure === null ? '' : `, ${failure.reason}`}.` };
}
