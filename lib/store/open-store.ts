import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { Config } from '#lib/config/config';
import type { Engine } from '#lib/store/engines/engine';
import { StoreUnavailable } from '#lib/store/errors';
import { migrate } from '#lib/store/migrate';
import type { Database } from '#lib/store/schema';
import type { Store, StoreHealth } from '#lib/store/types';
import { WriteQueue } from '#lib/store/write-queue';
import { log } from '#lib/telemetry/log';
import { MINUTE_MS } from '#lib/units';

export type StoreSettings = Pick<Config, 'DATA_DIR' | 'DATABASE_URL'>;

/** Opens the database of the settings and migrates it. Rejects with `StoreUnavailable`. */
export async function openStore(settings: StoreSettings): Promise<OpenStore> {
  const engine = await openEngine(settings);
  try {
    await migrate(engine.db);
  } catch (error) {
    await engine.close();
    throw StoreUnavailable.is(error) ? error : new StoreUnavailable('failed', undefined, error);
  }
  return new OpenStore(engine);
}

/** Each engine is loaded when it is configured. */
async function openEngine({ DATA_DIR, DATABASE_URL }: StoreSettings): Promise<Engine> {
  if (DATABASE_URL !== undefined) {
    const { openPostgres } = await import('#lib/store/engines/postgres/open');
    return await openPostgres(DATABASE_URL);
  }
  const { openSqlite } = await import('#lib/store/engines/sqlite/open');
  return await openSqlite(DATA_DIR);
}

export class OpenStore implements Store {
  readonly engine: 'sqlite' | 'postgres';
  readonly db: Kysely<Database>;
  readonly #engine: Engine;
  readonly #queue: WriteQueue;
  #closed: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.engine = engine.name;
    this.db = engine.db;
    this.#engine = engine;
    this.#queue = new WriteQueue(engine, { onHealth: healthLogger() });
  }

  get health(): StoreHealth {
    return this.#queue.health;
  }

  write(statement: Compilable): Promise<void> {
    return this.#queue.add([statement]);
  }

  writeAll(statements: readonly Compilable[]): Promise<void> {
    return this.#queue.add(statements);
  }

  flush(): Promise<void> {
    return this.#queue.flush();
  }

  report<Row>(query: CompiledQuery<Row>): Promise<Row[]> {
    return this.#engine.report(query);
  }

  /** Reads all of the database. A damaged one takes no more writes, so that nothing gets worse. */
  async check(): Promise<void> {
    try {
      await this.#engine.check();
    } catch (error) {
      if (StoreUnavailable.is(error) && error.reason === 'damaged') this.#queue.refuse(error);
      else log().warn({ err: error }, 'the database could not be checked for damage');
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#queue.close().then(() => this.#engine.close());
    return this.#closed;
  }
}

/** Logs changes, but not each of a disk that is full again and again. */
function healthLogger(): (health: StoreHealth, cause: unknown) => void {
  let lastWarningMs = -MINUTE_MS;
  return (health, cause) => {
    const nowMs = performance.now();
    if (health.state === 'ok') {
      log().info('the database takes writes again');
      return;
    }
    if (nowMs - lastWarningMs < MINUTE_MS) return;
    lastWarningMs = nowMs;
    log().error({ err: cause }, 'the database does not take writes');
  };
}
