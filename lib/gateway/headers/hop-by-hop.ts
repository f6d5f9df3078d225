/** Headers that `Connection` cannot remove, because they frame the body. */
const FRAMING_HEADERS = new Set(['content-length']);
/** The usual values of `Connection`, none of which names a header. */
const OPTIONS_WITHOUT_HEADER = /^\s*(?:keep-alive|close|upgrade)\s*$/i;
const NO_OPTIONS: ReadonlySet<string> = new Set();

/**
 * The connection options of a `Connection` value, in lower case: the names of headers that must
 * not be forwarded (RFC 9110 7.6.1).
 */
export function connectionOptions(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || OPTIONS_WITHOUT_HEADER.test(connection)) return NO_OPTIONS;
  const names = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  for (const name of FRAMING_HEADERS) names.delete(name);
  return names;
}

/** Removes from `headers`, names and values in turn, those that `connection` names. */
export function withoutConnectionHeaders(headers: string[], connection: string): string[] {
  const names = connectionOptions(connection);
  if (names.size === 0) return headers;
  return headers.filter((_, index) => !names.has((headers[index - (index % 2)] ?? '').toLowerCase()));
}

/** The joined values of all `Connection` headers in `raw`, names and values in turn. */
export function connectionValue(raw: readonly string[]): string | undefined {
  let connection: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() !== 'connection') continue;
    connection = connection === undefined ? raw[index + 1] : `${connection},${raw[index + 1]}`;
  }
  return connection;
}
