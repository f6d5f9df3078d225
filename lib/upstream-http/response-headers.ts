/** Headers by lower-case name. Values of one name are joined. */
export type HeaderRecord = Record<string, string | undefined>;

/** `raw`: names and values in turn. */
export function toHeaderRecord(raw: readonly string[]): HeaderRecord {
  const record: HeaderRecord = Object.create(null);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = raw[index + 1];
    record[name] = record[name] === undefined ? value : `${record[name]}, ${value}`;
  }
  return record;
}

/** Names and values in turn. */
export function toRawHeaders(record: Readonly<Record<string, string | string[] | undefined>>): string[] {
  return Object.entries(record).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [name, one]),
  );
}
