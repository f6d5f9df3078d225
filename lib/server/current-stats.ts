import { embeddingService } from '#lib/chat/embeddings/embedding-singleton';
import { chatEngine } from '#lib/chat/engine-singleton';
import { VERSION } from '#lib/config/version';
import { runner } from '#lib/runner/index';
import { MIB } from '#lib/units';
import type { ServerStats } from '#lib/wire/server-stats';

/** The current statistics of /api/cache-stats. */
export async function currentStats(): Promise<ServerStats> {
  chatEngine().refreshModelServers();
  const { latency, ...chat } = await chatEngine().stats();
  return {
    timestamp: new Date().toISOString(),
    ...chat,
    embedding_cache: embeddingService().stats(),
    latency,
    runner: runner().stats(),
    process: {
      rss_mb: Math.round((process.memoryUsage.rss() / MIB) * 10) / 10,
      uptime_seconds: Math.round(process.uptime()),
      version: VERSION,
    },
  };
}
