import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { Database } from '#lib/store/schema';

export interface StoreHealth {
  readonly state: 'ok' | 'not_saved';
  /** What is wrong and what to do, without a path or an address. */
  readonly error?: string;
}

export interface Store {
  readonly engine: 'sqlite' | 'postgres';
  /**
   * Typed queries. On SQLite each runs synchronously inside (at most one indexed read on a request
   * path). A write through it is on disk when its promise resolves.
   */
  readonly db: Kysely<Database>;
  /**
   * Queues a statement; statements are flushed in batches of at most 5 ms. Resolves when it is on
   * disk. Rejects with `StoreUnavailable` where it is not saved, and never later; with the
   * engine's own error where the statement breaks a constraint. Never throws synchronously, and a
   * rejection that has no reader is no unhandled one.
   */
  write(statement: Compilable): Promise<void>;
  /** Several statements in one transaction, queued likewise. */
  writeAll(statements: readonly Compilable[]): Promise<void>;
  /** Resolves when everything that was queued before is on disk or was rejected. */
  flush(): Promise<void>;
  /**
   * A read that may be long (reports, exports, search): in a worker thread on SQLite, on the pool
   * on Postgres. The query bounds the number of its rows.
   */
  report<Row>(query: CompiledQuery<Row>): Promise<Row[]>;
  readonly health: StoreHealth;
  /**
   * Reads all of the database for damage. A damaged one takes no more writes, so that nothing gets
   * worse.
   */
  check(): Promise<void>;
  close(): Promise<void>;
}
