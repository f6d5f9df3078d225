import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '#lib/make-folder';
import { DATABASE_FILE } from '#lib/store/database-file';
import { isOpenElsewhere } from '#lib/store/engines/sqlite/open';
import { MIGRATIONS } from '#lib/store/migrations/index';

/** A sentence for the operator who runs `npm run backup` or `npm run restore`. */
export class BackupError extends Error {}

/** How long a copy waits for a lock of the server. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Copies the database of `dataDir` into a new file, also while servers write to it: the copy is
 * the state of one moment. Returns its bytes. Throws `BackupError`.
 */
export function backUp(dataDir: string, target: string): number {
  const source = join(dataDir, DATABASE_FILE);
  if (!existsSync(source))
    throw new BackupError(`There is no database at ${source}. Is DATA_DIR the one that the server has?`);
  refuseExisting(target);
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  try {
    copyDatabase(source, partial);
    inspect(partial);
    refuseExisting(target);
    renameSync(partial, target);
  } catch (error) {
    rmSync(partial, { force: true });
    throw asBackupError(error, `The backup failed. Nothing was changed, and ${target} was not made.`);
  }
  syncFile(dirname(resolve(target)));
  return statSync(target).size;
}

/**
 * Puts a backup in the place of the database of `dataDir`. Returns where the database that was
 * there is now, if there was one. Throws `BackupError`, and has then changed nothing.
 */
export function restore(backup: string, dataDir: string, now: Date): string | undefined {
  if (!existsSync(backup)) throw new BackupError(`${backup} does not exist.`);
  const target = join(dataDir, DATABASE_FILE);
  inspect(backup);
  makeFolder(dataDir);
  const incoming = `${target}.restoring`;
  rmSync(incoming, { force: true });
  try {
    copyDatabase(backup, incoming);
    refuseInUse(target);
    const kept = moveAside(target, now);
    renameSync(incoming, target);
    syncFile(dataDir);
    return kept;
  } catch (error) {
    rmSync(incoming, { force: true });
    throw asBackupError(error, 'The backup could not be restored. The database is as it was.');
  }
}

/** Throws unless a file is an intact database of this program's version, or of an earlier one. */
function inspect(file: string): void {
  let migrations: string[];
  let damage: unknown;
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      damage = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
      migrations = database
        .prepare('SELECT name FROM kysely_migration')
        .all()
        .map(({ name }) => String(name));
    } finally {
      database.close();
    }
  } catch (error) {
    throw new BackupError(`${file} is not a database of this app, or is damaged (${messageOf(error)}).`);
  }
  if (damage !== 'ok') throw new BackupError(`${file} is damaged: ${damage}. Use another backup.`);
  const newer = migrations.find((name) => !(name in MIGRATIONS));
  if (newer !== undefined)
    throw new BackupError(
      `${file} was made by a newer version of the app (it has ${newer}). Update the app, and restore it then.`,
    );
}

/** A whole copy without its free pages, of the moment at which it began. */
function copyDatabase(source: string, target: string): void {
  // VACUUM INTO takes an empty file, and its mode.
  closeSync(openSync(target, 'wx', 0o600));
  const database = new DatabaseSync(source, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.prepare('VACUUM INTO ?').run(target);
  } finally {
    database.close();
  }
  syncFile(target);
}

function refuseInUse(file: string): void {
  if (existsSync(file) && isOpenElsewhere(file))
    throw new BackupError('A server uses the database. Stop it, and restore the backup then.');
}

function moveAside(file: string, now: Date): string | undefined {
  if (!existsSync(file)) return undefined;
  const kept = `${file}.before-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  refuseExisting(kept);
  // The log of a damaged file goes with it: it may be what is left to repair it.
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(file + suffix)) renameSync(file + suffix, kept + suffix);
  return kept;
}

function refuseExisting(file: string): void {
  if (existsSync(file)) throw new BackupError(`${file} exists already. Choose another name, or remove it first.`);
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function asBackupError(error: unknown, sentence: string): BackupError {
  return error instanceof BackupError ? error : new BackupError(`${sentence} ${messageOf(error)}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
