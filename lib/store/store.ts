import { type Config, config } from '#lib/config/config';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { StoreUnavailable } from '#lib/store/errors';
import type { Store, StoreHealth } from '#lib/store/types';
import { log } from '#lib/telemetry/log';
import { MINUTE_MS, SECOND_MS } from '#lib/units';

export { StoreUnavailable } from '#lib/store/errors';
export type { Database } from '#lib/store/schema';
export type { Store, StoreHealth } from '#lib/store/types';

/** After a failure, the next try is this much later: a request does not wait for a broken disk. */
const RETRY_MS = 5 * SECOND_MS;
/** A person has to do something about it first. */
const LONG_RETRY_MS = MINUTE_MS;

/**
 * The process's database, opened and migrated by the first call. Rejects with `StoreUnavailable`
 * where it cannot be opened; a later call tries again. On a request path use `storeIfOpen`.
 */
export function store(): Promise<Store> {
  return opener().open();
}

/** The process's database if it is open already. */
export function storeIfOpen(): Store | undefined {
  return opener().store;
}

/** `ok` also before the database was opened for the first time. */
export function storeHealth(): StoreHealth {
  return opener().health;
}

/** For each database that is opened, the current one included: loads what is kept in memory. */
export function whenStoreOpens(listener: (store: Store) => void): void {
  const { store: current, listeners } = opener();
  listeners.push(listener);
  if (current !== undefined) listener(current);
}

export class StoreOpener {
  readonly listeners: ((store: Store) => void)[] = [];
  readonly #settings: () => Pick<Config, 'DATA_DIR' | 'DATABASE_URL'>;
  #opening: Promise<Store> | undefined;
  #store: Store | undefined;
  #failure: { error: StoreUnavailable; retryAtMs: number } | undefined;

  constructor(settings: () => Pick<Config, 'DATA_DIR' | 'DATABASE_URL'>) {
    this.#settings = settings;
  }

  get store(): Store | undefined {
    return this.#store;
  }

  get health(): StoreHealth {
    if (this.#store !== undefined) return this.#store.health;
    return this.#failure === undefined ? OK : { state: 'not_saved', error: this.#failure.error.message };
  }

  open(): Promise<Store> {
    if (this.#opening !== undefined) return this.#opening;
    if (this.#failure !== undefined && performance.now() < this.#failure.retryAtMs)
      return Promise.reject(this.#failure.error);
    this.#opening = this.#open();
    return this.#opening;
  }

  async #open(): Promise<Store> {
    try {
      const { openStore } = await import('#lib/store/open-store');
      const opened = await openStore(this.#settings());
      onShutdown(() => opened.close(), 'last');
      this.#store = opened;
      this.#failure = undefined;
      for (const listener of this.listeners) listener(opened);
      return opened;
    } catch (error) {
      const unavailable = StoreUnavailable.is(error) ? error : new StoreUnavailable('failed', undefined, error);
      const isKnown = this.#failure?.error.message === unavailable.message;
      if (!isKnown) log().error({ err: unavailable }, 'the database is not open');
      const needsPerson = unavailable.reason === 'damaged' || unavailable.reason === 'newer';
      const retryMs = needsPerson ? LONG_RETRY_MS : RETRY_MS;
      this.#failure = { error: unavailable, retryAtMs: performance.now() + retryMs };
      this.#opening = undefined;
      // Later than the time before which calls are rejected. `#open` logs a failure.
      setTimeout(() => void this.open().catch(() => undefined), retryMs + 100).unref();
      throw unavailable;
    }
  }
}

const OK: StoreHealth = { state: 'ok' };

function opener(): StoreOpener {
  return singleton('store', () => new StoreOpener(config));
}
