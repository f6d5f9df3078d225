import { chatEngine } from '#lib/chat/engine-singleton';
import { VERSION } from '#lib/config/version';
import { runner } from '#lib/runner/index';
import type { ServerStats } from '#lib/wire/server-stats';

const BYTES_PER_MB = 1024 * 1024;

/** What the dashboard shows, as it is at this moment. */
export function currentStats(): ServerStats {
  const { latency, ...chat } = chatEngine().stats();
  return {
    timestamp: new Date().toISOString(),
    ...chat,
    latency,
    runner: runner().stats(),
    process: {
      rss_mb: Math.round((process.memoryUsage.rss() / BYTES_PER_MB) * 10) / 10,
      uptime_seconds: Math.round(process.uptime()),
      version: VERSION,
    },
  };
}
