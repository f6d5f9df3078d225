import { asError } from '#lib/errors';
import type { BatchResult, Statements } from '#lib/store/engines/engine';
import type { SqliteConnection } from '#lib/store/engines/sqlite/connection';
import { unavailableFrom } from '#lib/store/engines/sqlite/errors';

/**
 * Writes the first entries that fit into `budgetMs` in one transaction, synchronously: no other
 * connection waits for a turn of the event loop. Throws `StoreUnavailable`, and has then saved
 * nothing.
 */
export function writeBatch(connection: SqliteConnection, batch: readonly Statements[], budgetMs: number): BatchResult {
  const deadlineMs = performance.now() + budgetMs;
  const failures = new Map<number, Error>();
  let handled = 0;
  try {
    connection.raw.exec('BEGIN IMMEDIATE');
    for (const statements of batch) {
      const failure = writeEntry(connection, statements);
      if (failure !== undefined) failures.set(handled, failure);
      handled++;
      if (performance.now() > deadlineMs) break;
    }
    connection.raw.exec('COMMIT');
  } catch (error) {
    // A full disk has rolled it back already.
    if (connection.raw.isTransaction) connection.raw.exec('ROLLBACK');
    throw unavailableFrom(error) ?? error;
  }
  return { handled, failures };
}

/** Returns the error of a statement that is at fault itself; the entry is undone then. */
function writeEntry(connection: SqliteConnection, statements: Statements): Error | undefined {
  // SQLite undoes a single statement by itself.
  const needsSavepoint = statements.length > 1;
  if (needsSavepoint) connection.raw.exec('SAVEPOINT entry');
  try {
    for (const { sql, parameters } of statements) connection.execute(sql, parameters);
  } catch (error) {
    const unavailable = unavailableFrom(error);
    // Without its transaction, the batch is lost whatever the error says.
    if (unavailable !== undefined || !connection.raw.isTransaction) throw unavailable ?? error;
    if (needsSavepoint) connection.raw.exec('ROLLBACK TO entry; RELEASE entry');
    return asError(error);
  }
  if (needsSavepoint) connection.raw.exec('RELEASE entry');
  return undefined;
}
