import { afterEach, expect, it } from 'vitest';
import type { Generation } from '#lib/chat/generation/generation';
import { PendingRequest } from '#lib/chat/generation/pending-request';
import { WORKER_LOST } from '#lib/cluster/lost-runs';
import type { Mirror } from '#lib/cluster/mirrors';
import { restoreRun } from '#lib/cluster/owned-run';
import { RunRecovery, type RunRecoveryOptions } from '#lib/cluster/run-recovery';
import { RunStore } from '#lib/cluster/runs';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { generationOf, linkTo } from '../support/shared-line.ts';

/** What one instance writes again that a real Redis has lost. */
const eventually = { timeout: 10_000, interval: 20 };
let redis: RedisServer | undefined;
let link: (ClusterLink & { close(): void }) | undefined;

afterEach(async () => {
  link?.close();
  await redis?.close();
});

/** A run that this instance has begun for the first time, and has written `texts` of. */
async function begin(texts: readonly string[] = []) {
  redis = await startRedis();
  link = await linkTo(redis.port, 'one');
  const { connection, keys } = link;
  const generation = generationOf('run', 'ann');
  const request = new PendingRequest(generation, {
    ...{ id: 'run', caller: 'ann', createdAt: Date.now(), cacheStatus: 'miss', ignoredFields: [], droppedFields: [] },
    ...{ detached: true, conversation: undefined },
  });
  const inFlight = { requestsOf: (of: Generation) => (of === generation ? [request] : []) };
  const store = new RunStore({
    link,
    ttlMs: 60_000,
    requestsOf: (of) => inFlight.requestsOf(of),
    flightOf: () => 'flight',
    onCreate: () => {},
    onAdmitted: () => {},
    onNotAdmitted: () => {},
    onUnshared: () => {},
  });
  await store.createAgain({ generation, lane: 'lane' }, [request]);
  const attempt = await store.beginAttempt('run');
  await store.appendStarted('run', attempt, { type: 'started', server: 'gpu', model: 'test' });
  for (const [index, text] of texts.entries()) {
    generation.log.append({ type: 'content', text });
    await store.append('run', { attempt, number: index + 1 }, [{ type: 'content', text }]);
  }
  const owned = { generation, lane: 'lane', attempt, requests: () => [request] };
  const restore = () => restoreRun(owned, store, { instanceId: 'one' });
  return { redis, link, store, generation, request, inFlight, restore, client: connection.client, keys };
}

it('has nothing to write again of what Redis has', async () => {
  const { store, restore } = await begin(['a', 'b']);
  const before = await store.entries('run');
  expect(await restore()).toEqual({ attempt: 1, number: 2 });
  expect(await store.entries('run')).toEqual(before);
});

it('writes an owned run again where Redis came back empty', async () => {
  const { store, restore, client } = await begin(['a', 'b']);
  await client.flushall();
  expect(await restore()).toEqual({ attempt: 1, number: 0 });
  expect(await store.find('run')).toMatchObject({ state: 'running', lane: 'lane', attempt: 1, owner: 'one' });
  expect(await store.findTicket('run')).toMatchObject({ run: 'run', detached: true });
  expect(await store.isWanted('run')).toBe(true);
  expect(await store.flightRun('flight')).toBe('run');
  expect((await store.entries('run')).map(([id]) => id)).toEqual(['1-0']);
  for (const key of await client.keys('*')) expect(await client.pttl(key), key).toBeGreaterThan(0);
});

it('begins a log again that was written to since it was lost', async () => {
  const { store, restore, client, keys } = await begin(['a', 'b']);
  await client.del(keys.log('run'));
  await store.append('run', { attempt: 1, number: 3 }, [{ type: 'content', text: 'c' }]);
  expect(await restore()).toEqual({ attempt: 1, number: 0 });
  expect((await store.entries('run')).map(([id]) => id)).toEqual(['1-0']);
});

it('writes the start and the number of an attempt again that a failover has lost', async () => {
  const { store, restore, client, keys } = await begin();
  await client.del(keys.log('run'));
  await client.hset(keys.run('run'), { attempt: 0, owner: '', state: 'queued' });
  expect(await restore()).toEqual({ attempt: 1, number: 0 });
  expect(await store.find('run')).toMatchObject({ state: 'running', attempt: 1, owner: 'one' });
  expect(await store.lastEntry('run')).toMatchObject({ id: { attempt: 1, number: 0 } });
});

it('leaves a run to another instance that has begun it since', async () => {
  const { store, restore, client, keys } = await begin(['a']);
  await client.hset(keys.run('run'), { attempt: 2, owner: 'two' });
  const before = await store.entries('run');
  expect(await restore()).toBeUndefined();
  expect(await store.entries('run')).toEqual(before);
});

/** What another instance does that has got the job of the run. */
async function beginElsewhere(port: number) {
  const other = await linkTo(port, 'two');
  const store = new RunStore({
    ...{ link: other, ttlMs: 60_000, requestsOf: () => [], flightOf: () => undefined },
    ...{ onCreate: () => {}, onAdmitted: () => {}, onNotAdmitted: () => {}, onUnshared: () => {} },
  });
  const attempt = await store.beginAttempt('run');
  const start = () => store.appendStarted('run', attempt, { type: 'started', server: 'gpu', model: 'test' });
  return { other, store, attempt, start };
}

it('fences an instance that has begun an attempt of the same number, which Redis had lost', async () => {
  const { redis: server, restore, store, client, keys } = await begin(['a', 'b']);
  await client.del(keys.log('run'));
  await client.hset(keys.run('run'), { attempt: 0, owner: '', state: 'queued' });
  const two = await beginElsewhere(server.port);
  try {
    expect(two.attempt).toBe(1);
    await two.start();
    await two.store.append('run', { attempt: 1, number: 1 }, [{ type: 'content', text: 'theirs' }]);
    expect(await restore()).toEqual({ attempt: 2, number: 0 });
    expect(await store.find('run')).toMatchObject({ attempt: 2, owner: 'one' });
    const late = two.store.append('run', { attempt: 1, number: 2 }, [{ type: 'content', text: 'late' }]);
    await expect(late).rejects.toThrow('equal or smaller');
    // The reply to that may be lost.
    expect(await restore()).toEqual({ attempt: 3, number: 0 });
  } finally {
    two.other.close();
  }
});

it('ends a run of which another instance has written all, under the same number', async () => {
  const { redis: server, restore, store, client, keys } = await begin(['a', 'b']);
  await client.del(keys.log('run'));
  await client.hset(keys.run('run'), { attempt: 0, owner: '', state: 'queued' });
  const two = await beginElsewhere(server.port);
  try {
    await two.start();
    const usage = { prompt_tokens: 1, completion_tokens: 1 };
    await two.store.append('run', { attempt: 1, number: 1 }, [{ type: 'done', done_reason: 'stop', usage }]);
    const before = await store.entries('run');
    expect(await restore()).toBe('ended');
    expect(await store.entries('run')).toEqual(before);
  } finally {
    two.other.close();
  }
});

it('does not begin a log again that another instance has begun since it was looked at', async () => {
  const { redis: server, generation, request, store, client, keys } = await begin();
  await client.del(keys.log('run'));
  await client.hset(keys.run('run'), { attempt: 0, owner: '', state: 'queued' });
  const two = await beginElsewhere(server.port);
  // As it was before.
  await client.hset(keys.run('run'), { attempt: 0, owner: '' });
  const late: RunStore = Object.create(store, {
    appendStarted: {
      value: async (...started: Parameters<RunStore['appendStarted']>) => {
        if (started[1] === 1) {
          await client.hset(keys.run('run'), { attempt: 1, owner: 'two' });
          await two.start();
        }
        await store.appendStarted(...started);
      },
    },
  });
  try {
    const owned = { generation, lane: 'lane', attempt: 1, requests: () => [request] };
    expect(await restoreRun(owned, late, { instanceId: 'one' })).toEqual({ attempt: 2, number: 0 });
    expect((await store.entries('run')).map(([id]) => id)).toEqual(['1-0', '2-0']);
  } finally {
    two.other.close();
  }
});

it('leaves a run that another instance has ended since', async () => {
  const { store, restore } = await begin(['a']);
  await store.end('run', WORKER_LOST);
  expect(await restore()).toBeUndefined();
});

async function recovery(state: 'waits' | 'runs elsewhere') {
  const begun = await begin();
  const { generation, inFlight } = begun;
  if (state === 'runs elsewhere') generation.startElsewhere(Date.now(), undefined);
  const mirror: Mirror = {
    ...{ generation, lane: 'lane', isOwned: false, isAlone: false, isWanted: true, heardMs: 0, epoch: 1 },
  };
  const entered: string[] = [];
  const recovering = new RunRecovery({
    ...{ link: begun.link, store: begun.store, inFlight },
    mirrors: { all: () => [mirror] },
    line: () => ({ enterAgain: ({ id }: Generation) => entered.push(id) }),
  } as unknown as RunRecoveryOptions);
  const reconnect = async () => {
    const { connection } = begun.link;
    const { epoch } = connection;
    connection.client.disconnect(true);
    await expect.poll(() => connection.epoch > epoch && connection.isUsable, eventually).toBe(true);
  };
  return { ...begun, entered, recovering, reconnect };
}

it('puts a waiting run into the line again, once for each connection, if Redis has lost it', async () => {
  const { recovering, reconnect, entered, generation, client } = await recovery('waits');
  Object.defineProperty(generation, 'packedRequest', { value: {} });
  await reconnect();
  await recovering.recover();
  expect(entered).toEqual([]);
  await reconnect();
  await client.flushall();
  await recovering.recover();
  await recovering.recover();
  expect(entered).toEqual(['run']);
});

it('adds its requests again to a run that another instance works on', async () => {
  const { recovering, reconnect, entered, store, client, keys } = await recovery('runs elsewhere');
  await client.del(keys.ticket('run'), keys.wanted('run'));
  await reconnect();
  await recovering.recover();
  expect(await store.findTicket('run')).toMatchObject({ run: 'run' });
  expect(await store.isWanted('run')).toBe(true);
  await reconnect();
  await client.flushall();
  await recovering.recover();
  expect(await store.findTicket('run')).toMatchObject({ run: 'run' });
  expect(entered).toEqual([]);
});
