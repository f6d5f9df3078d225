import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { type Clock, systemClock } from '#lib/clock';
import type { DeferredCount, RateLimitCount, SharedRateLimiter } from '#lib/cluster/cluster';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';

const WINDOW_SECONDS = 60;
/** Requests with cached responses are added to Redis this often. */
const FLUSH_MS = 100;
/** Callers whose window is known. */
const MAX_CALLERS = 10_000;

export interface RateLimiterOptions {
  readonly scope: string;
  readonly perMinute: number;
  readonly connection: CommandConnection;
  readonly keys: RedisKeys;
  /** How many servers share the limit, for the time without Redis. */
  readonly instanceCount: () => number;
  readonly clock?: Clock;
}

/** Requests of one caller that wait to be counted together. */
interface Batch {
  size: number;
  readonly counted: Promise<number>;
  readonly resolve: (firstPosition: number) => void;
  msBeforeNext: number;
}

/** What Redis had last. */
interface Window {
  /** Requests, with those that are not counted yet. */
  count: number;
  endsAtMs: number;
  /** It was counted by memory, and says nothing once Redis is back. */
  isLocal: boolean;
}

/**
 * Requests a minute over all servers, by rate-limiter-flexible. Without Redis each server allows
 * its part of the limit from memory.
 */
export class RedisRateLimiter implements SharedRateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #clock: Clock;
  readonly #shared: RateLimiterRedis;
  readonly #windows = new LRUCache<string, Window>({ max: MAX_CALLERS });
  readonly #batches = new Map<string, Batch>();
  #insurance: { limiter: RateLimiterMemory; points: number } | undefined;
  #isFlushScheduled = false;

  constructor(options: RateLimiterOptions) {
    const { scope, perMinute, connection, keys } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#shared = new RateLimiterRedis({
      storeClient: connection.client,
      points: perMinute,
      duration: WINDOW_SECONDS,
      keyPrefix: keys.rateLimit(scope),
      rejectIfRedisNotReady: true,
    });
  }

  async consume(caller: string): Promise<RateLimitCount> {
    return verdict(await this.#count(caller, 1), this.#options.perMinute);
  }

  defer(caller: string): DeferredCount {
    const { perMinute, connection } = this.#options;
    const nowMs = this.#clock.now();
    const window = this.#windows.get(caller);
    const isValid = window !== undefined && nowMs < window.endsAtMs && window.isLocal !== connection.isUsable;
    if (isValid && window.count >= perMinute) {
      const refusal = { isAllowed: false, msBeforeNext: window.endsAtMs - nowMs };
      return { ...refusal, confirm: async () => refusal };
    }
    if (window !== undefined) window.count += 1;
    let batch = this.#batches.get(caller);
    if (batch === undefined) {
      const { promise, resolve } = Promise.withResolvers<number>();
      batch = { size: 0, counted: promise, resolve, msBeforeNext: 0 };
      this.#batches.set(caller, batch);
    }
    const joined = batch;
    const place = joined.size;
    joined.size += 1;
    if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true;
      this.#clock.after(FLUSH_MS, () => this.#flushAll());
    }
    return {
      isAllowed: true,
      msBeforeNext: 0,
      confirm: async () => {
        if (this.#batches.get(caller) === joined) void this.#flush(caller, joined);
        const first = await joined.counted;
        return { isAllowed: first + place <= perMinute, msBeforeNext: joined.msBeforeNext };
      },
    };
  }

  async refund(caller: string): Promise<void> {
    const window = this.#windows.get(caller);
    if (window !== undefined) window.count -= 1;
    const { connection, keys, scope } = this.#options;
    // The window may have ended since: then nothing is left to take back.
    if (connection.isUsable) await this.#shared.reward(this.#nameOf(caller), 1).catch(ignore);
    else
      await this.#memory()
        .reward(`${keys.rateLimit(scope)}:${caller}`, 1)
        .catch(ignore);
  }

  #flushAll(): void {
    this.#isFlushScheduled = false;
    for (const [caller, batch] of this.#batches) void this.#flush(caller, batch);
  }

  /** Never rejects. */
  async #flush(caller: string, batch: Batch): Promise<void> {
    this.#batches.delete(caller);
    const result = await this.#count(caller, batch.size);
    batch.msBeforeNext = result.msBeforeNext;
    batch.resolve(result.consumedPoints - batch.size + 1);
  }

  async #count(caller: string, points: number): Promise<RateLimiterRes> {
    const shared = await this.#consumeShared(caller, points);
    const result = shared ?? (await this.#consumeLocal(caller, points));
    const endsAtMs = this.#clock.now() + result.msBeforeNext;
    this.#windows.set(caller, { count: result.consumedPoints, endsAtMs, isLocal: shared === undefined });
    return result;
  }

  /** Undefined if Redis is away. */
  async #consumeShared(caller: string, points: number): Promise<RateLimiterRes | undefined> {
    if (!this.#options.connection.isUsable) return undefined;
    try {
      return await this.#shared.consume(this.#nameOf(caller), points);
    } catch (refusal) {
      // Of any other failure, the guard knows.
      return refusal instanceof RateLimiterRes ? refusal : undefined;
    }
  }

  async #consumeLocal(caller: string, points: number): Promise<RateLimiterRes> {
    const { perMinute } = this.#options;
    const memory = this.#memory();
    const key = `${this.#options.keys.rateLimit(this.#options.scope)}:${caller}`;
    const result = await memory.consume(key, points).catch((refusal: RateLimiterRes) => refusal);
    // Positions are those of the whole limit: what the other servers may use counts as used.
    const others = perMinute - memory.points;
    return new RateLimiterRes(
      Math.max(0, memory.points - result.consumedPoints),
      result.msBeforeNext,
      result.consumedPoints + others,
      result.isFirstInDuration,
    );
  }

  /** The part of this server. */
  #memory(): RateLimiterMemory {
    const points = Math.max(1, Math.floor(this.#options.perMinute / this.#options.instanceCount()));
    if (this.#insurance?.points !== points)
      this.#insurance = { points, limiter: new RateLimiterMemory({ points, duration: WINDOW_SECONDS, keyPrefix: '' }) };
    return this.#insurance.limiter;
  }

  #nameOf(caller: string): string {
    return this.#options.keys.nameOf(caller);
  }
}

function verdict({ consumedPoints, msBeforeNext }: RateLimiterRes, perMinute: number): RateLimitCount {
  return { isAllowed: consumedPoints <= perMinute, msBeforeNext };
}

/** A request that is not taken back counts: that is the safe side. */
function ignore(): void {}
