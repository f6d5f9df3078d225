import { type Compilable, sql } from 'kysely';
import { singleton } from '#lib/singletons';
import type { Store } from '#lib/store/store';
import type { ChangedValue } from './stored-values.ts';

/** What is changed in turn, over all servers with one database. */
export type ChangeKind = 'backend' | 'model';

/** Rows of the table `settings` that are no settings. */
const VERSION_PREFIX = 'version/';

/** The version of all changes of a kind that this process has read; undefined without one. */
export function knownVersion(kind: ChangeKind): string | undefined {
  return versions().get(VERSION_PREFIX + kind);
}

/** A change of this process is stored. What was read since then stays. */
export function noteVersion(kind: ChangeKind, before: string | undefined, after: string): void {
  if (knownVersion(kind) === before) versions().set(VERSION_PREFIX + kind, after);
}

/** Notes the versions of what was read. */
export function noteVersions(all: readonly ChangedValue[]): void {
  versions().clear();
  for (const { name, value } of all)
    if (name.startsWith(VERSION_PREFIX) && typeof value === 'string') versions().set(name, value);
}

/**
 * Compare-and-set: makes `after` the version of a kind, and breaks a constraint if it is another
 * one than `before`. In the transaction of a change, it stores nothing then.
 */
export function versionStatement(
  { db }: Pick<Store, 'db'>,
  kind: ChangeKind,
  before: string | undefined,
  after: string,
): Compilable {
  const updated_at = Date.now();
  const row = { name: VERSION_PREFIX + kind, value: encode(after), updated_at, updated_by: '' };
  const inserting = db.insertInto('settings').values(row);
  if (before === undefined) return inserting;
  // The column takes no null.
  const value = sql<string>`case when settings.value = ${encode(before)} then excluded.value end`;
  return inserting.onConflict((conflict) => conflict.column('name').doUpdateSet({ value, updated_at }));
}

/** As other values are stored. */
function encode(version: string): string {
  return JSON.stringify({ value: version, by: null });
}

function versions(): Map<string, string> {
  return singleton('people.change-versions', () => new Map<string, string>());
}
