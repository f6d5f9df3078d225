import { hash } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import { type Clock, systemClock } from '#lib/clock';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import type { Config } from '#lib/config/config';
import { SETTINGS, type SettingName } from '#lib/config/settings';
import { HOUR_MS, SECOND_MS } from '#lib/units';

const INTERVAL_MS = 2 * SECOND_MS;
/** Of an instance that stops: it has to know whether others stop, too. */
const STOPPING_INTERVAL_MS = SECOND_MS / 4;
/** An instance without a heartbeat for so long has ended. */
export const INSTANCE_TTL_MS = 5 * SECOND_MS;
/** More are counted, and not compared. */
const MAX_COMPARED = 100;
const DIGEST_CHARS = 8;

const heartbeatSchema = z.object({
  id: z.string(),
  version: z.string(),
  /** Digests of the settings that all instances should have alike. */
  settings: z.record(z.string(), z.string()),
  database: z.string(),
  /** Whether it stops: it takes no work that others can do. */
  stopping: z.boolean().default(false),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** Settings of a machine or a process, which may differ. */
const OWN_SETTINGS: ReadonlySet<SettingName> = new Set<SettingName>([
  ...(['HOST', 'PORT', 'LOG_LEVEL', 'DATA_DIR', 'DATABASE_URL', 'WORKERS'] as const),
  // An update is begun with one server, also one of these.
  ...(['SHUTDOWN_DELAY_MS', 'SHUTDOWN_TIMEOUT_MS'] as const),
  ...(['REDIS_URL', 'CACHE_REDIS_URL', 'REDIS_CA_FILE', 'REDIS_PREFIX', 'REDIS_REQUIRED'] as const),
]);
/** Their digests are in one, so that none can be guessed by itself. */
const SECRET = /KEY|TOKEN|SECRET|PASSWORD|URL|HEADERS/;
const SECRETS = 'keys and addresses';

/** What an instance reports of itself, by its settings before any was changed at run time. */
export function heartbeatOf(id: string, version: string, settings: Config): Heartbeat {
  const digests: Record<string, string> = {};
  const secrets: unknown[] = [];
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    if (OWN_SETTINGS.has(name) || /^(?:CODE|EXECUTOR|OTEL|SANDBOX)/.test(name)) continue;
    if (SECRET.test(name)) secrets.push(settings[name]);
    else digests[name] = digest(settings[name]);
  }
  const { DATABASE_URL: url, DATA_DIR: folder } = settings;
  return {
    id,
    version,
    settings: { ...digests, [SECRETS]: digest(secrets) },
    database: digest(url ?? [hostname(), folder]),
    stopping: false,
  };
}

/** What differs between an instance and the others, as a sentence; undefined if nothing does. */
export function differences(own: Heartbeat, others: readonly Heartbeat[]): string | undefined {
  const names = new Set<string>();
  for (const { settings } of others)
    for (const name of new Set([...Object.keys(settings), ...Object.keys(own.settings)]))
      if (settings[name] !== own.settings[name]) names.add(name);
  const sentences: string[] = [];
  if (others.some(({ database }) => database !== own.database))
    sentences.push(
      'The servers have different databases, so people and settings differ: give all the same DATABASE_URL.',
    );
  if (names.size > 0)
    sentences.push(`The servers have different settings: ${[...names].sort().join(', ')}. Give all the same.`);
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

/** Reports this instance, and knows the others. */
export class Heartbeats {
  #own: Heartbeat;
  readonly #connection: CommandConnection;
  readonly #keys: RedisKeys;
  readonly #clock: Clock;
  #others: readonly Heartbeat[] = [];
  #count = 1;
  #isClosed = false;
  #cancel: (() => void) | undefined;

  constructor(own: Heartbeat, connection: CommandConnection, keys: RedisKeys, clock = systemClock) {
    this.#own = own;
    this.#connection = connection;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** Servers as last seen, this one included; while Redis is away those of before. */
  get count(): number {
    return this.#count;
  }

  /** Ids of the servers, this one included, as last seen. */
  get ids(): string[] {
    return [this.#own.id, ...this.#others.map(({ id }) => id)];
  }

  get warning(): string | undefined {
    return differences(this.#own, this.#others);
  }

  /** Whether an instance has sent a heartbeat lately. Rejects if Redis is away. */
  async isAlive(id: string): Promise<boolean> {
    return (await this.#connection.client.exists(this.#keys.instance(id))) === 1;
  }

  async start(): Promise<void> {
    await this.#beat();
    this.#schedule(INTERVAL_MS);
  }

  /** Whether another instance, as last seen, is there and does not stop. */
  get othersServe(): boolean {
    return this.#others.some(({ stopping }) => !stopping);
  }

  /** Reports to the others that this instance stops. */
  announceStop(): void {
    this.#own = { ...this.#own, stopping: true };
    this.#cancel?.();
    void this.#beat().then(() => this.#schedule(STOPPING_INTERVAL_MS));
  }

  /** Removes this instance, so that the others know at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    if (!this.#connection.isUsable) return;
    const { id } = this.#own;
    const removed = this.#connection.client.multi().del(this.#keys.instance(id)).zrem(this.#keys.instances, id);
    // Without it, the entries expire in some seconds.
    await removed.exec().catch(() => null);
  }

  #schedule(intervalMs: number): void {
    if (this.#isClosed) return;
    this.#cancel?.();
    this.#cancel = this.#clock.after(intervalMs, () => {
      void this.#beat().then(() => this.#schedule(this.#own.stopping ? STOPPING_INTERVAL_MS : INTERVAL_MS));
    });
  }

  async #beat(): Promise<void> {
    if (!this.#connection.isUsable || this.#isClosed) return;
    const { instances } = this.#keys;
    const { id } = this.#own;
    const nowMs = this.#connection.now();
    try {
      const ids = await this.#connection.client
        .multi()
        .set(this.#keys.instance(id), JSON.stringify(this.#own), 'PX', INSTANCE_TTL_MS)
        .zadd(instances, nowMs, id)
        .zremrangebyscore(instances, '-inf', String(nowMs - INSTANCE_TTL_MS))
        .expire(instances, HOUR_MS / SECOND_MS)
        .zrange(instances, '0', String(MAX_COMPARED))
        .exec();
      const known = z.array(z.string()).safeParse(ids?.at(-1)?.[1]).data ?? [];
      this.#count = Math.max(1, known.length);
      const others = known.filter((other) => other !== id);
      const texts =
        others.length === 0
          ? []
          : await this.#connection.client.mget(others.map((other) => this.#keys.instance(other)));
      this.#others = texts.flatMap((text) => readHeartbeat(text) ?? []);
    } catch {
      // The guard has recorded the failure; what was last known stays.
    }
  }
}

function readHeartbeat(text: string | null): Heartbeat | undefined {
  try {
    return heartbeatSchema.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}

function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(value) ?? '', 'hex').slice(0, DIGEST_CHARS);
}
