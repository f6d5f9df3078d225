/** Commands of Postgres for its backups, without the password, which they ask for. */

export function dumpCommand(url: string, file: string): string {
  return `pg_dump --format=custom --file=${quoted(file)} ${quoted(withoutPassword(url))}`;
}

export function restoreCommand(url: string, file: string): string {
  return `pg_restore --clean --if-exists --no-owner --single-transaction --dbname=${quoted(withoutPassword(url))} ${quoted(file)}`;
}

function withoutPassword(url: string): string {
  const parsed = new URL(url);
  parsed.password = '';
  parsed.searchParams.delete('password');
  return parsed.href;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
