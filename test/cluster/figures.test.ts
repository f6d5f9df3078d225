import { afterAll, beforeAll, expect, it } from 'vitest';
import { serverStatsSchema } from '#lib/wire/server-stats';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';
import { ollama } from '../support/faulty-model-server.ts';
import type { RunningApp } from '../support/running-app.ts';

/** Two real apps over one Redis: their figures are those of both, and say so when they are not. */
const eventually = { timeout: 10_000, interval: 100 };
let cluster: AppCluster;
let one: RunningApp;
let two: RunningApp;

beforeAll(async () => {
  cluster = await startAppCluster([{}, {}], { QUEUE_MAX_CONCURRENT: '1' });
  [one, two] = [cluster.at(0), cluster.at(1)];
}, 60_000);

afterAll(async () => {
  await cluster?.close();
});

const statsOf = async (app: RunningApp) => serverStatsSchema.parse(await readJson(app, '/api/cache-stats'));
const metricsOf = async ({ url }: RunningApp) => await (await fetch(`${url}/api/metrics`)).text();
const states = async (app: RunningApp) =>
  Object.fromEntries((await statsOf(app)).instances?.map(({ name, state }) => [name.split(':').at(-1), state]) ?? []);
const portOf = ({ url }: RunningApp) => new URL(url).port;

it('lists both, with the one that responds', async () => {
  await expect.poll(async () => (await statsOf(one)).instances?.length, eventually).toBe(2);
  await expect.poll(async () => (await statsOf(two)).instances?.length, eventually).toBe(2);
  for (const app of [one, two]) {
    const { instances = [], scope, process } = await statsOf(app);
    expect(scope).toBe('cluster');
    const own = instances.find(({ is_responding: isOwn }) => isOwn);
    expect(own?.name).toMatch(new RegExp(`:${portOf(app)}$`));
    expect(instances.map(({ state, version }) => [state, version])).toEqual(
      instances.map(() => ['ready', process.version]),
    );
    expect(Math.abs(Date.parse(own?.started_at ?? '') - Date.now())).toBeLessThan(60_000);
  }
});

it('counts the requests of both, and of each in its row', async () => {
  const before = await statsOf(one);
  await ask(one, 'Counted once?');
  await ask(two, 'Counted as well?');
  await ask(two, 'Counted once?');
  for (const app of [one, two]) {
    const counted = async () => {
      const { batch_processor: batch, latency, instances = [] } = await statsOf(app);
      const total = batch.total_requests - before.batch_processor.total_requests;
      return [total, batch.cached_responses, instances.map(({ requests }) => requests).sort(), latency.total_ms.p50];
    };
    await expect.poll(counted, eventually).toEqual([3, 1, [1, 2], expect.any(Number)]);
  }
});

it('counts the line that both share once, in metrics as another series', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  cluster.model.choose(() => [{ wait: held }, { send: ollama.text('late') }, { send: ollama.done() }]);
  const open = [one, two].flatMap((app) =>
    [1, 2, 3].map((index) => ask(app, `Waits ${index} at ${portOf(app)}`, { cache: 'off' })),
  );
  try {
    await expect.poll(async () => (await statsOf(one)).queue_length, eventually).toBe(5);
    const work = async () => {
      const { model_servers: [server] = [], instances = [] } = await statsOf(one);
      return [server?.slots, server?.running, server?.waiting, instances.map(({ running }) => running).sort()];
    };
    await expect.poll(work, eventually).toEqual([1, 1, 5, [0, 1]]);
    const text = await metricsOf(one);
    expect(text).toMatch(/^chill_space_queue_length\{scope="cluster"\} 5$/m);
    expect(text).toMatch(/^chill_space_model_server_running\{model_server="[^"]+",scope="cluster"\} 1$/m);
    expect(text).toMatch(/^chill_space_model_server_waiting\{model_server="[^"]+",scope="cluster"\} 5$/m);
  } finally {
    release();
    await Promise.all(open);
  }
});

it('records the requests of both in the time series of each', async () => {
  const recorded = async (app: RunningApp) => {
    const { server, time } = await readJson(app, '/api/stats/history?range=5m');
    const rates: (number | null)[] = server.requests_per_second;
    return time.length === 0 ? 0 : Math.max(...rates.map((rate) => rate ?? 0));
  };
  // Ten seconds are the step.
  for (let round = 0; round < 12; round++) {
    for (const app of [one, two]) await ask(app, 'Again?');
    if ((await recorded(one)) > 0 && (await recorded(two)) > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
  const [first, second] = [await recorded(one), await recorded(two)];
  expect(first).toBeGreaterThan(0);
  expect(second).toBeGreaterThan(0);
  const rss = (await readJson(one, '/api/stats/history?range=5m')).server.rss_mb.at(-1);
  const { instances = [], process } = await statsOf(one);
  expect(instances).toHaveLength(2);
  expect(rss).toBeGreaterThan(1.4 * process.rss_mb);
}, 60_000);

it('has the figures of one while Redis is away, which say so, and of both afterwards', async () => {
  await cluster.redis.kill();
  await expect.poll(async () => (await statsOf(one)).scope, eventually).toBe('instance');
  const { instances = [], batch_processor: batch } = await statsOf(one);
  expect(instances.map(({ is_responding: isOwn }) => isOwn)).toEqual([true]);
  expect(batch.total_requests).toBe(instances[0]?.requests);
  expect(await metricsOf(one)).not.toContain('chill_space_queue_length{scope="cluster"}');
  await cluster.redis.restart();
  for (const app of [one, two])
    await expect.poll(async () => (await statsOf(app)).instances?.length, { ...eventually, timeout: 15_000 }).toBe(2);
}, 60_000);

it('lists one that is killed as lost, without its work', async () => {
  process.kill(two.pid, 'SIGKILL');
  await two.ended;
  await expect
    .poll(() => states(one), { timeout: 20_000, interval: 200 })
    .toEqual({ [portOf(one)]: 'ready', [portOf(two)]: 'lost' });
  const { instances = [], batch_processor: batch } = await statsOf(one);
  const lost = instances.find(({ state }) => state === 'lost');
  expect(lost?.requests).toBeGreaterThan(0);
  expect(batch.total_requests).toBe(instances.find(({ is_responding: isOwn }) => isOwn)?.requests);
}, 30_000);

it('does not list one as lost that was stopped, and shows that it stops', async () => {
  const third = await cluster.add({ SHUTDOWN_DELAY_MS: '3000' });
  await expect.poll(async () => (await states(one))[portOf(third)], eventually).toBe('ready');
  const exit = third.stop(15_000);
  await expect.poll(async () => (await states(one))[portOf(third)], eventually).toBe('stopping');
  expect(await exit).toBe(0);
  await expect.poll(async () => (await states(one))[portOf(third)], eventually).toBeUndefined();
}, 60_000);
