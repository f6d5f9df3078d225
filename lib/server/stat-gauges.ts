import { cluster } from '#lib/cluster/cluster';
import { gateway } from '#lib/gateway/index';
import { ownStats } from '#lib/server/current-stats';
import { instanceFigures } from '#lib/server/instance-figures';
import { storeHealth } from '#lib/store/store';
import type { Metrics, StatGauges } from '#lib/telemetry/metrics';
import { MIB } from '#lib/units';
import type { ModelServerStats, ServerStats } from '#lib/wire/server-stats';

type StatMetrics = Pick<Metrics, 'stats' | 'queueLength'>;

const CLUSTER = { scope: 'cluster' } as const;

/** Label of the request counter: where the response came from. */
const SOURCE_LABEL = 'answered';

/** Sets the gauges from the figures of /api/cache-stats, so both always agree. */
export async function setStatGauges({ stats: gauges, queueLength }: StatMetrics): Promise<void> {
  const own = await ownStats();
  const { response_cache, conversation_cache, batch_processor: batch, model_servers = [] } = own;
  const caches = {
    response: response_cache,
    conversation: conversation_cache,
    embedding: own.embedding_cache,
  };
  for (const [cache, stats] of Object.entries(caches)) {
    gauges.cacheEntries.set({ cache }, stats.total_entries);
    gauges.cacheBytes.set({ cache }, Math.round(stats.total_size_mb * MIB));
    gauges.cacheHits.set({ cache }, stats.hits);
    gauges.cacheMisses.set({ cache }, stats.misses);
    gauges.cacheEvictions.set({ cache }, stats.evictions);
  }
  const fromModel = batch.total_requests - batch.cached_responses - batch.deduplicated_requests;
  gauges.requests.set({ [SOURCE_LABEL]: 'cache' }, batch.cached_responses);
  gauges.requests.set({ [SOURCE_LABEL]: 'joined' }, batch.deduplicated_requests);
  gauges.requests.set({ [SOURCE_LABEL]: 'model' }, fromModel);
  gauges.batches.set(batch.batches_processed);
  gauges.batchSize.set(batch.average_batch_size);
  for (const gauge of [gauges.modelServerUp, gauges.modelServerRunning, gauges.modelServerWaiting]) gauge.reset();
  setModelServers(gauges, model_servers);
  gauges.databaseSaving.set(storeHealth().state === 'ok' ? 1 : 0);
  await setClusterGauges(gauges, queueLength, own);
  const { active, waiting } = own.runner;
  gauges.codeActive.set(active);
  gauges.codeWaiting.set(waiting);
  const { requests, web_sockets, backends } = gateway().stats();
  gauges.gatewayConnections.set({ kind: 'request' }, requests.active);
  gauges.gatewayConnections.set({ kind: 'web_socket' }, web_sockets.open);
  gauges.gatewayConnections.set(
    { kind: 'backend' },
    backends.reduce((sum, { connections }) => sum + connections, 0),
  );
  // A backend may be removed.
  gauges.gatewayBackendUp.reset();
  for (const { origin, state } of backends)
    if (state !== 'unknown') gauges.gatewayBackendUp.set({ backend: origin }, state === 'up' ? 1 : 0);
}

/** `scope` is missing for the figures of this server. */
function setModelServers(gauges: StatGauges, servers: readonly ModelServerStats[], scope?: { scope: 'cluster' }): void {
  for (const { name: model_server, state, running, waiting } of servers) {
    const labels = { model_server, ...scope };
    gauges.modelServerUp.set(labels, state === 'up' ? 1 : 0);
    gauges.modelServerRunning.set(labels, running);
    gauges.modelServerWaiting.set(labels, waiting);
  }
}

/**
 * Figures of all servers together have a series of their own, with `scope="cluster"`, next to that
 * of this server. Without a cluster, and while Redis is away, they have none.
 */
async function setClusterGauges(
  gauges: StatGauges,
  queueLength: StatMetrics['queueLength'],
  own: ServerStats,
): Promise<void> {
  const joined = cluster();
  if (joined === undefined) return;
  for (const [connection, isUp] of Object.entries(joined.connections)) gauges.redisUp.set({ connection }, isUp ? 1 : 0);
  const all = await joined.figures.merge(instanceFigures(own));
  if (all.scope !== 'cluster') {
    queueLength.remove(CLUSTER);
    gauges.instances.remove(CLUSTER);
    return;
  }
  gauges.instances.set(CLUSTER, joined.instanceCount);
  queueLength.set(CLUSTER, all.queue_length);
  setModelServers(gauges, all.model_servers ?? [], CLUSTER);
}
