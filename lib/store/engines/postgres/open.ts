import { type CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { asError } from '#lib/errors';
import type { BatchResult, Engine, Statements } from '#lib/store/engines/engine';
import { unavailableFrom } from '#lib/store/engines/postgres/errors';
import { MappedPool } from '#lib/store/engines/postgres/mapped-pool';
import { StoreUnavailable } from '#lib/store/errors';
import type { Database } from '#lib/store/schema';
import { log } from '#lib/telemetry/log';
import { MINUTE_MS, SECOND_MS } from '#lib/units';

const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 5 * SECOND_MS;
/** A lock of another transaction, or a server that stopped responding, ends a statement. */
const STATEMENT_TIMEOUT_MS = MINUTE_MS;
const LOCK_TIMEOUT_MS = 5 * SECOND_MS;

/** Connects to a Postgres database. Rejects with `StoreUnavailable` where none responds. */
export async function openPostgres(url: string): Promise<Engine> {
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'chill-space',
    types: { getTypeParser: typeParser },
  });
  // An idle connection that breaks is replaced by the next query.
  pool.on('error', (error) => log().warn({ err: error.message }, 'a database connection broke'));
  const engine = new PostgresEngine(pool);
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw unavailableFrom(error) ?? new StoreUnavailable('unreachable', undefined, error);
  }
  return engine;
}

/** Whole numbers are numbers on both engines: times, counts and sums stay below 2^53. */
const INT8 = 20;
const NUMERIC = 1700;
const typeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8 || oid === NUMERIC ? Number : pg.types.getTypeParser(oid, format);

class PostgresEngine implements Engine {
  readonly name = 'postgres';
  readonly db: Kysely<Database>;
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
    this.db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: new MappedPool(pool) }) });
  }

  async writeBatch(batch: readonly Statements[]): Promise<BatchResult> {
    return await this.#withClient(async (client) => {
      const isWhole = await inTransaction(client, () => writeUnguarded(client, batch));
      if (isWhole) return { handled: batch.length, failures: NO_FAILURES };
      // An entry breaks a constraint, which ends the transaction: once more, with a savepoint each.
      const failures = new Map<number, Error>();
      await inTransaction(client, async () => {
        for (const [index, statements] of batch.entries()) {
          const failure = await writeEntry(client, statements);
          if (failure !== undefined) failures.set(index, failure);
        }
        return true;
      });
      return { handled: batch.length, failures };
    });
  }

  async probe(): Promise<void> {
    await this.#withClient((client) =>
      client.query('insert into store_probe (id, at) values (1, $1) on conflict (id) do update set at = excluded.at', [
        Date.now(),
      ]),
    );
  }

  async report<Row>({ sql, parameters }: CompiledQuery<Row>): Promise<Row[]> {
    const { rows } = await this.#withClient((client) => client.query(sql, [...parameters]));
    // The query's type says what its rows are.
    return rows as Row[];
  }

  /** The server of Postgres checks its files itself. */
  async check(): Promise<void> {}

  async close(): Promise<void> {
    await this.db.destroy();
  }

  async #withClient<T>(task: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | undefined;
    let failure: Error | undefined;
    try {
      client = await this.#pool.connect();
      return await task(client);
    } catch (error) {
      failure = asError(error);
      throw unavailableFrom(error) ?? error;
    } finally {
      // A connection whose state is unknown is closed.
      client?.release(failure !== undefined);
    }
  }
}

const NO_FAILURES: ReadonlyMap<number, Error> = new Map();

/** Commits what `task` did if it returns true. */
async function inTransaction(client: pg.PoolClient, task: () => Promise<boolean>): Promise<boolean> {
  await client.query('begin');
  try {
    const isWhole = await task();
    await client.query(isWhole ? 'commit' : 'rollback');
    return isWhole;
  } catch (error) {
    // The first error says more. The pool closes a connection whose state is unknown.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Returns false if a statement is at fault itself. */
async function writeUnguarded(client: pg.PoolClient, batch: readonly Statements[]): Promise<boolean> {
  try {
    for (const statements of batch)
      for (const { sql, parameters } of statements) await client.query(sql, [...parameters]);
    return true;
  } catch (error) {
    const unavailable = unavailableFrom(error);
    if (unavailable !== undefined) throw unavailable;
    return false;
  }
}

/** Returns the error of a statement that is at fault itself; the entry is undone then. */
async function writeEntry(client: pg.PoolClient, statements: Statements): Promise<Error | undefined> {
  await client.query('savepoint entry');
  try {
    for (const { sql, parameters } of statements) await client.query(sql, [...parameters]);
    await client.query('release savepoint entry');
    return undefined;
  } catch (error) {
    const unavailable = unavailableFrom(error);
    if (unavailable !== undefined) throw unavailable;
    await client.query('rollback to savepoint entry');
    return asError(error);
  }
}
