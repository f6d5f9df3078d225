import { StoreUnavailable, type UnavailableReason } from '#lib/store/errors';

/** Primary result codes, https://sqlite.org/rescode.html, that say nothing about the statement. */
const REASONS: Readonly<Record<number, UnavailableReason>> = {
  3: 'read_only', // SQLITE_PERM
  5: 'locked', // SQLITE_BUSY
  6: 'locked', // SQLITE_LOCKED
  7: 'failed', // SQLITE_NOMEM
  8: 'read_only', // SQLITE_READONLY
  10: 'failed', // SQLITE_IOERR
  11: 'damaged', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'read_only', // SQLITE_CANTOPEN
  15: 'locked', // SQLITE_PROTOCOL
  23: 'read_only', // SQLITE_AUTH
  26: 'damaged', // SQLITE_NOTADB
};

/** SQLITE_IOERR_WRITE, _FSYNC and _TRUNCATE: what a quota or a full network disk reports. */
const WRITE_FAILURES: ReadonlySet<number> = new Set([10 | (3 << 8), 10 | (4 << 8), 10 | (6 << 8)]);

/** `StoreUnavailable` for a failure of the database, undefined for one of the statement. */
export function unavailableFrom(error: unknown): StoreUnavailable | undefined {
  if (StoreUnavailable.is(error)) return error;
  const code = resultCodeOf(error);
  if (code === undefined) return undefined;
  const reason = WRITE_FAILURES.has(code) ? 'full' : REASONS[code & 0xff];
  return reason === undefined ? undefined : new StoreUnavailable(reason, undefined, error);
}

/** Extended result code of an error of node:sqlite. */
function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}
