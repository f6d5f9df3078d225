import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resetSingleton } from '#lib/singletons';
import { errorBodySchema } from '#lib/wire/error';
import { type StatsHistory, statsHistorySchema } from '#lib/wire/stats-history';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

let s: ChatServer;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1), toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  resetSingleton('stats-history');
});

afterEach(async () => {
  vi.useRealTimers();
  resetSingleton('stats-history');
  await s.close();
});

async function history(query = ''): Promise<StatsHistory> {
  const response = await fetch(`${s.url}/api/stats/history${query}`);
  expect(response.status).toBe(200);
  return statsHistorySchema.strict().parse(await response.json());
}

describe('/api/stats/history', () => {
  it('has a point for every ten seconds since the start, and only later ones after `since`', async () => {
    s = await chatServer();
    expect(await history()).toMatchObject({
      range: '1h',
      step_seconds: 10,
      time: [],
      limits: { response_cache_mb: 256 },
    });
    s.engine.read(await s.submit('hello'), () => undefined);
    await vi.advanceTimersByTimeAsync(30_000);
    const start = Date.UTC(2026, 0, 1) / 1000;
    const whole = await history();
    expect(whole.time).toEqual([start + 10, start + 20, start + 30]);
    expect(whole.complete_until).toBe(start + 30);
    expect(whole.server).toMatchObject({
      requests_per_second: [0.1, 0, 0],
      running: [1, 1, 1],
      queued: [0, 0, 0],
      cache_hit_rate: [0, null, null],
      total_p50_ms: [null, null, null],
      error_rate: [null, null, null],
    });
    expect(whole.server?.rss_mb[0]).toBeGreaterThan(10);
    const later = await history(`?since=${start + 20}`);
    expect(later.time).toEqual([start + 30]);
    expect(later.server?.running).toEqual([1]);
    s.provider.last.say('x').done();
    await vi.advanceTimersByTimeAsync(10_000);
    const { server } = await history(`?since=${start + 30}&range=5m`);
    expect(server).toMatchObject({ tokens_per_second: [0.5], running: [0], error_rate: [0] });
    expect(server?.total_p50_ms).toEqual([0]);
  });

  it('has columns for the gateway, empty without a backend', async () => {
    s = await chatServer();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await history('?group=gateway&range=24h')).toMatchObject({
      range: '24h',
      time: [],
      gateway: { requests_per_second: [], open_web_sockets: [] },
    });
  });

  it('refuses an unknown range with 400', async () => {
    s = await chatServer();
    const response = await fetch(`${s.url}/api/stats/history?range=2h`);
    expect(response.status).toBe(400);
    expect(errorBodySchema.parse(await response.json())).toMatchObject({ code: 'invalid_request' });
  });
});
