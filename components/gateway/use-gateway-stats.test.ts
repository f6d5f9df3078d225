import { expect, it } from 'vitest';
import type { BackendStats } from '#lib/wire/gateway';
import { backendStatus } from './use-gateway-stats.ts';

it('backendStatus gives the reason why a backend is down', () => {
  const backend: BackendStats = {
    id: 'b',
    origin: 'http://b:1',
    state: 'down',
    draining: false,
    active: 0,
    waiting: 0,
    connections: 0,
    requests: 1,
    failures: 1,
    last_failure: { at: '2026-01-01T00:00:00.000Z', reason: 'connection refused' },
  };
  expect(backendStatus(backend)).toEqual({ level: 'error', sentence: 'http://b:1 · down: connection refused' });
  expect(backendStatus({ ...backend, last_failure: null }).sentence).toBe('http://b:1 · down');
  expect(backendStatus({ ...backend, state: 'up' }).level).toBe('good');
  const draining = backendStatus({ ...backend, state: 'up', draining: true });
  expect(draining).toEqual({ level: 'warn', sentence: 'http://b:1 · draining' });
});
