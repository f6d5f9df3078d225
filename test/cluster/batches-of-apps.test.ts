import { expect, it } from 'vitest';
import { startAppCluster } from '../support/app-cluster.ts';
import { ollama } from '../support/faulty-model-server.ts';
import { questionOf } from '../support/obedient-model.ts';
import { enqueue, readQueued } from '../support/queued-requests.ts';

const SETTINGS = { QUEUE_MAX_CONCURRENT: '1', BATCH_MAX_SIZE: '3', BATCH_TIMEOUT_MS: '600000', SHUTDOWN_DELAY_MS: '0' };
const eventually = { timeout: 10_000, interval: 20 };

/** The questions in the order in which one model server is asked, by requests that wait for it. */
async function orderOver(envs: readonly Record<string, string>[]): Promise<string[]> {
  const cluster = await startAppCluster(envs, SETTINGS);
  try {
    const busy = Promise.withResolvers<void>();
    cluster.model.choose((body) => [
      ...(questionOf(body) === 'busy' ? [{ wait: busy.promise }] : []),
      { send: ollama.text('text') },
      { send: ollama.done() },
    ]);
    const ids = [await enqueue(cluster.at(0), 'busy')];
    await expect.poll(() => cluster.model.running, eventually).toBe(1);
    // Another context is another load of the model, as another model is.
    for (const [index, load] of [...'abbabaabab'].entries())
      ids.push(
        await enqueue(cluster.at(index), `${load}${index}`, { options: { num_ctx: load === 'a' ? 1_024 : 2_048 } }),
      );
    busy.resolve();
    await Promise.all(ids.map((id, index) => readQueued(cluster.at(index), id)));
    return cluster.model.requests.map(({ body }) => questionOf(body));
  } finally {
    await cluster.close();
  }
}

it('asks one model server in the order of one process for two loads, also over two servers', async () => {
  const alone = await orderOver([{ REDIS_URL: '' }]);
  expect(alone).toEqual(['busy', 'a0', 'a3', 'a5', 'b1', 'b2', 'b4', 'a6', 'a8', 'b7', 'b9']);
  expect(await orderOver([{}, {}])).toEqual(alone);
}, 120_000);
