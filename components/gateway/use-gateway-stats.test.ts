import { describe, expect, it } from 'vitest';
import type { BackendStats, GatewayStats } from '#lib/wire/gateway';
import { backendStatus, toGatewaySample } from './use-gateway-stats.ts';

const stats = (second: number, total: number): GatewayStats => ({
  timestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
  state: 'up',
  has_token: true,
  pool_size: 50,
  timeout_ms: 60_000,
  backends: [],
  requests: { total, active: 2, failed: 1, by_status: [] },
  web_sockets: { total: 3, open: 1 },
  recent: { requests: total, error_rate: 0.25, latency_ms: { p50: 1, p95: 2, p99: 3 } },
});

describe('toGatewaySample', () => {
  it('computes requests per second between two samples', () => {
    const first = toGatewaySample(stats(0, 10), undefined);
    expect(first).toMatchObject({ perSecond: null, errorPercent: 25, p50: 1, p95: 2, active: 2, sockets: 1 });
    expect(toGatewaySample(stats(2, 30), first).perSecond).toBe(10);
  });

  it('has no rate after a server restart or without requests', () => {
    const before = toGatewaySample(stats(0, 100), undefined);
    expect(toGatewaySample(stats(2, 3), before).perSecond).toBeNull();
    expect(toGatewaySample(stats(0, 0), undefined).errorPercent).toBeNull();
  });
});

it('backendStatus gives the reason why a backend is down', () => {
  const backend: BackendStats = {
    origin: 'http://b:1',
    state: 'down',
    active: 0,
    waiting: 0,
    connections: 0,
    requests: 1,
    failures: 1,
    last_failure: { at: '2026-01-01T00:00:00.000Z', reason: 'connection refused' },
  };
  expect(backendStatus(backend)).toEqual({
    level: 'error',
    sentence: 'http://b:1: not reachable, connection refused.',
  });
  expect(backendStatus({ ...backend, state: 'up' }).level).toBe('good');
});
