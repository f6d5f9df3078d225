import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CompiledQuery, Kysely } from 'kysely';
import { makeFolder } from '#lib/make-folder';
import { DATABASE_FILE } from '#lib/store/database-file';
import type { BatchResult, Engine, Statements } from '#lib/store/engines/engine';
import { writeBatch } from '#lib/store/engines/sqlite/batch-writer';
import { SqliteConnection } from '#lib/store/engines/sqlite/connection';
import { LOCK_WAIT_MS, NodeSqliteDialect, RETRY_MS } from '#lib/store/engines/sqlite/dialect';
import { unavailableFrom } from '#lib/store/engines/sqlite/errors';
import { WalSync } from '#lib/store/engines/sqlite/wal-sync';
import { WorkerClient } from '#lib/store/engines/sqlite/worker-client';
import { StoreUnavailable } from '#lib/store/errors';
import { bytesOfParameters } from '#lib/store/parameter-bytes';
import type { Database } from '#lib/store/schema';
import { log } from '#lib/telemetry/log';
import { MIB } from '#lib/units';
import { workerProcess } from '#lib/worker-process';

/** The log is written back to the database file when about this much was added to it. */
const CHECKPOINT_BYTES = 4 * MIB;
/** Pages that a transaction writes at least, of 4 KiB with their headers. */
const BYTES_PER_BATCH = 12 * 1024;
/** A smaller file is checked at once: it costs less than a thread. */
const SMALL_FILE_BYTES = MIB;

/** Opens the database in `folder`, and makes both where absent. Rejects with `StoreUnavailable`. */
export async function openSqlite(folder: string): Promise<Engine> {
  const deadlineMs = performance.now() + LOCK_WAIT_MS;
  const file = join(folder, DATABASE_FILE);
  for (;;) {
    try {
      makeFolder(folder);
      makePrivateFile(file);
      // Several workers are meant to share it.
      if (workerProcess() === undefined && isOpenElsewhere(file)) log().warn(SHARED_WARNING);
      return new SqliteEngine(file);
    } catch (error) {
      const unavailable = unavailableFrom(error) ?? unavailableFromFileSystem(error);
      // Another server that starts at the same time makes the file.
      if (unavailable.reason !== 'locked' || performance.now() > deadlineMs) throw unavailable;
    }
    await sleep(RETRY_MS);
  }
}

const SHARED_WARNING =
  'another server uses this database too: they share people, settings and what is kept. Set DATA_DIR for one of them where that is not meant';

/**
 * Whether another connection has the file open: each holds a shared lock on a file in WAL mode, so
 * that the exclusive lock is refused.
 */
export function isOpenElsewhere(file: string): boolean {
  const probe = new SqliteConnection(file);
  try {
    probe.raw.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT');
    return false;
  } catch (error) {
    return unavailableFrom(error)?.reason === 'locked';
  } finally {
    // The last connection writes the log back into the file.
    probe.close();
  }
}

class SqliteEngine implements Engine {
  readonly name = 'sqlite';
  readonly db: Kysely<Database>;
  readonly #file: string;
  /** Statements of `db` outside of transactions, and its transactions. */
  readonly #reader: SqliteConnection;
  readonly #transactional: SqliteConnection;
  /** Batches of the write queue, which would become a part of an open transaction. */
  readonly #writer: SqliteConnection;
  readonly #wal: WalSync;
  readonly #worker: WorkerClient;
  /** Has a thread for itself: the check of a large file takes longer than a report may wait. */
  readonly #checker: WorkerClient;
  readonly #hasWal: boolean;
  #bytesSinceCheckpoint = 0;

  constructor(file: string) {
    this.#file = file;
    const connections = [new SqliteConnection(file), new SqliteConnection(file), new SqliteConnection(file)] as const;
    const [autocommit, transactional, writer] = connections;
    try {
      this.#hasWal = autocommit.configure();
      transactional.configure();
      writer.configure();
    } catch (error) {
      for (const connection of connections) connection.close();
      throw error;
    }
    this.#reader = autocommit;
    this.#transactional = transactional;
    this.#writer = writer;
    this.#wal = new WalSync(file);
    this.#worker = new WorkerClient(file);
    this.#checker = new WorkerClient(file);
    const sync = () => this.#saved(0);
    this.db = new Kysely<Database>({ dialect: new NodeSqliteDialect({ autocommit, transactional, sync }) });
  }

  async writeBatch(batch: readonly Statements[], budgetMs: number): Promise<BatchResult> {
    const result = writeBatch(this.#writer, batch, budgetMs);
    await this.#saved(bytesOf(batch.slice(0, result.handled)));
    return result;
  }

  async probe(): Promise<void> {
    try {
      this.#writer.execute(
        'insert into store_probe (id, at) values (1, ?) on conflict (id) do update set at = excluded.at',
        [Date.now()],
      );
    } catch (error) {
      throw unavailableFrom(error) ?? error;
    }
    await this.#saved(0);
  }

  async report<Row>({ sql, parameters }: CompiledQuery<Row>): Promise<Row[]> {
    // The query's type says what its rows are.
    return (await this.#worker.run({ kind: 'report', sql, parameters })) as Row[];
  }

  async check(): Promise<void> {
    const isSmall = statSync(this.#file).size <= SMALL_FILE_BYTES;
    const rows = isSmall
      ? this.#reader.execute('PRAGMA quick_check(1)', []).rows
      : await this.#checker.run({ kind: 'check' });
    const found = JSON.stringify(rows);
    if (found !== '[{"quick_check":"ok"}]') throw new StoreUnavailable('damaged', undefined, new Error(found));
  }

  async close(): Promise<void> {
    await Promise.all([this.#worker.close(), this.#checker.close()]);
    await this.#wal.close();
    this.#writer.close();
    // The last connection writes the log back and deletes it.
    await this.db.destroy();
    // Kysely closes nothing that it did not use.
    this.#transactional.close();
    this.#reader.close();
  }

  /** Resolves when all that was committed is on disk. */
  async #saved(bytes: number): Promise<void> {
    if (!this.#hasWal) return;
    await this.#wal.sync();
    this.#bytesSinceCheckpoint += bytes + BYTES_PER_BATCH;
    if (this.#bytesSinceCheckpoint < CHECKPOINT_BYTES) return;
    this.#bytesSinceCheckpoint = 0;
    // SQLite's own checkpoint follows where the worker fails.
    this.#worker.run({ kind: 'checkpoint' }).catch(() => undefined);
  }
}

/**
 * SQLite gives its other files the mode of this one. A file that is there is not opened: closing
 * its descriptor would drop the locks that SQLite has on it in this process.
 */
function makePrivateFile(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
}

function bytesOf(batch: readonly Statements[]): number {
  let bytes = 0;
  for (const statements of batch) for (const { parameters } of statements) bytes += bytesOfParameters(parameters);
  return bytes;
}

function unavailableFromFileSystem(error: unknown): StoreUnavailable {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StoreUnavailable('full', undefined, error);
  return new StoreUnavailable(UNWRITABLE.has(code) ? 'read_only' : 'failed', undefined, error);
}

const UNWRITABLE: ReadonlySet<unknown> = new Set(['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST', 'ENOENT']);

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
