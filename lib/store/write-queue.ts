import type { Compilable, CompiledQuery } from 'kysely';
import { asError } from '#lib/errors';
import type { Engine } from '#lib/store/engines/engine';
import { StoreUnavailable } from '#lib/store/errors';
import { bytesOfParameters } from '#lib/store/parameter-bytes';
import type { StoreHealth } from '#lib/store/types';
import { MIB, SECOND_MS } from '#lib/units';

/** Time of the event loop for the statements of a batch; its commit takes the rest of 5 ms. */
const BATCH_BUDGET_MS = 3;
/** Parameters and statements that wait. */
export const MAX_QUEUED_BYTES = 32 * MIB;
/** What an entry takes in memory next to its parameters. */
const BYTES_PER_STATEMENT = 500;
/** Entries that are handed to the engine at a time. */
const MAX_BATCH_ENTRIES = 2_000;
const LOCK_RETRY_MS = 20;
const LOCK_WAIT_MS = 5 * SECOND_MS;
const PROBE_INTERVAL_MS = SECOND_MS;

interface Entry {
  statements: readonly CompiledQuery[];
  bytes: number;
  resolve: () => void;
  reject: (error: Error) => void;
}

interface WriteQueueHooks {
  /** Called on each change of the health. */
  onHealth: (health: StoreHealth, cause: unknown) => void;
}

/**
 * Queue of writes with group commit: what arrives while a batch is being synced is the next batch.
 * Where the database does not take writes, everything that waits is rejected, later writes are
 * rejected at once, and a probe each second finds out when it takes them again.
 */
export class WriteQueue {
  readonly #engine: Pick<Engine, 'writeBatch' | 'probe'>;
  readonly #hooks: WriteQueueHooks;
  #entries: Entry[] = [];
  #queuedBytes = 0;
  #isRunning = false;
  #isClosed = false;
  #last: Promise<void> = Promise.resolve();
  #health: StoreHealth = { state: 'ok' };
  #unavailable: StoreUnavailable | undefined;
  #probeTimer: NodeJS.Timeout | undefined;

  constructor(engine: Pick<Engine, 'writeBatch' | 'probe'>, hooks: WriteQueueHooks) {
    this.#engine = engine;
    this.#hooks = hooks;
  }

  get health(): StoreHealth {
    return this.#health;
  }

  add(statements: readonly Compilable[]): Promise<void> {
    const saved = this.#add(statements);
    // A caller that does not wait gets no unhandled rejection: `onHealth` reports the failure.
    saved.catch(() => undefined);
    return saved;
  }

  /** Resolves when all that was added before is on disk or rejected. */
  async flush(): Promise<void> {
    // The callers of `add` get the failure, and `onHealth` reports it.
    await this.#last.catch(() => undefined);
  }

  /** Writes what waits, and rejects everything that is added later. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    clearTimeout(this.#probeTimer);
  }

  /** Stops writes, for good where the database is damaged: each one may destroy more. */
  refuse(error: StoreUnavailable): void {
    this.#fail(error);
  }

  #add(statements: readonly Compilable[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(new StoreUnavailable('closed'));
    if (this.#unavailable !== undefined) return Promise.reject(this.#unavailable);
    let compiled: CompiledQuery[];
    try {
      compiled = statements.map((statement) => statement.compile());
    } catch (error) {
      return Promise.reject(asError(error));
    }
    if (compiled.length === 0) return Promise.resolve();
    const bytes = compiled.reduce(
      (sum, { parameters }) => sum + BYTES_PER_STATEMENT + bytesOfParameters(parameters),
      0,
    );
    if (this.#queuedBytes + bytes > MAX_QUEUED_BYTES) return Promise.reject(new StoreUnavailable('queue_full'));
    this.#queuedBytes += bytes;
    const saved = new Promise<void>((resolve, reject) => {
      this.#entries.push({ statements: compiled, bytes, resolve, reject });
    });
    this.#last = saved;
    if (!this.#isRunning) {
      this.#isRunning = true;
      // What is added in one turn of the event loop is one batch.
      setImmediate(() => void this.#run());
    }
    return saved;
  }

  async #run(): Promise<void> {
    let lockedSinceMs: number | undefined;
    while (this.#entries.length > 0) {
      const batch = this.#entries.slice(0, MAX_BATCH_ENTRIES);
      try {
        const { handled, failures } = await this.#engine.writeBatch(
          batch.map(({ statements }) => statements),
          BATCH_BUDGET_MS,
        );
        lockedSinceMs = undefined;
        for (const [index, entry] of this.#take(handled).entries()) {
          const failure = failures.get(index);
          if (failure === undefined) entry.resolve();
          else entry.reject(failure);
        }
      } catch (error) {
        const unavailable = StoreUnavailable.is(error) ? error : new StoreUnavailable('failed', undefined, error);
        lockedSinceMs ??= performance.now();
        if (unavailable.reason === 'locked' && performance.now() - lockedSinceMs < LOCK_WAIT_MS)
          await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
        else this.#fail(unavailable);
      }
    }
    this.#isRunning = false;
  }

  #take(count: number): Entry[] {
    const taken = this.#entries.splice(0, count);
    for (const { bytes } of taken) this.#queuedBytes -= bytes;
    return taken;
  }

  #fail(error: StoreUnavailable): void {
    this.#unavailable = error;
    this.#setHealth({ state: 'not_saved', error: error.message }, error);
    for (const entry of this.#take(this.#entries.length)) entry.reject(error);
    if (error.reason !== 'damaged') this.#probeLater();
  }

  #probeLater(): void {
    clearTimeout(this.#probeTimer);
    this.#probeTimer = setTimeout(() => void this.#probe(), PROBE_INTERVAL_MS).unref();
  }

  async #probe(): Promise<void> {
    try {
      await this.#engine.probe();
    } catch (error) {
      if (StoreUnavailable.is(error)) {
        this.#unavailable = error;
        this.#setHealth({ state: 'not_saved', error: error.message }, error);
      }
      if (!this.#isClosed && this.#unavailable?.reason !== 'damaged') this.#probeLater();
      return;
    }
    this.#unavailable = undefined;
    this.#setHealth({ state: 'ok' }, undefined);
  }

  #setHealth(health: StoreHealth, cause: unknown): void {
    if (health.state === this.#health.state && health.error === this.#health.error) return;
    this.#health = health;
    this.#hooks.onHealth(health, cause);
  }
}
