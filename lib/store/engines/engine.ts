import type { CompiledQuery, Kysely } from 'kysely';
import type { Database } from '#lib/store/schema';

/** Statements of one transaction. */
export type Statements = readonly CompiledQuery[];

export interface BatchResult {
  /** How many entries, from the first on, are handled: on disk, or in `failures`. */
  handled: number;
  /** Errors of entries that broke a constraint, by their index. Nothing of these is saved. */
  failures: ReadonlyMap<number, Error>;
}

/** A database as the store uses it. All methods reject with `StoreUnavailable`. */
export interface Engine {
  readonly name: 'sqlite' | 'postgres';
  readonly db: Kysely<Database>;
  /**
   * Writes the first entries that fit into `budgetMs` in one transaction, at least one, and
   * resolves when they are on disk. Where it rejects, none is saved.
   */
  writeBatch(batch: readonly Statements[], budgetMs: number): Promise<BatchResult>;
  /** Resolves if the database takes writes. */
  probe(): Promise<void>;
  report<Row>(query: CompiledQuery<Row>): Promise<Row[]>;
  /** Reads the whole database for damage. Rejects with reason `damaged`. */
  check(): Promise<void>;
  close(): Promise<void>;
}
