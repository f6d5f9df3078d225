import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Redis, type RedisOptions } from 'ioredis';
import { type Clock, systemClock } from '#lib/clock';
import { RequestGuard } from '#lib/cluster/request-guard';
import { UnsuitableRedis } from '#lib/cluster/start-checks';
import type { RedisAddress } from '#lib/config/redis-url';
import { asError } from '#lib/errors';
import { MINUTE_MS, SECOND_MS } from '#lib/units';

/** A request waits this long for Redis, or up to a step less. */
const COMMAND_TIMEOUT_MS = 500;
/** The timeout of a command is counted in steps; see `GuardedRedis`. */
const COMMAND_STEP_MS = 100;
const CONNECT_TIMEOUT_MS = 2 * SECOND_MS;
const MAX_RETRY_MS = SECOND_MS;
const OFFSET_INTERVAL_MS = MINUTE_MS;
/** How often the connection of hints is tried: a dead one would be silent for ever. */
const HINT_PROBE_MS = 2 * SECOND_MS;

/** Replies of a server that is there, and cannot serve now. */
const AWAY_REPLY = /^(?:LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|NOAUTH|WRONGPASS|NOPERM)\b/;

export interface RedisListener {
  /** Once it does not respond, and once it responds again. */
  readonly onDown: (reason: string) => void;
  readonly onUp: () => void;
}

/**
 * A connection of the request path. A command fails after 500 ms, at once without a connection, and
 * at once while the guard is open; none is queued or sent twice.
 */
export class CommandConnection {
  readonly client: GuardedRedis;
  readonly guard: RequestGuard;
  readonly #clock: Clock;
  #offsetMs = 0;
  #epoch = 0;
  #cancelOffset: (() => void) | undefined;
  /** Why the connection that was tried last failed. */
  #lastError: string | undefined;

  constructor(address: RedisAddress, caFile: string | undefined, { onDown, onUp }: RedisListener, clock = systemClock) {
    this.#clock = clock;
    this.client = new GuardedRedis({
      ...connectionOptions(address, caFile),
      // Of the handshake; others fail sooner.
      commandTimeout: CONNECT_TIMEOUT_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      autoResendUnfulfilledCommands: false,
    });
    this.guard = new RequestGuard({
      clock,
      // Why it does not connect says more than that a command found no connection.
      onDown: (reason) => onDown(this.#lastError ?? reason),
      onUp,
      probe: () => this.client.probe(),
      onStuck: () => {
        if (this.client.status === 'ready') this.client.disconnect(true);
      },
    });
    this.client.attachGuard(this.guard);
    this.client.on('ready', () => {
      this.#epoch += 1;
      this.#lastError = undefined;
      this.guard.probeNow();
      void this.#measureOffset();
    });
    this.client.on('close', () => this.guard.recordFailure(this.#lastError ?? 'the connection was closed'));
    // A reason is reported by the guard, once.
    this.client.on('error', (error: Error) => {
      this.#lastError = reasonOf(error);
      this.guard.recordFailure(this.#lastError);
    });
  }

  /** Whether commands are sent. */
  get isUsable(): boolean {
    return this.client.status === 'ready' && !this.guard.isOpen;
  }

  /**
   * Counts connections. With each new one, Redis may have been restarted without its last moments
   * or all of its data, or be the replica of before.
   */
  get epoch(): number {
    return this.#epoch;
  }

  /** Milliseconds since the epoch by the clock of Redis: the machines' clocks may differ. */
  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** A time of Redis, by the clock of this machine. */
  toLocal(redisMs: number): number {
    return redisMs - this.#offsetMs;
  }

  /** Resolves when it is connected, or with false after `ms`. */
  async connect(ms: number): Promise<boolean> {
    const connected = this.client.connect().then(
      () => true,
      // It goes on trying; the guard reports why.
      () => false,
    );
    const ready = new Promise<boolean>((resolve) => this.client.once('ready', () => resolve(true)));
    const isReady = await Promise.race([
      Promise.any([connected.then((isDone) => isDone || ready), ready]),
      inSteps(ms).then(() => false),
    ]);
    if (isReady) await this.#measureOffset();
    return isReady;
  }

  async #measureOffset(): Promise<void> {
    this.#cancelOffset?.();
    this.#cancelOffset = this.#clock.after(OFFSET_INTERVAL_MS, () => void this.#measureOffset());
    try {
      const sentMs = Date.now();
      const [seconds, microseconds] = await this.client.time();
      const middleMs = (sentMs + Date.now()) / 2;
      this.#offsetMs = Math.round(Number(seconds) * SECOND_MS + Number(microseconds) / 1000 - middleMs);
    } catch {
      // The last offset stays; the guard has recorded the failure.
    }
  }

  close(): void {
    this.#cancelOffset?.();
    this.guard.close();
    this.client.disconnect();
  }
}

/**
 * Resolves after `ms`, of which the time that a busy process hears nothing counts as one step: a
 * server that loads its modules would else go on alone next to a Redis that has replied.
 */
async function inSteps(ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) await delay(Math.min(leftMs, STEP_MS));
}

const STEP_MS = 250;

/** An error for several addresses has no message. */
function reasonOf(error: Error & { code?: unknown }): string {
  return error.message === '' ? String(error.code ?? error.name) : error.message;
}

/**
 * Reports every command to the guard, also those of packages that get the client, and lets it fail
 * after 500 ms. The time in which a busy process hears nothing counts as 100 ms: timers run before
 * replies are read, so a process that was busy for longer, such as with its first requests, would
 * go on alone next to a Redis that has replied.
 */
class GuardedRedis extends Redis {
  #guard: RequestGuard | undefined;
  #isProbing = false;
  readonly #timer = new CommandTimer();

  attachGuard(guard: RequestGuard): void {
    this.#guard = guard;
  }

  /** A command that an open guard lets through. */
  probe(): Promise<unknown> {
    this.#isProbing = true;
    try {
      return this.ping();
    } finally {
      this.#isProbing = false;
    }
  }

  override sendCommand(command: Command, stream?: Parameters<Redis['sendCommand']>[1]): unknown {
    const guard = this.#guard;
    // Before it is ready, commands are those of the handshake.
    if (guard === undefined || this.status !== 'ready') return super.sendCommand(command, stream);
    if (this.#isProbing) {
      this.#timer.start(command);
      const stop = () => this.#timer.stop(command);
      command.promise.then(stop, stop);
      return super.sendCommand(command, stream);
    }
    if (guard.isOpen) {
      command.reject(new Error('Redis does not respond.'));
      return command.promise;
    }
    const { openings } = guard;
    this.#timer.start(command);
    const sent = super.sendCommand(command, stream);
    command.promise.then(
      () => {
        this.#timer.stop(command);
        guard.recordSuccess();
      },
      (error: Error) => {
        this.#timer.stop(command);
        if (error.name === 'ReplyError' && !AWAY_REPLY.test(error.message)) guard.recordSuccess();
        else if (openings === guard.openings) guard.recordFailure(error.message);
      },
    );
    return sent;
  }
}

/** Rejects commands that have waited for so many steps. They share one timer: there are dozens. */
class CommandTimer {
  readonly #leftSteps = new Map<Command, number>();
  #timer: NodeJS.Timeout | undefined;

  start(command: Command): void {
    this.#leftSteps.set(command, COMMAND_TIMEOUT_MS / COMMAND_STEP_MS);
    this.#timer ??= setInterval(() => this.#step(), COMMAND_STEP_MS);
  }

  stop(command: Command): void {
    this.#leftSteps.delete(command);
  }

  #step(): void {
    for (const [command, steps] of this.#leftSteps) {
      if (steps > 1) this.#leftSteps.set(command, steps - 1);
      else {
        this.#leftSteps.delete(command);
        command.reject(new Error('Command timed out'));
      }
    }
    if (this.#leftSteps.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/**
 * The connection of hints: it subscribes again by itself after each reconnect, and a connection
 * that has become silent is replaced. Nothing depends on it but how soon a change is seen.
 */
export class HintConnection {
  readonly #client: Redis;
  readonly #clock: Clock;
  #isSubscribed = false;
  #isClosed = false;
  #cancelProbe: (() => void) | undefined;

  constructor(
    address: RedisAddress,
    caFile: string | undefined,
    channel: string,
    onHint: (message: string) => void,
    clock = systemClock,
  ) {
    this.#clock = clock;
    this.#client = new Redis({
      ...connectionOptions(address, caFile),
      commandTimeout: HINT_PROBE_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      autoResubscribe: false,
    });
    this.#client.on('ready', () => void this.#subscribe(channel));
    this.#client.on('close', () => {
      this.#isSubscribed = false;
    });
    this.#client.on('message', (_channel: string, message: string) => onHint(message));
    // The request path reports that Redis is away.
    this.#client.on('error', () => {});
    this.#client.connect().catch(() => {
      // It goes on trying.
    });
    this.#scheduleProbe();
  }

  get isUp(): boolean {
    return this.#isSubscribed;
  }

  async #subscribe(channel: string): Promise<void> {
    try {
      await this.#client.subscribe(channel);
      this.#isSubscribed = true;
    } catch {
      // The next probe makes the connection again.
    }
  }

  #scheduleProbe(): void {
    this.#cancelProbe = this.#clock.after(HINT_PROBE_MS, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    if (this.#client.status === 'ready') {
      const isAlive = await this.#client.ping().then(
        () => this.#isSubscribed,
        () => false,
      );
      if (!isAlive && !this.#isClosed) {
        this.#isSubscribed = false;
        this.#client.disconnect(true);
      }
    }
    if (!this.#isClosed) this.#scheduleProbe();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelProbe?.();
    this.#client.disconnect();
  }
}

/** Replies keep the shapes that the types of ioredis have by default. */
export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

/** Of any connection. A property that is set again is replaced. */
export function connectionOptions(address: RedisAddress, caFile: string | undefined): ConnectionOptions {
  const { username, password, database } = address;
  return {
    ...placeOptions(address, caFile),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    db: database,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), MAX_RETRY_MS),
    connectionName: 'chill-space',
  };
}

function tlsOptions(caFile: string | undefined): { ca?: Buffer } {
  if (caFile === undefined) return {};
  try {
    return { ca: readFileSync(caFile) };
  } catch (error) {
    const { code = 'unreadable' }: NodeJS.ErrnoException = asError(error);
    throw new UnsuitableRedis([`REDIS_CA_FILE cannot be read (${code}): it must be a file of certificates in PEM.`]);
  }
}

function placeOptions({ hosts, path, master, hasTls }: RedisAddress, caFile: string | undefined): ConnectionOptions {
  if (path !== undefined) return { path };
  const tls = hasTls ? tlsOptions(caFile) : undefined;
  if (master !== undefined)
    return {
      name: master,
      sentinels: [...hosts],
      sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
      failoverDetector: true,
      ...(tls === undefined ? {} : { tls, enableTLSForSentinelMode: true, sentinelTLS: tls }),
    };
  const [first] = hosts;
  if (first === undefined) throw new Error('REDIS_URL names no host');
  return { host: first.host, port: first.port, ...(tls === undefined ? {} : { tls }) };
}
