import { parentPort, workerData } from 'node:worker_threads';
import { SqliteConnection } from '#lib/store/engines/sqlite/connection';
import { isWorkerOptions, type WorkerReply, type WorkerTask } from '#lib/store/engines/sqlite/worker-messages';

/**
 * Worker thread of the SQLite engine: reads that take long, checkpoints of the write-ahead log,
 * and the check for damage. SQLite itself keeps its connection apart from those of the main thread.
 */
const BUSY_TIMEOUT_MS = 5_000;
/** 4 MiB. */
const VACUUM_PAGES = 1_024;
const port = parentPort;
if (port === null || !isWorkerOptions(workerData)) throw new Error('this file runs as a worker thread of the store');
const { file } = workerData;
let reader: SqliteConnection | undefined;

port.on('message', (task: WorkerTask) => {
  let reply: WorkerReply;
  try {
    reply = { id: task.id, rows: run(task) };
  } catch (error) {
    const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined;
    reply = { id: task.id, error: error instanceof Error ? error.message : String(error), errcode };
  }
  port.postMessage(reply);
});

function run(task: WorkerTask): unknown[] {
  if (task.kind === 'checkpoint') return checkpoint();
  reader ??= new SqliteConnection(file, { readOnly: true, busyTimeoutMs: BUSY_TIMEOUT_MS });
  if (task.kind === 'check') return reader.execute('PRAGMA quick_check(1)', []).rows;
  return reader.execute(task.sql, task.parameters).rows;
}

/**
 * Writes the log back to the file, most of it without making writers wait, and begins it again.
 * Returns pages to the disk if many are free, some at a time.
 */
function checkpoint(): unknown[] {
  const writer = new SqliteConnection(file, { busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    const pages = pragma(writer, 'page_count');
    const free = pragma(writer, 'freelist_count');
    if (free > VACUUM_PAGES && free > pages / 4) writer.raw.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
    writer.raw.exec('PRAGMA wal_checkpoint(PASSIVE)');
    const { rows } = writer.execute('PRAGMA wal_checkpoint(RESTART)', []);
    // The first commit to a log that begins again syncs it, whatever `synchronous` is: here, and
    // not in the event loop of the server.
    writer.raw.exec(`PRAGMA user_version = ${pragma(writer, 'user_version')}`);
    return rows;
  } finally {
    writer.close();
  }
}

function pragma(connection: SqliteConnection, name: string): number {
  return Number(connection.raw.prepare(`PRAGMA ${name}`).get()?.[name]);
}
