import { afterEach, expect, it } from 'vitest';
import type { OwnFigures } from '#lib/cluster/figures';
import { RedisCluster } from '#lib/cluster/redis-cluster';
import { readConfig } from '#lib/config/config';
import type { ServerStats } from '#lib/wire/server-stats';
import { figureHead, figureSeries, modelServerStats, serverStats } from '../support/instance-figures.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

/** Several instances of one process over a real Redis. */
const clusters: RedisCluster[] = [];
let redis: RedisServer | undefined;

afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
  await redis?.close();
  redis = undefined;
});

async function join(port: number): Promise<RedisCluster> {
  redis ??= await startRedis();
  const settings = readConfig({ REDIS_URL: redis.url, PORT: String(port) });
  const cluster = new RedisCluster(settings, { apply: () => {}, resync: () => {} });
  clusters.push(cluster);
  await cluster.start();
  return cluster;
}

const figures = (stats: Partial<ServerStats> = {}): OwnFigures => {
  const { id: _id, name: _name, version: _version, at: _at, startedAt: _startedAt, ...head } = figureHead();
  return { head, series: figureSeries(), stats: serverStats(stats) };
};
const eventually = { timeout: 10_000, interval: 50 };
const portsOf = ({ instances = [] }: ServerStats) => instances.map(({ name }) => name.split(':').at(-1));

it('has the figures of others within some seconds, and not of one that has left', async () => {
  const [one, two] = [await join(3001), await join(3002)];
  two.figures.publish(async () => figures({ queue_length: 4 }));
  const merged = () => one.figures.merge(figures({ queue_length: 3 }));
  await expect.poll(async () => (await merged()).queue_length, eventually).toBe(7);
  expect(portsOf(await merged())).toEqual(['3001', '3002']);
  await two.figures.close();
  await expect.poll(async () => portsOf(await merged()), eventually).toEqual(['3001']);
  expect((await merged()).queue_length).toBe(3);
});

it('lists an instance whose figures are too long without them, and leaves out what is none', async () => {
  const [one, two, three] = [await join(3001), await join(3002), await join(3003)];
  const servers = Array.from({ length: 400 }, (_, index) =>
    modelServerStats({ id: String(index), loaded: Array.from({ length: 100 }, (__, model) => `model-${model}`) }),
  );
  two.figures.publish(async () => figures({ queue_length: 4, model_servers: servers }));
  three.figures.publish(async () => figures());
  await expect.poll(async () => portsOf(await one.figures.merge(figures())), eventually).toHaveLength(3);
  expect((await one.figures.merge(figures())).queue_length).toBe(0);
  // What is in the key of a figure was written by something else.
  await three.figures.close();
  await redis?.command('SET', `{chill}:1:fig:${three.instanceId}`, '{"head":{}}');
  await redis?.command('ZADD', '{chill}:1:figures', String(Date.now()), three.instanceId);
  await expect.poll(async () => portsOf(await one.figures.merge(figures())), eventually).toEqual(['3001', '3002']);
});

it('goes on publishing after its figures could not be taken', async () => {
  const [one, two] = [await join(3001), await join(3002)];
  let calls = 0;
  two.figures.publish(async () => {
    calls += 1;
    if (calls < 3) throw new Error('not yet');
    return figures({ queue_length: calls });
  });
  await expect.poll(async () => (await one.figures.merge(figures())).queue_length, eventually).toBeGreaterThan(2);
});

it('reads at most a hundred instances, those that have reported last', async () => {
  const one = await join(3001);
  const now = Date.now();
  for (let index = 0; index < 150; index++) {
    const id = `other-${index}`;
    const head = figureHead({ id, name: `${id}:3000`, at: now - index, startedAt: now });
    await redis?.command('SET', `{chill}:1:fig:${id}`, JSON.stringify({ head }));
    await redis?.command('ZADD', '{chill}:1:figures', String(now - index), id);
  }
  const { instances = [] } = await one.figures.merge(figures());
  expect(instances.length).toBeGreaterThanOrEqual(100);
  expect(instances.length).toBeLessThanOrEqual(102);
  expect(instances.map(({ id }) => id)).not.toContain('other-149');
});

it('asks Redis once for readers of the same moment', async () => {
  const one = await join(3001);
  const before = await calls();
  await Promise.all(Array.from({ length: 50 }, () => one.figures.merge(figures())));
  expect((await calls()) - before).toBe(1);

  async function calls(): Promise<number> {
    const { Redis } = await import('ioredis');
    const client = new Redis(redis?.url ?? '');
    const text = await client.info('commandstats');
    client.disconnect();
    return Number(/^cmdstat_zrevrange:calls=(\d+)/m.exec(text)?.[1] ?? 0);
  }
});
