import { chatEngine } from '#lib/chat/engine-singleton';
import { gateway } from '#lib/gateway/index';
import { plainText } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { runner } from '#lib/runner/index';
import { metrics, metricsExposition, type StatGauges } from '#lib/telemetry/metrics';

const BYTES_PER_MB = 1024 * 1024;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/metrics',
  {
    GET: async () => {
      const all = metrics();
      setGauges(all.stats);
      return plainText(await metricsExposition(all), { 'content-type': all.promRegistry.contentType });
    },
  },
  { quiet: true },
);

/** Sets the gauges from the figures of /api/cache-stats, so that both always agree. */
function setGauges(gauges: StatGauges): void {
  const { response_cache, conversation_cache, batch_processor: batch } = chatEngine().stats();
  for (const [cache, stats] of Object.entries({ response: response_cache, conversation: conversation_cache })) {
    gauges.cacheEntries.set({ cache }, stats.total_entries);
    gauges.cacheBytes.set({ cache }, Math.round(stats.total_size_mb * BYTES_PER_MB));
    gauges.cacheHits.set({ cache }, stats.hits);
    gauges.cacheMisses.set({ cache }, stats.misses);
    gauges.cacheEvictions.set({ cache }, stats.evictions);
  }
  const asked = batch.total_requests - batch.cached_responses - batch.deduplicated_requests;
  gauges.requests.set({ answered: 'cache' }, batch.cached_responses);
  gauges.requests.set({ answered: 'joined' }, batch.deduplicated_requests);
  gauges.requests.set({ answered: 'model' }, asked);
  gauges.batches.set(batch.batches_processed);
  gauges.batchSize.set(batch.average_batch_size);
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
  for (const { origin, state } of backends)
    if (state !== 'unknown') gauges.gatewayBackendUp.set({ backend: origin }, state === 'up' ? 1 : 0);
}
