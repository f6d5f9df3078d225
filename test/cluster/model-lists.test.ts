import { afterEach, beforeEach, expect, it } from 'vitest';
import { SharedModelLists } from '#lib/cluster/shared-model-lists';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { AppError } from '#lib/errors';
import { ModelServer, type ServerModel } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';
import { ModelServers } from '#lib/models/servers';
import { ManualClock } from '../support/chat.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { linkTo } from '../support/shared-line.ts';

/** What two instances of one Redis know of the same two model servers. */
const NAMES = ['a', 'b'];
const eventually = { timeout: 10_000, interval: 10 };
let redis: RedisServer;
let loaded: Record<string, boolean>;
const links: { close(): void }[] = [];

beforeEach(async () => {
  redis = await startRedis();
  loaded = {};
});

afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  await redis.close();
});

const model = (name: string): ServerModel => ({
  ...{ id: 'test:latest', provider: 'ollama', size_bytes: 1, parameter_size: null, quantization: null },
  ...{ context_length: null, capabilities: { thinking: false, vision: false, tools: false } },
  loaded: loaded[name] === true,
});

async function join(id: string, hint: (change: Parameters<ClusterLink['share']>[0]) => void) {
  const link = await linkTo(redis.port, id);
  links.push(link);
  const clock = new ManualClock();
  const servers = new ModelServers(clock);
  const reads: string[] = [];
  const instance = {
    clock,
    servers,
    reads,
    lists: new SharedModelLists({ ...link, share: hint }, servers),
    fails: false,
  };
  servers.share(instance.lists);
  servers.use(
    NAMES.map((name) => {
      const provider = {
        id: 'ollama',
        models: async () => {
          reads.push(name);
          if (instance.fails) throw new Error('this instance does not reach it');
          return [model(name)];
        },
        check: async () => {
          if (instance.fails) throw new AppError('provider_unavailable', `${name} is not answering`);
        },
      } as unknown as ModelProvider;
      return new ModelServer({
        ...{ provider, name, isNamed: true, url: `http://${name}`, slots: 1, weight: 1, hasTags: true },
      });
    }),
  );
  return instance;
}

type Instance = Awaited<ReturnType<typeof join>>;

async function joinBoth(): Promise<[Instance, Instance]> {
  const all: Instance[] = [];
  const hintFrom = (from: number) => (change: Parameters<ClusterLink['share']>[0]) => {
    const { lists } = all[1 - from] ?? expect.fail();
    if (change.kind === 'models') void lists.read(change.server);
    else if (change.kind === 'unreached') lists.verify(change.server);
  };
  const [one, two] = [await join('one', hintFrom(0)), await join('two', hintFrom(1))];
  all.push(one, two);
  return [one, two];
}

const loadedAt = ({ servers }: Instance) => servers.all.map((server) => server.isLoaded('test'));

it('know at once what another instance has read after a model was loaded', async () => {
  const [one, two] = await joinBoth();
  for (const { servers } of [one, two]) await servers.list();
  expect([loadedAt(one), loadedAt(two)]).toEqual([
    [false, false],
    [false, false],
  ]);
  loaded.b = true;
  const [, b] = one.servers.all;
  if (b !== undefined) await one.servers.refresh(b);
  await expect.poll(() => loadedAt(two), eventually).toEqual([false, true]);
  expect(two.reads).toEqual(NAMES);
});

it('are read by one instance in each period, and known to both', async () => {
  const [one, two] = await joinBoth();
  for (const { servers } of [one, two]) await servers.list();
  for (let period = 1; period <= 3; period++) {
    loaded.a = period % 2 === 1;
    // The key of the period expires in Redis by the real clock.
    for (const server of one.servers.all) await clear(server.id);
    const before = one.reads.length + two.reads.length;
    for (const { servers, clock } of [one, two]) {
      servers.touch();
      await clock.advance(15_000);
    }
    await expect.poll(() => one.reads.length + two.reads.length - before, eventually).toBe(2);
    for (const instance of [one, two])
      await expect.poll(() => loadedAt(instance), eventually).toEqual([loaded.a, false]);
  }
});

it('are read by an instance itself if the one whose turn it was does not reach the server', async () => {
  const [one, two] = await joinBoth();
  one.fails = true;
  for (const { servers, clock } of [one, two]) {
    servers.touch();
    await clock.advance(0);
    await expect.poll(() => one.reads, eventually).toEqual(NAMES);
  }
  loaded.a = true;
  await expect.poll(() => two.reads, eventually).toEqual(NAMES);
  await expect.poll(() => two.servers.all.map(({ models }) => models?.length), eventually).toEqual([1, 1]);
});

it('are of servers that both look at as soon as one does not reach them', async () => {
  const [one, two] = await joinBoth();
  for (const { servers } of [one, two]) await servers.list();
  const [a] = one.servers.all;
  if (a === undefined) expect.fail();
  one.fails = two.fails = true;
  const refused = new AppError('provider_unavailable', 'a is not answering', { upstream: { isUnreached: true } });
  one.servers.reportFailure(a, refused);
  const areUp = ({ servers }: Instance) => servers.all.map(({ isUp }) => isUp);
  await expect
    .poll(() => [areUp(one), areUp(two)], eventually)
    .toEqual([
      [false, true],
      [false, true],
    ]);
});

async function clear(server: string): Promise<void> {
  const { keys, connection } = await linkTo(redis.port, 'tester').then((link) => {
    links.push(link);
    return link;
  });
  await connection.client.del(keys.poll(server));
}
