/** Headers that `Connection` cannot take away: what frames the body is not the caller's to drop. */
const FRAMING_HEADERS = new Set(['content-length']);
/** What `Connection` usually names has no header beside it. */
const OPTIONS_WITHOUT_HEADER = /^\s*(?:keep-alive|close|upgrade)\s*$/i;
const NO_OPTIONS: ReadonlySet<string> = new Set();

/** The names of the fields that end with this connection, in lower case, out of the value of a `Connection` header. */
export function connectionOptions(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || OPTIONS_WITHOUT_HEADER.test(connection)) return NO_OPTIONS;
  const names = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  for (const name of FRAMING_HEADERS) names.delete(name);
  return names;
}

/** `headers`, names and values in turn, without those that `connection` names. */
export function withoutConnectionHeaders(headers: string[], connection: string): string[] {
  const names = connectionOptions(connection);
  if (names.size === 0) return headers;
  return headers.filter((_, index) => !names.has((headers[index - (index % 2)] ?? '').toLowerCase()));
}

/** The value of all `Connection` headers of a head, names and values in turn; undefined where there is none. */
export function connectionValue(raw: readonly string[]): string | undefined {
  let connection: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() !== 'connection') continue;
    connection = connection === undefined ? raw[index + 1] : `${connection},${raw[index + 1]}`;
  }
  return connection;
}
