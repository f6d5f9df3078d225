import { setTimeout as delay } from 'node:timers/promises';
import type { EmbeddedRedis } from '#lib/cluster/embedded-redis';
import { asError } from '#lib/errors';
import { RestartBackoff } from '#lib/server/workers/restart-backoff';
import { log } from '#lib/telemetry/log';

/** Keeps the Redis of the workers running until `stop`. */
export class RedisKeeper {
  readonly #start: () => Promise<EmbeddedRedis>;
  readonly #backoff = new RestartBackoff();
  #current: EmbeddedRedis | undefined;
  #startedMs = 0;
  #isStopping = false;

  constructor(start: () => Promise<EmbeddedRedis>) {
    this.#start = start;
  }

  /** Resolves when it responds. Rejects if it cannot be started, which is not tried again then. */
  async start(): Promise<void> {
    this.#startedMs = performance.now();
    const redis = await this.#start();
    this.#current = redis;
    if (this.#isStopping) return await redis.stop();
    void this.#watch(redis);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#current?.stop();
  }

  /** Never rejects. */
  async #watch(redis: EmbeddedRedis): Promise<void> {
    let { how, lastLine } = await redis.ended;
    while (!this.#isStopping) {
      const delayMs = this.#backoff.delayAfter(performance.now() - this.#startedMs);
      log().error({ part: 'redis', how, last_line: lastLine, again_in_ms: delayMs }, 'the embedded Redis ended');
      await delay(delayMs);
      if (this.#isStopping) return;
      try {
        await this.start();
        log().info({ part: 'redis' }, 'the embedded Redis runs again');
        return;
      } catch (error) {
        how = asError(error).message;
        lastLine = undefined;
      }
    }
  }
}
