import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { MIB } from '#lib/units';

/** Prepared statements that a connection keeps. Parsing one costs more than running it. */
const MAX_STATEMENTS = 200;
/**
 * SQLite's own checkpoint, in pages of 4 KiB: a fallback, because it syncs two files in the event
 * loop. The worker does it long before.
 */
const AUTO_CHECKPOINT_PAGES = 16_384;
const WAL_SIZE_LIMIT_BYTES = 16 * MIB;

/** One connection with its prepared statements. */
export class SqliteConnection {
  readonly raw: DatabaseSync;
  readonly #statements = new Map<string, { statement: StatementSync; isReader: boolean }>();

  constructor(file: string, options: { readOnly?: boolean; busyTimeoutMs?: number } = {}) {
    this.raw = new DatabaseSync(file, { readOnly: options.readOnly ?? false, timeout: options.busyTimeoutMs ?? 0 });
  }

  /** Sets what each connection needs. Returns whether the file has a write-ahead log. */
  configure(): boolean {
    // Only a file without tables takes this. Deleted pages go back to the disk in small steps.
    this.raw.exec('PRAGMA auto_vacuum = INCREMENTAL');
    const mode = this.raw.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
    const hasWal = mode === 'wal';
    // In WAL mode a commit is synced by `WalSync`, off the event loop. A file system without shared
    // memory has no WAL, and SQLite syncs at each commit.
    this.raw.exec(`PRAGMA synchronous = ${hasWal ? 'NORMAL' : 'FULL'};
      PRAGMA foreign_keys = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA wal_autocheckpoint = ${AUTO_CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${WAL_SIZE_LIMIT_BYTES}`);
    return hasWal;
  }

  /** Runs a statement, and returns its rows. */
  execute(sql: string, parameters: readonly unknown[]): ExecutionResult {
    const { statement, isReader } = this.#prepare(sql);
    const values = parameters.map(toSqlValue);
    if (isReader) return { rows: statement.all(...values) };
    const { changes, lastInsertRowid } = statement.run(...values);
    return { rows: [], changes: BigInt(changes), lastInsertRowid: BigInt(lastInsertRowid) };
  }

  close(): void {
    this.#statements.clear();
    if (this.raw.isOpen) this.raw.close();
  }

  #prepare(sql: string): { statement: StatementSync; isReader: boolean } {
    const known = this.#statements.get(sql);
    if (known !== undefined) {
      // Least recently used first.
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
      return known;
    }
    const statement = this.raw.prepare(sql);
    const prepared = { statement, isReader: statement.columns().length > 0 };
    this.#statements.set(sql, prepared);
    if (this.#statements.size > MAX_STATEMENTS) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return prepared;
  }
}

export interface ExecutionResult {
  rows: unknown[];
  changes?: bigint;
  lastInsertRowid?: bigint;
}

/** SQLite has no booleans and no dates. */
export function toSqlValue(value: unknown): SQLInputValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`a value of type ${typeof value} cannot be stored: write JSON as text`);
}
