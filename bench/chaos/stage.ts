/** Several servers behind a balancer, and what happens to them. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { freePort } from '../../test/support/free-port.ts';
import type { RedisServer } from '../../test/support/redis.ts';
import { startTcpBalancer, type TcpBalancer } from '../../test/support/tcp-balancer.ts';
import { startTcpProxy, type TcpProxy } from '../../test/support/tcp-proxy.ts';
import { type RunningServer, scratchDirectory, startApp } from '../harness.ts';
import { ChaosModels } from './models.ts';
import type { ChaosEvent, Fleet } from './schedule.ts';

const CHECK_MS = 500;
/** Longer than two checks of the balancer, and a second. */
const SHUTDOWN_DELAY_MS = 3_000;
/** Longer than any response of the load. */
const SHUTDOWN_TIMEOUT_MS = 30_000;
/** What kills a server that stops waits for longer than both. */
const KILL_AFTER_MS = SHUTDOWN_DELAY_MS + SHUTDOWN_TIMEOUT_MS + 10_000;
/** An event from which nothing has come back by then has found a fault. */
const BACK_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;

interface Instance {
  readonly port: number;
  readonly url: string;
  /** Between it and Redis. */
  readonly proxy: TcpProxy;
  readonly log: string;
  server: RunningServer;
}

export class Stage {
  readonly models: ChaosModels;
  readonly #redis: RedisServer;
  readonly #instances: readonly Instance[];
  readonly #balancer: TcpBalancer;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    parts: { models: ChaosModels; redis: RedisServer; instances: readonly Instance[]; balancer: TcpBalancer },
    env: Readonly<Record<string, string>>,
  ) {
    this.models = parts.models;
    this.#redis = parts.redis;
    this.#instances = parts.instances;
    this.#balancer = parts.balancer;
    this.#env = env;
  }

  /** Logs of the servers go to `folder`. */
  static async start(redis: RedisServer, { instances: count, modelServers }: Fleet, folder: string): Promise<Stage> {
    const models = await ChaosModels.start(modelServers);
    const env = {
      MODEL_PROVIDER: 'ollama',
      OLLAMA_API_URL: models.urls.join(','),
      OLLAMA_MODEL: 'test',
      RATE_LIMIT_CHAT: '0',
      QUEUE_MAX_CONCURRENT: '64',
      QUEUE_MAX_SIZE: '1000',
      // A server has of another one what Redis has.
      CACHE_PERSIST: 'false',
      SHUTDOWN_DELAY_MS: String(SHUTDOWN_DELAY_MS),
      SHUTDOWN_TIMEOUT_MS: String(SHUTDOWN_TIMEOUT_MS),
      LOG_LEVEL: 'warn',
      DATA_DIR: scratchDirectory('chaos'),
    };
    const instances: Instance[] = [];
    for (let index = 0; index < count; index++) {
      const proxy = await startTcpProxy(redis.port);
      const port = await freePort();
      const log = join(folder, `instance-${index + 1}.log`);
      const server = await startInstance({ port, proxy, log }, env);
      instances.push({ port, url: server.url, proxy, log, server });
    }
    const balancer = await startTcpBalancer(
      instances.map(({ url }) => url),
      CHECK_MS,
    );
    const stage = new Stage({ models, redis, instances, balancer }, env);
    await Promise.all(instances.map((instance) => stage.#untilServing(instance)));
    return stage;
  }

  /** Of the balancer. */
  get url(): string {
    return this.#balancer.url;
  }

  /** Does an event. Resolves once all is there again; rejects if that takes more than a minute. */
  async perform(event: ChaosEvent): Promise<void> {
    switch (event.kind) {
      case 'instance killed': {
        const instance = this.#at(event.instance);
        await instance.server.kill();
        await delay(event.awayMs);
        await this.#startAgain(instance);
        break;
      }
      case 'Redis restarted':
        await this.#redis.kill();
        await delay(event.awayMs);
        await this.#redis.restart();
        await this.#untilAllHaveRedis();
        break;
      case 'model server restarted':
        await this.models.stop(event.server);
        await delay(event.awayMs);
        await this.models.restart(event.server);
        break;
      case 'cut off from Redis': {
        const { proxy } = this.#at(event.instance);
        if (event.isFrozen) proxy.freeze();
        else proxy.cut();
        await delay(event.awayMs);
        proxy.mend();
        await this.#untilAllHaveRedis();
        break;
      }
      case 'rolling deploy':
        for (const index of event.order) {
          const instance = this.#at(index);
          await instance.server.stop(KILL_AFTER_MS);
          await this.#startAgain(instance);
        }
        break;
    }
  }

  async close(): Promise<void> {
    await this.#balancer.close();
    await Promise.all(this.#instances.map(({ server }) => server.kill()));
    await Promise.all(this.#instances.map(({ proxy }) => proxy.close()));
    await this.models.close();
  }

  #at(index: number): Instance {
    const instance = this.#instances[index];
    if (instance === undefined) throw new Error(`there is no instance ${index + 1}`);
    return instance;
  }

  async #startAgain(instance: Instance): Promise<void> {
    instance.server = await startInstance(instance, this.#env);
    await this.#untilServing(instance);
  }

  async #untilServing({ url }: Instance): Promise<void> {
    const isLate = Symbol('late');
    const late = new AbortController();
    const serving = this.#balancer.until(url, true);
    // The wait rejects when it is ended.
    const waiting = delay(BACK_WITHIN_MS, isLate, { signal: late.signal }).catch(() => isLate);
    const first = await Promise.race([serving, waiting]);
    late.abort();
    if (first === isLate) throw new Error(`${url} is not ready ${BACK_WITHIN_MS / 1_000} s after its start`);
  }

  async #untilAllHaveRedis(): Promise<void> {
    await Promise.all(this.#instances.map(untilRedis));
  }
}

/** As `npm start` starts it. Its database is that of the others. */
function startInstance(
  { port, proxy, log }: Pick<Instance, 'port' | 'proxy' | 'log'>,
  env: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  return startApp({ ...env, REDIS_URL: `redis://127.0.0.1:${proxy.port}` }, { port, log });
}

const readySchema = z.object({ parts: z.object({ redis: z.object({ state: z.string() }) }) });

async function untilRedis({ url }: Instance): Promise<void> {
  const untilMs = performance.now() + BACK_WITHIN_MS;
  while (performance.now() < untilMs) {
    // One that is killed or busy now is asked again.
    const ready: unknown = await fetch(`${url}/api/ready`, { signal: AbortSignal.timeout(5_000) })
      .then((response) => response.json())
      .catch(() => undefined);
    if (readySchema.safeParse(ready).data?.parts.redis.state === 'up') return;
    await delay(LOOK_EVERY_MS);
  }
  throw new Error(`${url} does not see ${BACK_WITHIN_MS / 1_000} s after it that Redis is back`);
}
