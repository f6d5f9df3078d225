import { afterEach, expect, it, vi } from 'vitest';
import type { Generation } from '#lib/chat/generation/generation';
import { PendingRequest } from '#lib/chat/generation/pending-request';
import { WORKER_LOST } from '#lib/cluster/lost-runs';
import type { EntryEvent } from '#lib/cluster/run-format';
import { RunStore } from '#lib/cluster/runs';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { generationOf, linkTo } from '../support/shared-line.ts';

/** Runs of two instances in a real Redis. */
const eventually = { timeout: 10_000, interval: 20 };
let redis: RedisServer | undefined;
const links: (ClusterLink & { close(): void })[] = [];

afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  await redis?.close();
});

async function joined(port: number, instanceId: string) {
  const link = await linkTo(port, instanceId);
  links.push(link);
  const requests = new Map<Generation, PendingRequest[]>();
  const store = new RunStore({
    link,
    ttlMs: 60_000,
    requestsOf: (generation) => requests.get(generation) ?? [],
    flightOf: () => undefined,
    onCreate: () => {},
    onAdmitted: () => {},
    onNotAdmitted: () => {},
    onUnshared: () => {},
  });
  const request = (generation: Generation, id: string) => {
    const made = new PendingRequest(generation, {
      ...{ id, caller: 'ann', createdAt: Date.now(), cacheStatus: 'miss', ignoredFields: [], droppedFields: [] },
      ...{ detached: true, conversation: undefined },
    });
    requests.set(generation, [...(requests.get(generation) ?? []), made]);
    return made;
  };
  const create = async (generation: Generation) => {
    const commands = link.connection.client.multi();
    store.addCreation(commands, { generation, lane: 'lane' });
    await commands.exec();
  };
  return { link, store, request, create };
}

async function begin() {
  redis = await startRedis();
  return { one: await joined(redis.port, 'one'), two: await joined(redis.port, 'two') };
}

const keysOf = async ({ connection }: ClusterLink) => (await connection.client.keys('*')).sort();

it('removes all of a run that is not accepted', async () => {
  const { one } = await begin();
  const generation = generationOf('run', 'ann');
  one.store.handleSubmitted({ generation, lane: 'lane' });
  one.request(generation, 'run');
  await one.create(generation);
  expect(await keysOf(one.link)).toHaveLength(5);
  one.store.handleNotAdmitted(generation);
  await expect.poll(() => keysOf(one.link), eventually).toEqual([]);
});

it('leaves a run to another instance that has joined it', async () => {
  const { one, two } = await begin();
  const generation = generationOf('run', 'ann');
  one.store.handleSubmitted({ generation, lane: 'lane' });
  one.request(generation, 'run');
  await one.create(generation);
  await two.store.addTicket('run', two.request(generationOf('run', 'ann'), 'other'));
  one.store.handleNotAdmitted(generation);
  await expect.poll(() => one.store.findTicket('run'), eventually).toBeUndefined();
  expect(await two.store.find('run')).toMatchObject({ state: 'queued', lane: 'lane' });
  expect(await two.store.findTicket('other')).toMatchObject({ run: 'run' });
  expect(await two.store.wishes(['run'])).toEqual([
    { wanted: 2, tickets: 1, cancelledBy: undefined, owner: undefined },
  ]);
  await one.store.beginAttempt('run');
  expect(await two.store.wishes(['run'])).toMatchObject([{ owner: 'one' }]);
});

const STARTED: EntryEvent = { type: 'started', server: 'server', model: 'test' };

it('begins an attempt in one trip, and one after another that has begun in the same moment', async () => {
  const { one, two } = await begin();
  const generation = generationOf('run', 'ann');
  one.request(generation, 'run');
  await one.create(generation);
  expect(await one.store.readTaken('run', true)).toMatchObject({
    ...{ stored: { attempt: 0, owner: '' }, last: undefined, request: null },
    ...{ wanted: 2, tickets: 1 },
  });
  const pipelines = vi.spyOn(one.link.connection.client, 'multi');
  expect(await one.store.begin('run', 1, STARTED)).toBe(1);
  expect(pipelines).toHaveBeenCalledTimes(1);
  expect(await one.store.find('run')).toMatchObject({ state: 'running', attempt: 1, owner: 'one' });
  // It has read that there was none before.
  expect(await two.store.begin('run', 1, STARTED)).toBe(2);
  expect(await two.store.lastEntry('run')).toEqual({ id: { attempt: 2, number: 0 }, events: [STARTED] });
  const write = () => one.store.append('run', { attempt: 1, number: 1 }, [{ type: 'content', text: 'late' }]);
  await expect(write()).rejects.toThrow(/equal or smaller/);
});

it('does not begin a run that another instance ends in the same moment', async () => {
  const { one, two } = await begin();
  const generation = generationOf('run', 'ann');
  one.request(generation, 'run');
  await one.create(generation);
  expect(await two.store.end('run', WORKER_LOST)).toBe(true);
  expect(await one.store.begin('run', 1, STARTED)).toMatchObject({ id: { attempt: 1, number: 1 } });
  expect(await one.store.find('run')).toMatchObject({ state: 'failed' });
  expect(await one.link.connection.client.zcard(one.link.keys.openRuns)).toBe(0);
});

it('reads in one trip what has become of all silent runs of an instance', async () => {
  const { one } = await begin();
  const runs = Array.from({ length: 150 }, (_, index) => `run ${index}`);
  for (const run of runs.slice(1)) {
    const generation = generationOf(run, 'ann');
    one.request(generation, run);
    await one.create(generation);
  }
  await one.store.end('run 1', WORKER_LOST);
  const pipelines = vi.spyOn(one.link.connection.client, 'pipeline');
  expect(await one.store.fates(runs)).toEqual(['gone', 'ended', ...Array.from({ length: 148 }, () => 'open')]);
  expect(pipelines).toHaveBeenCalledTimes(1);
});

it('knows which turns of conversations are those of cancelled requests', async () => {
  const { one, two } = await begin();
  const generation = generationOf('run', 'ann');
  for (const id of ['run', 'other']) one.request(generation, id);
  await one.create(generation);
  await two.store.cancelTicket('run', 'run', 'user');
  const turns = ['run', 'other', undefined].map((request) => ({
    request,
    caller: 'ann',
    id: 'talk',
    addedMessages: 0,
  }));
  expect(await two.store.turnsLeft(turns)).toEqual(turns.slice(1));
  await redis?.kill();
  expect(await two.store.turnsLeft(turns)).toEqual(turns);
});

it('keeps a generation until its request can have a reader', async () => {
  const { one } = await begin();
  const generation = generationOf('run', 'ann');
  expect(one.store.isEntering('run')).toBe(false);
  one.store.handleSubmitted({ generation, lane: 'lane' });
  expect([generation.isRetained, one.store.isEntering('run')]).toEqual([true, true]);
  one.store.handleAdmitted(generation);
  expect([generation.isRetained, one.store.isEntering('run')]).toEqual([false, false]);
});

it('lets everything expire that is written to a run which Redis has lost', async () => {
  const { one } = await begin();
  const { client } = one.link.connection;
  await one.store.beginAttempt('run');
  await one.store.append('run', { attempt: 1, number: 1 }, [{ type: 'content', text: 'a' }]);
  await one.store.touch(['run']);
  const placing = client.multi();
  one.store.addPlace(placing, 'placed', { turn: 1, sortKey: 1 });
  one.store.addLane(placing, 'moved', 'lane');
  await placing.exec();
  const keys = await keysOf(one.link);
  expect(keys).toHaveLength(4);
  for (const key of keys) expect(await client.pttl(key)).toBeGreaterThan(0);
});

it('lets a request through while thousands of waiting runs are renewed', async () => {
  const { one } = await begin();
  const { client, guard } = one.link.connection;
  const runs = Array.from({ length: 5_000 }, (_, index) => `run ${index}`);
  for (const renew of [() => one.store.renewLeases(runs), () => one.store.renew(runs)]) {
    let isOver = false;
    const renewing = renew().then(() => {
      isOver = true;
    });
    await client.get('of a request');
    expect(isOver).toBe(false);
    await renewing;
  }
  expect(await client.zcard(one.link.keys.wanted('run 4999'))).toBe(1);
  expect(guard.openings).toBe(0);
});
