import { hostname } from 'node:os';
import { type Clock, systemClock } from '#lib/clock';
import type { SharedFigures } from '#lib/cluster/cluster';
import {
  type FiguresHead,
  type InstanceFigures,
  instanceFiguresSchema,
  mergeStats,
  type OtherFigures,
  type OwnFigures,
  statsAlone,
} from '#lib/cluster/figures';
import { INSTANCE_TTL_MS } from '#lib/cluster/heartbeat';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { VERSION } from '#lib/config/version';
import { onStopping } from '#lib/shutdown';
import { log } from '#lib/telemetry/log';
import { HOUR_MS, KIB, MINUTE_MS, SECOND_MS } from '#lib/units';
import type { ServerStats } from '#lib/wire/server-stats';

const PUBLISH_MS = SECOND_MS;
/** How often Redis is asked at most, whatever the number of readers. */
const READ_MS = SECOND_MS;
/** An instance that has ended without saying so is listed for so long. */
export const LOST_MS = 10 * MINUTE_MS;
/** Figures of more instances than these, the newest, are not read. */
const MAX_INSTANCES = 100;
/** Three windows of a thousand values take about 24 KB. */
const MAX_BYTES = 256 * KIB;
/** Of names of models that one model server has loaded. */
const MAX_LOADED = 100;

export interface FigureExchangeOptions {
  readonly instanceId: string;
  readonly connection: Pick<CommandConnection, 'client' | 'isUsable' | 'now'>;
  readonly keys: RedisKeys;
  /** Of this instance; it distinguishes several on one machine. */
  readonly port: number;
  readonly clock?: Clock;
  /** @default that of the machine */
  readonly host?: string;
  /** Its number, if several share the port. */
  readonly worker?: number | undefined;
}

/** Publishes the figures of this instance, and reads those of the others. */
export class FigureExchange implements SharedFigures {
  readonly #options: FigureExchangeOptions;
  readonly #clock: Clock;
  readonly #name: string;
  #startedAt: number | undefined;
  #source: (() => Promise<OwnFigures>) | undefined;
  #read: { readonly at: number; readonly others: OtherFigures } | undefined;
  #reading: Promise<OtherFigures | undefined> | undefined;
  #isTooLong = false;
  #isClosed = false;
  #cancel: (() => void) | undefined;

  constructor(options: FigureExchangeOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const worker = options.worker === undefined ? '' : ` (worker ${options.worker})`;
    this.#name = `${options.host ?? hostname()}:${options.port}${worker}`;
  }

  publish(source: () => Promise<OwnFigures>): void {
    if (this.#source !== undefined) return;
    this.#source = source;
    onStopping(() => void this.#publishNow());
    void this.#publishAndSchedule();
  }

  async merge(own: OwnFigures): Promise<ServerStats> {
    const { stats, series } = own;
    const figures = { ...this.#complete(own), series, stats };
    const others = await this.refresh();
    return others === undefined ? statsAlone(figures) : mergeStats(figures, others);
  }

  latest(own: Omit<OwnFigures, 'stats'>): readonly [InstanceFigures, ...InstanceFigures[]] {
    return [this.#complete(own), ...(this.#fresh()?.alive ?? [])];
  }

  /**
   * Figures of the others, at most a second old. Undefined while Redis is away for longer than an
   * instance may be silent. Never rejects.
   */
  refresh(): Promise<OtherFigures | undefined> {
    const age = this.#clock.now() - (this.#read?.at ?? Number.NEGATIVE_INFINITY);
    if (age < READ_MS) return Promise.resolve(this.#read?.others);
    this.#reading ??= this.#readOthers().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Removes this instance: it has stopped, and is not listed as lost. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    const { connection, keys, instanceId } = this.#options;
    if (!connection.isUsable) return;
    const removed = connection.client.multi().del(keys.figuresOf(instanceId)).zrem(keys.figures, instanceId);
    // Without it, this instance is listed as lost for some minutes.
    await removed.exec().catch(() => null);
  }

  async #publishAndSchedule(): Promise<void> {
    await this.#publishNow();
    if (!this.#isClosed) this.#cancel = this.#clock.after(PUBLISH_MS, () => void this.#publishAndSchedule());
  }

  async #publishNow(): Promise<void> {
    const { connection, keys, instanceId } = this.#options;
    if (this.#source === undefined || this.#isClosed || !connection.isUsable) return;
    try {
      const own = await this.#source();
      const figures = this.#complete(own);
      const text = this.#serialize({ ...figures, stats: own.stats });
      if (this.#isClosed) return;
      const { at } = figures.head;
      await connection.client
        .multi()
        .set(keys.figuresOf(instanceId), text, 'PX', LOST_MS)
        .zadd(keys.figures, at, instanceId)
        .zremrangebyscore(keys.figures, '-inf', String(at - LOST_MS))
        .expire(keys.figures, HOUR_MS / SECOND_MS)
        .exec();
    } catch (error) {
      // A failure of Redis was recorded by its guard. Another one must not end the heartbeat.
      if (connection.isUsable) log().debug({ err: error }, 'the figures of this server were not published');
    }
  }

  #complete({ head, series }: Omit<OwnFigures, 'stats'>): InstanceFigures & { series: OwnFigures['series'] } {
    const { instanceId, connection } = this.#options;
    const at = connection.now();
    this.#startedAt ??= Math.round(at - process.uptime() * SECOND_MS);
    const own = { id: instanceId, name: this.#name, version: VERSION, at, startedAt: this.#startedAt };
    return { head: { ...own, ...head }, series };
  }

  /** At most `MAX_BYTES`: a list without figures rather than none. */
  #serialize({ head, series, stats }: InstanceFigures): string {
    const servers = stats?.model_servers?.map((one) => ({ ...one, loaded: one.loaded.slice(0, MAX_LOADED) }));
    const text = JSON.stringify({ head, series, stats: { ...stats, model_servers: servers } });
    if (text.length <= MAX_BYTES) return text;
    if (!this.#isTooLong) log().warn({ bytes: text.length }, 'the figures of this server are too long to be shared');
    this.#isTooLong = true;
    return JSON.stringify({ head });
  }

  /** What was read last, unless it is too old to say how things stand. */
  #fresh(): OtherFigures | undefined {
    const isFresh = this.#read !== undefined && this.#clock.now() - this.#read.at < INSTANCE_TTL_MS;
    return isFresh ? this.#read?.others : undefined;
  }

  async #readOthers(): Promise<OtherFigures | undefined> {
    const { connection, keys, instanceId } = this.#options;
    if (!connection.isUsable) return this.#fresh();
    try {
      const ids = await connection.client.zrevrange(keys.figures, 0, MAX_INSTANCES);
      const others = ids.filter((id) => id !== instanceId);
      const texts = others.length === 0 ? [] : await connection.client.mget(others.map((id) => keys.figuresOf(id)));
      const all = texts.flatMap((text) => readFigures(text) ?? []);
      const now = connection.now();
      const isAlive = ({ head }: InstanceFigures) => now - head.at <= INSTANCE_TTL_MS;
      const lost: FiguresHead[] = all.filter((one) => !isAlive(one) && now - one.head.at <= LOST_MS).map(headOf);
      this.#read = { at: this.#clock.now(), others: { alive: all.filter(isAlive), lost } };
    } catch {
      // The guard has recorded the failure.
    }
    return this.#fresh();
  }
}

function headOf({ head }: InstanceFigures): FiguresHead {
  return head;
}

function readFigures(text: string | null): InstanceFigures | undefined {
  if (text === null || text.length > MAX_BYTES) return undefined;
  try {
    return instanceFiguresSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
