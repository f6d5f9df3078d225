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

/** How long a statement waits for another connection's lock, without blocking the event loop. */
export const LOCK_WAIT_MS = 5_000;
export const RETRY_MS = 10;

/** What the dialect runs on. */
interface SqliteParts {
  /** For statements outside of transactions. */
  readonly autocommit: SqliteConnection;
  /**
   * For one transaction at a time. A transaction spans turns of the event loop, and statements of
   * other callers would become a part of it on the same connection.
   */
  readonly transactional: SqliteConnection;
  /** Resolves when what was committed is on disk. */
  readonly sync: () => Promise<void>;
}

/**
 * Kysely dialect over node:sqlite. Kysely's own takes an object of better-sqlite3's shape, begins
 * deferred transactions, makes every read wait for an open one, and would block the event loop for
 * `busy_timeout` where another program holds the lock.
 */
export class NodeSqliteDialect implements Dialect {
  readonly #parts: SqliteParts;

  constructor(parts: SqliteParts) {
    this.#parts = parts;
  }

  createDriver(): Driver {
    return new NodeSqliteDriver(this.#parts);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): SqliteAdapter {
    return new NodeSqliteAdapter();
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}

class NodeSqliteAdapter extends SqliteAdapter {
  /** Migrations run in one immediate transaction, which is also the lock against other servers. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /** Kysely has no lock of its connections then: `KyselyConnection` has one for transactions. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class NodeSqliteDriver implements Driver {
  readonly #parts: SqliteParts;
  readonly #turns = new Turns();

  constructor(parts: SqliteParts) {
    this.#parts = parts;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new KyselyConnection(this.#parts, this.#turns);
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    ours(connection).rollback();
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    ours(connection).run(`SAVEPOINT ${quoted(name)}`);
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    ours(connection).run(`ROLLBACK TO ${quoted(name)}`);
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    ours(connection).run(`RELEASE ${quoted(name)}`);
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#parts.transactional.close();
    this.#parts.autocommit.close();
  }
}

/** What Kysely holds as a connection: one caller's use of the two real ones. */
class KyselyConnection implements DatabaseConnection {
  readonly #parts: SqliteParts;
  readonly #turns: Turns;
  #current: SqliteConnection;
  #endTurn: (() => void) | undefined;

  constructor(parts: SqliteParts, turns: Turns) {
    this.#parts = parts;
    this.#turns = turns;
    this.#current = parts.autocommit;
  }

  async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
    const connection = this.#current;
    const result = await whenUnlocked(() => connection.execute(sql, parameters));
    const isRead = SelectQueryNode.is(query) || READS.test(sql);
    if (!isRead && connection === this.#parts.autocommit) await this.#parts.sync();
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

  run(sql: string): void {
    this.#current.raw.exec(sql);
  }

  /** Immediate: a transaction that reads first and then writes would fail where another wrote. */
  async begin(): Promise<void> {
    this.#endTurn = await this.#turns.next();
    this.#current = this.#parts.transactional;
    try {
      await whenUnlocked(() => this.run('BEGIN IMMEDIATE'));
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async commit(): Promise<void> {
    // Where it fails, Kysely rolls back.
    await whenUnlocked(() => this.run('COMMIT'));
    this.#end();
    await this.#parts.sync();
  }

  rollback(): void {
    // A full disk has rolled it back already.
    if (this.#endTurn !== undefined && this.#current.raw.isTransaction) this.run('ROLLBACK');
    this.#end();
  }

  #end(): void {
    this.#current = this.#parts.autocommit;
    this.#endTurn?.();
    this.#endTurn = undefined;
  }
}

/** A mutex: one transaction at a time, in the order in which they were asked for. */
class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with what ends it. */
  async next(): Promise<() => void> {
    const before = this.#last;
    let end: () => void = () => undefined;
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return end;
  }
}

const READS = /^\s*(?:select|pragma)\b/i;

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

function ours(connection: DatabaseConnection): KyselyConnection {
  if (connection instanceof KyselyConnection) return connection;
  throw new TypeError('a connection of another driver');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
