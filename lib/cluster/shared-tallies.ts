import { LRUCache } from 'lru-cache';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { type Clock, systemClock } from '#lib/clock';
import type { SharedTallies } from '#lib/cluster/cluster';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { SECOND_MS } from '#lib/units';

const WINDOW_SECONDS = 60;
const SYNC_MS = 100;
/** Open requests are reported this often while there are some. */
const RENEW_MS = SECOND_MS;
/** What a server that has ended reported counts for so long. */
const OPEN_TTL_MS = 12 * SECOND_MS;
const OPEN_KEY_SECONDS = 30;
const MAX_KEYS = 40_000;

interface Minute {
  /** Of all servers, with what is not sent. */
  count: number;
  endsAtMs: number;
  unsent: number;
  syncedAtMs: number;
  syncing: Promise<void> | undefined;
}

interface Open {
  own: number;
  others: number;
  syncedAtMs: number;
}

export interface SharedTalliesOptions {
  readonly instanceId: string;
  readonly connection: CommandConnection;
  readonly keys: RedisKeys;
  readonly clock?: Clock;
}

/**
 * Requests of people in a minute, and their open ones. They are counted in memory at once, and
 * added to Redis within 100 ms, which returns what the other servers have. Without Redis each
 * server has its own counts.
 */
export class RedisTallies implements SharedTallies {
  readonly #options: SharedTalliesOptions;
  readonly #clock: Clock;
  readonly #counter: RateLimiterRedis;
  readonly #minutes = new LRUCache<string, Minute>({ max: MAX_KEYS });
  readonly #open = new Map<string, Open>();
  readonly #unsynced = new Set<string>();
  readonly #changedOpen = new Set<string>();
  #isScheduled = false;
  #isClosed = false;
  #cancelRenewal: (() => void) | undefined;

  constructor(options: SharedTalliesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#counter = new RateLimiterRedis({
      storeClient: options.connection.client,
      points: Number.MAX_SAFE_INTEGER,
      duration: WINDOW_SECONDS,
      keyPrefix: options.keys.minutes,
      rejectIfRedisNotReady: true,
    });
    this.#renewLater();
  }

  load(key: string): Promise<void> | undefined {
    const minute = this.#minute(key);
    if (this.#clock.now() - minute.syncedAtMs < SYNC_MS || !this.#options.connection.isUsable) return undefined;
    return this.#syncMinute(key, minute);
  }

  windowOf(key: string): { count: number; leftMs: number } {
    const minute = this.#minutes.get(key);
    const nowMs = this.#clock.now();
    if (minute === undefined || nowMs >= minute.endsAtMs) return { count: 0, leftMs: 0 };
    return { count: minute.count, leftMs: minute.endsAtMs - nowMs };
  }

  addToWindow(key: string, count: number): void {
    const minute = this.#minute(key);
    const nowMs = this.#clock.now();
    if (nowMs >= minute.endsAtMs) {
      minute.count = 0;
      minute.endsAtMs = nowMs + WINDOW_SECONDS * SECOND_MS;
    }
    minute.count = Math.max(0, minute.count + count);
    minute.unsent += count;
    this.#unsynced.add(key);
    this.#schedule();
  }

  openOf(subject: string): number {
    const open = this.#open.get(subject);
    return open === undefined ? 0 : open.own + open.others;
  }

  addOpen(subject: string, count: number): void {
    let open = this.#open.get(subject);
    if (open === undefined) {
      open = { own: 0, others: 0, syncedAtMs: 0 };
      this.#open.set(subject, open);
    }
    open.own = Math.max(0, open.own + count);
    this.#changedOpen.add(subject);
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRenewal?.();
  }

  #minute(key: string): Minute {
    let minute = this.#minutes.get(key);
    if (minute === undefined) {
      minute = { count: 0, endsAtMs: 0, unsent: 0, syncedAtMs: Number.NEGATIVE_INFINITY, syncing: undefined };
      this.#minutes.set(key, minute);
    }
    return minute;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#clock.after(SYNC_MS, () => {
      this.#isScheduled = false;
      this.#syncAll();
    });
  }

  #syncAll(): void {
    if (!this.#options.connection.isUsable) {
      // What others have is unknown now, and what is not sent is not theirs.
      for (const key of this.#unsynced) this.#minute(key).unsent = 0;
      this.#unsynced.clear();
    }
    for (const key of this.#unsynced) void this.#syncMinute(key, this.#minute(key));
    for (const subject of this.#changedOpen) void this.#syncOpen(subject);
    this.#changedOpen.clear();
  }

  /** Never rejects. */
  #syncMinute(key: string, minute: Minute): Promise<void> {
    minute.syncing ??= this.#exchange(key, minute).finally(() => {
      minute.syncing = undefined;
      if (minute.unsent === 0) return;
      this.#unsynced.add(key);
      this.#schedule();
    });
    return minute.syncing;
  }

  async #exchange(key: string, minute: Minute): Promise<void> {
    const { unsent } = minute;
    const name = this.#options.keys.nameOf(key);
    minute.unsent = 0;
    this.#unsynced.delete(key);
    minute.syncedAtMs = this.#clock.now();
    try {
      const known = unsent === 0 ? await this.#counter.get(name) : await this.#add(name, unsent);
      const nowMs = this.#clock.now();
      minute.count = Math.max(0, (known?.consumedPoints ?? 0) + minute.unsent);
      minute.endsAtMs = known === null ? (minute.unsent > 0 ? minute.endsAtMs : 0) : nowMs + known.msBeforeNext;
    } catch {
      // The guard has recorded the failure: memory has counted it.
    }
  }

  #add(name: string, count: number) {
    return count > 0 ? this.#counter.consume(name, count) : this.#counter.reward(name, -count);
  }

  async #syncOpen(subject: string): Promise<void> {
    const { connection, instanceId, keys } = this.#options;
    const open = this.#open.get(subject);
    if (open === undefined || !connection.isUsable) return;
    const key = keys.open(subject);
    const nowMs = connection.now();
    open.syncedAtMs = this.#clock.now();
    try {
      const commands = connection.client.multi();
      if (open.own > 0) commands.hset(key, instanceId, `${open.own}:${Math.round(nowMs)}`);
      else commands.hdel(key, instanceId);
      const replies = await commands.expire(key, OPEN_KEY_SECONDS).hgetall(key).exec();
      open.others = othersOf(replies?.[2]?.[1], instanceId, nowMs - OPEN_TTL_MS);
      if (open.own === 0 && open.others === 0) this.#open.delete(subject);
    } catch {
      // The guard has recorded the failure. What the others had open is not known to have ended.
    }
  }

  #renewLater(): void {
    this.#cancelRenewal = this.#clock.after(RENEW_MS, () => {
      if (this.#isClosed) return;
      for (const subject of this.#open.keys()) this.#changedOpen.add(subject);
      this.#syncAll();
      this.#renewLater();
    });
  }
}

/** The sum of what other instances have reported since `sinceMs`. */
function othersOf(fields: unknown, instanceId: string, sinceMs: number): number {
  if (typeof fields !== 'object' || fields === null) return 0;
  let sum = 0;
  for (const [instance, text] of Object.entries(fields)) {
    const [count = Number.NaN, atMs = Number.NaN] = String(text).split(':').map(Number);
    if (instance !== instanceId && atMs >= sinceMs && count > 0) sum += count;
  }
  return sum;
}
