import { type Clock, systemClock } from '#lib/clock';
import type { CommandConnection } from '#lib/cluster/redis';
import { parseInfo } from '#lib/cluster/start-checks';
import { log } from '#lib/telemetry/log';
import { MIB, SECOND_MS } from '#lib/units';

const INTERVAL_MS = 5 * SECOND_MS;
/** Of `maxmemory`: the rest is for what must not be refused. */
const FULL_SHARE = 0.7;
/** Where Redis has no `maxmemory`. */
const MAX_UNBOUNDED_BYTES = 512 * MIB;

/** Whether a Redis that evicts nothing has space for values that may be left out. */
export class MemoryWatch {
  readonly #connection: CommandConnection;
  readonly #clock: Clock;
  #isFull = false;
  #isClosed = false;
  #cancel: (() => void) | undefined;

  constructor(connection: CommandConnection, clock = systemClock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Looks now, and every 5 s from then on. Never rejects. */
  async start(): Promise<void> {
    await this.#look();
    if (!this.#isClosed) this.#cancel = this.#clock.after(INTERVAL_MS, () => void this.start());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #look(): Promise<void> {
    if (!this.#connection.isUsable) return;
    try {
      const isFull = isAlmostFull(parseInfo(await this.#connection.client.info('memory')));
      if (isFull && !this.#isFull)
        log().warn('Redis is 70 % full: responses and conversations are kept by each server alone until it has space');
      this.#isFull = isFull;
    } catch {
      // The guard has recorded the failure; the last state stays.
    }
  }
}

/** By the fields of INFO. */
export function isAlmostFull(info: ReadonlyMap<string, string>): boolean {
  const used = Number(info.get('used_memory') ?? 0);
  const max = Number(info.get('maxmemory') ?? 0);
  return used >= (max > 0 ? max * FULL_SHARE : MAX_UNBOUNDED_BYTES);
}
