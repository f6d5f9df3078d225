import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ChangeLog } from '#lib/cluster/change-log';
import type { Cluster, SharedChange, SharedRateLimiter } from '#lib/cluster/cluster';
import { EndedSessions } from '#lib/cluster/ended-sessions';
import { FigureExchange } from '#lib/cluster/figure-exchange';
import { Heartbeats, heartbeatOf } from '#lib/cluster/heartbeat';
import { RedisKeys } from '#lib/cluster/keys';
import { MemoryWatch } from '#lib/cluster/memory-watch';
import { CommandConnection, connectionOptions, HintConnection } from '#lib/cluster/redis';
import { RedisIdempotency } from '#lib/cluster/shared-idempotency';
import { RedisRateLimiter } from '#lib/cluster/shared-rate-limiter';
import { RedisTallies } from '#lib/cluster/shared-tallies';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { MAX_SHARED_BYTES, RedisValues } from '#lib/cluster/shared-values';
import { checkRedis, parseInfo, UnsuitableRedis } from '#lib/cluster/start-checks';
import type { Config } from '#lib/config/config';
import { describeRedis, parseRedisUrl, type RedisAddress } from '#lib/config/redis-url';
import { VERSION } from '#lib/config/version';
import { asError } from '#lib/errors';
import { onStopping } from '#lib/shutdown';
import { log } from '#lib/telemetry/log';
import { MIB, SECOND_MS } from '#lib/units';
import type { ReadinessPart } from '#lib/wire/health';
import { workerProcess } from '#lib/worker-process';

/** A server waits this long for Redis when it starts, and goes on alone. */
const START_TIMEOUT_MS = 3 * SECOND_MS;
/** A longer conversation stays in the process that has it. */
const MAX_CONVERSATION_BYTES = MIB;

/** What the app does with changes of other servers. */
export interface ClusterListener {
  apply(change: SharedChange): void;
  /** Changes may have been missed: reads again what is in the database, and clears copies. */
  resync(clears: { readonly responses: boolean; readonly conversations: boolean }): void;
}

/** Makes the cluster of `REDIS_URL`. It is not connected before `start`. */
export class RedisCluster implements Cluster {
  readonly instanceId = randomUUID();
  readonly responses: RedisValues;
  readonly conversations: RedisValues;
  readonly storedResponses: RedisValues;
  readonly idempotency: RedisIdempotency;
  readonly tallies: RedisTallies;
  readonly figures: FigureExchange;
  readonly #settings: Config;
  readonly #keys: RedisKeys;
  readonly #address: RedisAddress;
  readonly #cacheAddress: RedisAddress | undefined;
  readonly #command: CommandConnection;
  readonly #cache: CommandConnection;
  readonly #hints: HintConnection;
  readonly #changes: ChangeLog;
  readonly #endedSessions: EndedSessions;
  readonly #heartbeats: Heartbeats;
  readonly #memory: MemoryWatch;
  readonly #listener: ClusterListener;
  readonly #limiters = new Map<string, RedisRateLimiter>();
  #problem: string | undefined;

  constructor(settings: Config, listener: ClusterListener) {
    const { REDIS_URL, CACHE_REDIS_URL, REDIS_CA_FILE: caFile, REDIS_PREFIX } = settings;
    const address = parseRedisUrl(REDIS_URL ?? '');
    if (address === undefined) throw new Error('REDIS_URL is not set');
    this.#settings = settings;
    this.#listener = listener;
    this.#address = address;
    this.#cacheAddress = parseRedisUrl(CACHE_REDIS_URL ?? '');
    const keys = new RedisKeys(REDIS_PREFIX);
    this.#keys = keys;
    this.#command = new CommandConnection(address, caFile, {
      onDown: (reason) => log().warn({ part: 'redis', reason }, 'Redis does not respond: this server goes on alone'),
      onUp: () => {
        log().info({ part: 'redis' }, 'Redis responds again');
        void this.#joinAgain();
      },
    });
    this.#cache =
      this.#cacheAddress === undefined
        ? this.#command
        : new CommandConnection(this.#cacheAddress, caFile, {
            onDown: (reason) =>
              log().warn({ part: 'cache redis', reason }, 'the Redis of cached responses does not respond'),
            onUp: () => log().info({ part: 'cache redis' }, 'the Redis of cached responses responds again'),
          });
    const instanceId = this.instanceId;
    const connection = this.#command;
    this.#heartbeats = new Heartbeats(heartbeatOf(instanceId, VERSION, settings), connection, keys);
    this.#memory = new MemoryWatch(connection);
    this.#endedSessions = new EndedSessions(connection, keys);
    const share = (change: SharedChange) => this.share(change);
    const common = { main: connection, keys, share };
    this.responses = new RedisValues({
      ...common,
      kind: 'responses',
      connection: this.#cache,
      keyOf: (generation, key) => keys.response(generation, key),
      ttlMs: settings.CACHE_TTL_SECONDS * SECOND_MS,
      hasSpread: true,
      isKept: false,
      maxBytes: MAX_SHARED_BYTES,
      isFull: () => this.#cache === connection && this.#memory.isFull,
    });
    this.conversations = new RedisValues({
      ...common,
      kind: 'conversations',
      connection,
      keyOf: (generation, key) => keys.conversation(generation, key),
      ttlMs: settings.CONVERSATION_CACHE_TTL_SECONDS * SECOND_MS,
      hasSpread: false,
      isKept: true,
      maxBytes: MAX_CONVERSATION_BYTES,
      isFull: () => this.#memory.isFull,
    });
    this.storedResponses = new RedisValues({
      ...common,
      kind: 'storedResponses',
      connection,
      keyOf: (generation, key) => keys.storedResponse(generation, key),
      ttlMs: settings.RESPONSES_TTL_SECONDS * SECOND_MS,
      hasSpread: false,
      isKept: true,
      maxBytes: MAX_SHARED_BYTES,
      isFull: () => this.#memory.isFull,
    });
    this.idempotency = new RedisIdempotency({
      instanceId,
      connection,
      keys,
      heartbeats: this.#heartbeats,
      ttlMs: settings.QUEUE_RESULT_TTL_SECONDS * SECOND_MS,
    });
    this.tallies = new RedisTallies({ instanceId, connection, keys });
    this.figures = new FigureExchange({
      ...{ instanceId, connection, keys },
      port: settings.PORT,
      worker: workerProcess()?.number,
    });
    this.#changes = new ChangeLog({
      instanceId,
      connection,
      keys,
      apply: (change) => this.#apply(change),
      resync: () => this.#resync(),
      catchUp: () => this.#catchUp(),
    });
    this.#hints = new HintConnection(address, caFile, keys.hints, (from) => {
      if (from !== instanceId) void this.#changes.look();
    });
  }

  /**
   * Connects, checks what Redis is, and takes part. Without Redis it resolves after 3 s, and takes
   * part once Redis is there. Throws `UnsuitableRedis`.
   */
  async start(): Promise<void> {
    const connections = [...new Set([this.#command, this.#cache])];
    const connected = await Promise.all(connections.map((connection) => connection.connect(START_TIMEOUT_MS)));
    if (connected[0] === true) await this.#join();
    else this.#command.client.once('ready', () => void this.#joinAgain());
    await this.#memory.start();
    await this.#heartbeats.start();
    onStopping(() => this.#heartbeats.announceStop());
    await this.#changes.start();
  }

  share(change: SharedChange): void {
    if (change.kind === 'sign-out') this.#endedSessions.add(change);
    this.#changes.share(change);
    // A read that is under way may be older than the change.
    if (change.kind === 'settings') this.#listener.apply(change);
  }

  rateLimiter(scope: string, perMinute: number): SharedRateLimiter {
    const name = `${scope} ${perMinute}`;
    let limiter = this.#limiters.get(name);
    if (limiter === undefined) {
      const instanceCount = () => this.instanceCount;
      limiter = new RedisRateLimiter({ scope, perMinute, connection: this.#command, keys: this.#keys, instanceCount });
      this.#limiters.set(name, limiter);
    }
    return limiter;
  }

  /** What the parts of a shared queue get of this cluster. */
  get link(): ClusterLink {
    return {
      instanceId: this.instanceId,
      keys: this.#keys,
      connection: this.#command,
      connectionOptions: connectionOptions(this.#address, this.#settings.REDIS_CA_FILE),
      instanceIds: () => this.#heartbeats.ids,
      othersServe: () => this.#heartbeats.othersServe,
      share: (change) => this.share(change),
    };
  }

  get instanceCount(): number {
    return this.#heartbeats.count;
  }

  get connections(): Readonly<Record<string, boolean>> {
    return {
      command: this.#command.isUsable,
      hints: this.#hints.isUp,
      ...(this.#cache === this.#command ? {} : { cache: this.#cache.isUsable }),
    };
  }

  readiness(): ReadinessPart {
    const away = this.#settings.REDIS_REQUIRED ? 'down' : 'unavailable';
    if (this.#problem !== undefined) return { state: away, detail: this.#problem };
    if (!this.#command.isUsable)
      return { state: away, detail: 'Redis does not respond. This server goes on alone until it does.' };
    const details = [
      this.#heartbeats.warning,
      this.#cache.isUsable ? undefined : 'The Redis of cached responses does not respond.',
      this.#hints.isUp ? undefined : 'Hints do not arrive: changes of other servers are seen within a second.',
      this.#memory.isFull ? 'Redis is 70 % full: no more responses and conversations are shared.' : undefined,
    ].filter((detail) => detail !== undefined);
    return details.length === 0 ? { state: 'up' } : { state: 'up', detail: details.join(' ') };
  }

  async close(): Promise<void> {
    this.#changes.close();
    this.tallies.close();
    this.#memory.close();
    await Promise.all([this.figures.close(), this.#heartbeats.close()]);
    this.#hints.close();
    this.#cache.close();
    this.#command.close();
  }

  /** After Redis was away; it may be another one. */
  async #joinAgain(): Promise<void> {
    try {
      await this.#join();
    } catch (error) {
      // What clients read has no address in it.
      this.#problem = 'Redis is not as it must be. The log of the server says why.';
      log().error({ part: 'redis', reason: asError(error).message }, 'Redis is not as it must be');
    }
    this.#catchUp();
    await this.#changes.look();
  }

  /** Does what Redis was away for. Never throws. */
  #catchUp(): void {
    this.responses.catchUp();
    this.conversations.catchUp();
    this.storedResponses.catchUp();
    this.idempotency.catchUp();
    this.#endedSessions.catchUp();
  }

  async #join(): Promise<void> {
    await this.#check(this.#command, this.#address, 'REDIS_URL');
    if (this.#cacheAddress !== undefined && this.#cache.isUsable)
      await this.#check(this.#cache, this.#cacheAddress, 'CACHE_REDIS_URL');
    this.#problem = undefined;
    await Promise.all([this.responses, this.conversations, this.storedResponses].map((values) => values.refresh()));
  }

  async #check(connection: CommandConnection, address: RedisAddress, setting: 'REDIS_URL' | 'CACHE_REDIS_URL') {
    const text = await infoOf(connection);
    const { problems, warnings } = checkRedis(parseInfo(text), describeRedis(address), setting);
    if (problems.length > 0) throw new UnsuitableRedis(problems);
    for (const warning of warnings) log().warn({ part: 'redis' }, warning);
  }

  #apply(change: SharedChange): void {
    if (change.kind === 'clear') this[change.values].adoptGeneration(change.generation);
    this.#listener.apply(change);
  }

  /** Reads everything again that another server may have changed in the meantime. Never rejects. */
  async #resync(): Promise<void> {
    const [responses, conversations, , ended] = await Promise.all([
      this.responses.refresh(),
      this.conversations.refresh(),
      this.storedResponses.refresh(),
      this.#endedSessions.all(),
    ]);
    for (const session of ended) this.#listener.apply(session);
    this.#listener.resync({ responses, conversations });
  }
}

/** The reply to INFO, which a server that is starting may be too busy to hear in time. */
async function infoOf({ client }: CommandConnection): Promise<string> {
  for (let attempt = 1; ; attempt++)
    try {
      return await client.info();
    } catch (error) {
      if (attempt === INFO_ATTEMPTS) {
        log().warn({ part: 'redis', reason: asError(error).message }, 'what Redis is could not be read');
        return '';
      }
      await delay(INFO_RETRY_MS);
    }
}

const INFO_ATTEMPTS = 4;
const INFO_RETRY_MS = 250;
