/** Several servers over a real Redis, for the tables about them. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisKeys } from '#lib/cluster/keys';
import { findRedisProgram } from '#lib/cluster/redis-program';
import { serverStatsSchema } from '#lib/wire/server-stats';
import { type RedisServer, startRedis } from '../../test/support/redis.ts';
import { type RunningServer, scratchDirectory, startApp, startServer } from '../harness.ts';
import { treeProcessorMs } from '../process-tree.ts';

/** `REDIS_PREFIX` where a table has one group of servers. */
export const PREFIX = 'bench';
const OWNED_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 5;

/** Why this machine has none of the figures of several servers. Undefined if it has. */
export function missingRedis(): string | undefined {
  return findRedisProgram() === undefined
    ? 'several servers: neither redis-server nor valkey-server is installed (apt-get install redis-server)'
    : undefined;
}

/** Runs `work` with a Redis that has an append-only file, and ends it after that in any case. */
export async function withRedis<T>(work: (redis: RedisServer) => Promise<T>): Promise<T> {
  const redis = await startRedis();
  // An interrupted run does not come to what follows.
  const end = () => {
    try {
      process.kill(redis.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  process.once('exit', end);
  try {
    return await work(redis);
  } finally {
    process.removeListener('exit', end);
    await redis.close();
  }
}

/** A paced model server, which the servers of a table have in common. */
export function startPacedModel(): Promise<RunningServer> {
  return startServer(['bench/peers/paced-model-server.ts', '{port}'], '/count');
}

type Environment = Readonly<Record<string, string>>;

export interface GroupOptions {
  model: { readonly url: string };
  /** Without it, each server is alone. */
  redis?: RedisServer;
  prefix?: string;
  env?: Environment;
}

let groups = 0;

/**
 * `count` servers with one database before one model server. Responses are not in the database:
 * what one server has of another comes through Redis.
 */
export async function startGroup(
  count: number,
  { model, redis, prefix = PREFIX, env = {} }: GroupOptions,
): Promise<RunningServer[]> {
  const folder = scratchDirectory(`group-${++groups}`);
  const servers: RunningServer[] = [];
  for (let index = 0; index < count; index++)
    servers.push(
      await startApp({
        MODEL_PROVIDER: 'ollama',
        OLLAMA_API_URL: model.url,
        RATE_LIMIT_CHAT: '0',
        QUEUE_MAX_CONCURRENT: '64',
        CACHE_PERSIST: 'false',
        SHUTDOWN_DELAY_MS: '0',
        SHUTDOWN_TIMEOUT_MS: '500',
        LOG_LEVEL: 'warn',
        DATA_DIR: folder,
        ...(redis === undefined ? {} : { REDIS_URL: redis.url, REDIS_PREFIX: prefix }),
        ...env,
      }),
    );
  return servers;
}

export async function stopAll(servers: readonly RunningServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}

/** Processor time of all servers so far, in ms. */
export function processorMs(servers: readonly RunningServer[]): number {
  return servers.reduce((sum, { pid }) => sum + treeProcessorMs(pid), 0);
}

/** Processor time of Redis so far, in ms. */
export function redisProcessorMs({ pid }: RedisServer): number {
  return treeProcessorMs(pid);
}

/** Which server works on a request, as Redis has it. */
export class RequestOwners {
  readonly #client: Redis;
  readonly #keys: RedisKeys;
  readonly #servers: ReadonlyMap<string, RunningServer>;

  private constructor(client: Redis, keys: RedisKeys, servers: ReadonlyMap<string, RunningServer>) {
    this.#client = client;
    this.#keys = keys;
    this.#servers = servers;
  }

  static async of(servers: readonly RunningServer[], redis: RedisServer, prefix = PREFIX): Promise<RequestOwners> {
    const ids = await Promise.all(servers.map(async (server) => [await idOf(server), server] as const));
    return new RequestOwners(new Redis(redis.url), new RedisKeys(prefix), new Map(ids));
  }

  /** Resolves once a server has begun with it. Rejects after ten seconds. */
  async find(request: string): Promise<RunningServer> {
    const until = performance.now() + OWNED_WITHIN_MS;
    while (performance.now() < until) {
      const run = await this.#client.hget(this.#keys.ticket(request), 'run');
      const owner = run === null ? null : await this.#client.hget(this.#keys.run(run), 'owner');
      const server = owner === null ? undefined : this.#servers.get(owner);
      if (server !== undefined) return server;
      await delay(LOOK_EVERY_MS);
    }
    throw new Error(`no server has begun with the request ${request} within ${OWNED_WITHIN_MS / 1_000} s`);
  }

  close(): void {
    this.#client.disconnect();
  }
}

async function idOf({ url }: RunningServer): Promise<string> {
  const stats = serverStatsSchema.parse(await (await fetch(`${url}/api/cache-stats`)).json());
  const own = stats.instances?.find((instance) => instance.is_responding);
  if (own === undefined) throw new Error(`${url} does not say which of the servers it is: is REDIS_URL set?`);
  return own.id;
}
