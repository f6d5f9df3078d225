import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { SqliteConnection } from '#lib/store/engines/sqlite/connection';
import { unavailableFrom } from '#lib/store/engines/sqlite/errors';

/** How long a statement waits for another program's lock, without blocking the event loop. */
export const LOCK_WAIT_MS = 5_000;
const RETRY_MS = 10;

/**
 * Kysely dialect over one connection of node:sqlite. Kysely's own takes an object of
 * better-sqlite3's shape, begins deferred transactions, and would block the event loop for
 * `busy_timeout` where another program holds the lock.
 */
export class NodeSqliteDialect implements Dialect {
  readonly #connection: SqliteConnection;
  readonly #sync: () => Promise<void>;

  /** `sync` resolves when what was committed is on disk. */
  constructor(connection: SqliteConnection, sync: () => Promise<void>) {
    this.#connection = connection;
    this.#sync = sync;
  }

  createDriver(): Driver {
    return new NodeSqliteDriver(this.#connection, this.#sync);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter();
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}

/** Migrations run in one immediate transaction, which is also the lock against other servers. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class NodeSqliteDriver implements Driver {
  readonly #connection: SqliteConnection;
  readonly #sync: () => Promise<void>;
  readonly #kysely: KyselyConnection;

  constructor(connection: SqliteConnection, sync: () => Promise<void>) {
    this.#connection = connection;
    this.#sync = sync;
    this.#kysely = new KyselyConnection(connection, sync);
  }

  async init(): Promise<void> {}

  /** Kysely gives the connection to one user at a time. */
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#kysely;
  }

  /** Immediate: a transaction that reads first and then writes would fail where another wrote. */
  async beginTransaction(): Promise<void> {
    await whenUnlocked(() => this.#connection.raw.exec('BEGIN IMMEDIATE'));
  }

  async commitTransaction(): Promise<void> {
    await whenUnlocked(() => this.#connection.raw.exec('COMMIT'));
    await this.#sync();
  }

  async rollbackTransaction(): Promise<void> {
    // A full disk has rolled it back already.
    if (this.#connection.raw.isTransaction) this.#connection.raw.exec('ROLLBACK');
  }

  async savepoint(_connection: DatabaseConnection, name: string): Promise<void> {
    this.#connection.raw.exec(`SAVEPOINT ${quoted(name)}`);
  }

  async rollbackToSavepoint(_connection: DatabaseConnection, name: string): Promise<void> {
    this.#connection.raw.exec(`ROLLBACK TO ${quoted(name)}`);
  }

  async releaseSavepoint(_connection: DatabaseConnection, name: string): Promise<void> {
    this.#connection.raw.exec(`RELEASE ${quoted(name)}`);
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#connection.close();
  }
}

class KyselyConnection implements DatabaseConnection {
  readonly #connection: SqliteConnection;
  readonly #sync: () => Promise<void>;

  constructor(connection: SqliteConnection, sync: () => Promise<void>) {
    this.#connection = connection;
    this.#sync = sync;
  }

  async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
    const result = await whenUnlocked(() => this.#connection.execute(sql, parameters));
    if (!SelectQueryNode.is(query) && !this.#connection.raw.isTransaction) await this.#sync();
    return {
      // The query's type says what its rows are.
      rows: result.rows as Row[],
      ...(result.changes === undefined ? {} : { numAffectedRows: result.changes }),
      ...(result.lastInsertRowid === undefined ? {} : { insertId: result.lastInsertRowid }),
    };
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    // A statement that is read slowly would hold the connection, so all rows are read at once.
    yield await this.executeQuery<Row>(query);
  }
}

/** Runs `task`, again while another connection holds the lock. Maps errors of the database. */
async function whenUnlocked<T>(task: () => T): Promise<T> {
  const deadlineMs = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return task();
    } catch (error) {
      const unavailable = unavailableFrom(error);
      if (unavailable === undefined) throw error;
      if (unavailable.reason !== 'locked' || performance.now() > deadlineMs) throw unavailable;
    }
    await sleep(RETRY_MS);
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
