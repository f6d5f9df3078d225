import { embeddingService } from '#lib/chat/embeddings/embedding-singleton';
import { chatEngine } from '#lib/chat/engine-singleton';
import { cluster } from '#lib/cluster/cluster';
import { gateway } from '#lib/gateway/index';
import { runner } from '#lib/runner/index';
import { storeHealth } from '#lib/store/store';
import type { StatGauges } from '#lib/telemetry/metrics';
import { MIB } from '#lib/units';

/** Label of the request counter: where the response came from. */
const SOURCE_LABEL = 'answered';

/** Sets the gauges from the figures of /api/cache-stats, so both always agree. */
export async function setStatGauges(gauges: StatGauges): Promise<void> {
  const { response_cache, conversation_cache, batch_processor: batch, model_servers } = await chatEngine().stats();
  const caches = {
    response: response_cache,
    conversation: conversation_cache,
    embedding: embeddingService().stats(),
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
  for (const { name: model_server, state, running, waiting } of model_servers) {
    gauges.modelServerUp.set({ model_server }, state === 'up' ? 1 : 0);
    gauges.modelServerRunning.set({ model_server }, running);
    gauges.modelServerWaiting.set({ model_server }, waiting);
  }
  gauges.databaseSaving.set(storeHealth().state === 'ok' ? 1 : 0);
  setClusterGauges(gauges);
  const { active, waiting } = runner().stats();
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

/** Without a cluster the gauges have no value. */
function setClusterGauges(gauges: StatGauges): void {
  const joined = cluster();
  if (joined === undefined) return;
  for (const [connection, isUp] of Object.entries(joined.connections)) gauges.redisUp.set({ connection }, isUp ? 1 : 0);
  gauges.instances.set({ scope: 'cluster' }, joined.instanceCount);
}
