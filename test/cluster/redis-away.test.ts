import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';

/** Redis is ended, frozen, and back, with its data and without. */
let cluster: AppCluster | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const FAULTS = {
  'is killed, and comes back': {
    begin: ({ redis }: AppCluster) => redis.kill(),
    end: ({ redis }: AppCluster) => redis.restart(),
  },
  'is frozen, and goes on': {
    begin: async ({ redis }: AppCluster) => redis.freeze(),
    end: async ({ redis }: AppCluster) => redis.resume(),
  },
  'is killed, and comes back empty': {
    begin: ({ redis }: AppCluster) => redis.kill(),
    end: ({ redis }: AppCluster) => redis.restart({ isEmpty: true }),
  },
};

function linesWith(app: AppCluster['apps'][number], text: string): number {
  return app
    .output()
    .split('\n')
    .filter((line) => line.includes(text)).length;
}

it.each(Object.entries(FAULTS))(
  'has no request wait for Redis while it %s',
  async (_name, { begin, end }) => {
    cluster = await startAppCluster([{}, {}], { RATE_LIMIT_CHAT: '1000' });
    const { at } = cluster;
    const known = await ask(at(0), 'known');
    expect(known.status).toBe(200);
    const replies: Awaited<ReturnType<typeof ask>>[] = [];
    const load = async (rounds: number, name: string) => {
      for (let round = 0; round < rounds; round++) {
        replies.push(
          ...(await Promise.all([
            ask(at(round), `${name} ${round}`),
            ask(at(0), 'known'),
            ask(at(round), `${name} turn ${round}`, { conversation_id: `${name} ${round}` }),
            ask(at(round), `${name} once`, {}, { 'idempotency-key': `${name} ${round}` }, '/api/chat-queue'),
          ])),
        );
        await delay(50);
      }
    };
    await load(5, 'before');
    await begin(cluster);
    await load(20, 'away');
    for (const app of cluster.apps)
      await expect.poll(async () => (await readJson(app, '/api/ready')).parts.redis.state).toBe('unavailable');
    expect((await fetch(`${at(0).url}/api/ready`)).status).toBe(200);
    // Only what lasts is reported: three failures in a row, a second apart. The log is in batches.
    for (const app of cluster.apps)
      await expect.poll(() => linesWith(app, 'Redis does not respond'), { timeout: 15_000 }).toBe(1);
    await load(5, 'still away');
    await end(cluster);
    await load(10, 'back');
    for (const app of cluster.apps)
      await expect
        .poll(async () => (await readJson(app, '/api/ready')).parts.redis, { timeout: 15_000 })
        .toEqual({ state: 'up' });
    expect(replies.filter(({ status }) => status !== 200 && status !== 202)).toEqual([]);
    // Of requests that wait, the loads above would not end. On loaded cores each takes a while.
    expect(Math.max(...replies.map(({ ms }) => ms))).toBeLessThan(10_000);
    // What is generated from now on is shared again.
    const fresh = await ask(at(0), 'shared again');
    // Right after the reply, the run may still be there to be joined.
    const shared = { cache: expect.stringMatching(/^(hit|joined)$/), content: fresh.content };
    expect(await ask(at(1), 'shared again')).toMatchObject(shared);
    // One line when it went, one when it came, of each server.
    for (const app of cluster.apps)
      await expect
        .poll(() => [linesWith(app, 'Redis does not respond'), linesWith(app, 'Redis responds again')], {
          timeout: 10_000,
        })
        .toEqual([1, 1]);
  },
  120_000,
);
