import { StoreUnavailable, type UnavailableReason } from '#lib/store/errors';

/** Classes of SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const REASONS_BY_CLASS: Readonly<Record<string, UnavailableReason>> = {
  '08': 'unreachable', // Connection exception
  '28': 'unreachable', // Invalid authorization
  '3D': 'unreachable', // Unknown database
  '53': 'full', // Insufficient resources
  '57': 'unreachable', // Operator intervention
  '58': 'failed', // System error
  XX: 'failed', // Internal error, also a damaged file
};

const REASONS_BY_CODE: Readonly<Record<string, UnavailableReason>> = {
  '25006': 'read_only', // Read-only transaction, also of a standby
  '40001': 'locked', // Serialization failure
  '40P01': 'locked', // Deadlock
  '53300': 'unreachable', // Too many connections
  '55P03': 'locked', // Lock not available
  '57014': 'locked', // Statement timeout
};

/** Codes of Node's sockets, and what `pg` throws without a code. */
const SOCKET_CODES = /^(?:E(?:CONN|TIMEDOUT|PIPE|HOST|NET|NOTFOUND|AI_AGAIN|ADDR)\w*|ENOENT|EACCES)$/;
const CONNECTION_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error/;

/** `StoreUnavailable` for a failure of the database, undefined for one of the statement. */
export function unavailableFrom(error: unknown): StoreUnavailable | undefined {
  if (StoreUnavailable.is(error)) return error;
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined)
    return CONNECTION_MESSAGES.test(error.message) ? new StoreUnavailable('unreachable', undefined, error) : undefined;
  if (SOCKET_CODES.test(code)) return new StoreUnavailable('unreachable', undefined, error);
  const reason = REASONS_BY_CODE[code] ?? REASONS_BY_CLASS[code.slice(0, 2)];
  return reason === undefined ? undefined : new StoreUnavailable(reason, undefined, error);
}
