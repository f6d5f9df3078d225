import { AppError } from '#lib/errors';

/** Why a statement is not on disk. */
export type UnavailableReason =
  | 'locked'
  | 'full'
  | 'read_only'
  | 'damaged'
  | 'newer'
  | 'unreachable'
  | 'queue_full'
  | 'closed'
  | 'failed';

/**
 * The database did not save or read what it was asked for. `sentence` names no file and no
 * address, because routes send it to their callers; `cause` has both, for the log.
 */
export class StoreUnavailable extends AppError {
  readonly reason: UnavailableReason;

  constructor(reason: UnavailableReason, sentence: string = SENTENCES[reason], cause?: unknown) {
    super('not_saved', sentence, { cause });
    this.reason = reason;
  }

  static override is(error: unknown): error is StoreUnavailable {
    return AppError.is(error) && 'reason' in error;
  }
}

const SENTENCES: Readonly<Record<UnavailableReason, string>> = {
  locked: 'Not saved: another program holds the database. It is tried again every second.',
  full: 'Not saved: the disk of the database is full. Free some space; it is tried again every second.',
  read_only: 'Not saved: the database cannot be written. Make DATA_DIR writable for the server.',
  damaged:
    'Not saved: the database file is damaged. Stop the server and restore a backup: npm run restore -- FILE. Nothing was deleted.',
  newer: 'Not saved: the database was written by a newer version of the app. Start that version, or restore a backup.',
  unreachable: 'Not saved: the database server cannot be reached. It is tried again every few seconds.',
  queue_full: 'Not saved: more is waiting to be saved than fits into memory. Try again in a moment.',
  closed: 'Not saved: the server is stopping.',
  failed: 'Not saved: the database failed. The log of the server says why.',
};
