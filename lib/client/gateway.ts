import useSWR, { type SWRResponse } from 'swr';
import { isGatewayStats } from '#lib/client/checks';
import { API_BASE } from '#lib/client/endpoints';
import { count, duration } from '#lib/client/format';
import { requestJson } from '#lib/client/request';
import { REFRESH_MS, withSample } from '#lib/client/stats';
import type { Status } from '#lib/client/status';
import type { BackendStats, GatewayStats } from '#lib/wire/gateway';

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

export function useGateway(): SWRResponse<GatewayStats, Error> & { samples: readonly GatewaySample[] } {
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
export function latency(ms: number): string {
  return ms < 9.95 ? `${count(ms)} ms` : duration(ms);
}

export function backendStatus(backend: BackendStats): Status {
  const { state, origin, last_failure: failure } = backend;
  if (state === 'up') return { level: 'good', sentence: `${origin}: reachable.` };
  if (state === 'unknown') return { level: 'unknown', sentence: `${origin}: not asked yet.` };
  return { level: 'error', sentence: `${origin}: not reachable${failure === null ? '' : `, ${failure.reason}`}.` };
}
