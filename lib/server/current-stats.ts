import { embeddingService } from '#lib/chat/embeddings/embedding-singleton';
import { chatEngine } from '#lib/chat/engine-singleton';
import { cluster } from '#lib/cluster/cluster';
import { VERSION } from '#lib/config/version';
import { runner } from '#lib/runner/index';
import { instanceFigures } from '#lib/server/instance-figures';
import { MIB } from '#lib/units';
import type { ServerStats } from '#lib/wire/server-stats';

/** The current statistics of /api/cache-stats: with Redis those of all servers together. */
export async function currentStats(): Promise<ServerStats> {
  chatEngine().refreshModelServers();
  const own = await ownStats();
  const joined = cluster();
  return joined === undefined ? own : joined.figures.merge(instanceFigures(own));
}

/** The statistics of this server alone. */
export async function ownStats(): Promise<ServerStats> {
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

/** Shares the statistics of this server with the others. Does nothing without Redis. */
export function shareStats(): void {
  cluster()?.figures.publish(async () => instanceFigures(await ownStats()));
}
