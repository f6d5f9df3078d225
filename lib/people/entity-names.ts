import type { Store } from '#lib/store/types';

/** Names of people, groups and keys by their ids. */

export type NamedEntity = 'user' | 'group' | 'key';

interface NamedId {
  readonly id: string;
  readonly name: string;
}

/** Ids of one query. */
const IDS_PER_QUERY = 500;
const TABLES = { user: 'users', group: 'groups', key: 'access_keys' } as const satisfies Record<NamedEntity, string>;
/** Actions whose records have the name of their target as `name`. */
const NAMING_ACTIONS = {
  user: ['user.delete', 'account.delete'],
  group: ['group.delete'],
  key: ['key.create', 'key.revoke'],
} as const satisfies Record<NamedEntity, readonly string[]>;

/** Of those that exist. */
export async function currentNames(
  store: Pick<Store, 'db' | 'report'>,
  entity: NamedEntity,
  ids: readonly string[],
): Promise<NamedId[]> {
  const pages: NamedId[][] = [];
  for (const some of inSteps(ids))
    pages.push(
      await store.report(store.db.selectFrom(TABLES[entity]).select(['id', 'name']).where('id', 'in', some).compile()),
    );
  return pages.flat();
}

/**
 * Of those that were deleted, from the audit log; the newest record comes last. A change is
 * replied to before its record is on disk, so this waits for what is being written.
 */
export async function recordedNames(
  store: Pick<Store, 'db' | 'report' | 'flush'>,
  entity: NamedEntity,
  ids: readonly string[],
): Promise<NamedId[]> {
  const names: NamedId[] = [];
  if (ids.length > 0) await store.flush();
  for (const some of inSteps(ids)) {
    const records = await store.report(
      store.db
        .selectFrom('audit_log')
        .select(['target', 'detail'])
        .where('target', 'in', some)
        .where('action', 'in', NAMING_ACTIONS[entity])
        .orderBy('id')
        .compile(),
    );
    for (const { target, detail } of records) {
      const name = nameIn(detail);
      if (target !== null && name !== undefined) names.push({ id: target, name });
    }
  }
  return names;
}

/** Undefined for a record without a name. */
function nameIn(detail: string | null): string | undefined {
  const parsed: unknown = detail === null ? null : JSON.parse(detail);
  if (typeof parsed !== 'object' || parsed === null || !('name' in parsed)) return undefined;
  return typeof parsed.name === 'string' ? parsed.name : undefined;
}

function* inSteps(ids: readonly string[]): Generator<readonly string[]> {
  for (let first = 0; first < ids.length; first += IDS_PER_QUERY) yield ids.slice(first, first + IDS_PER_QUERY);
}
