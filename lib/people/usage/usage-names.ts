import { apiKeys } from '#lib/http/api-keys';
import { currentNames, recordedNames } from '#lib/people/entity-names';
import { OTHER } from '#lib/people/usage/model-names';
import { LOCAL_KEY } from '#lib/people/usage/usage-totals';
import type { Store } from '#lib/store/types';
import { NAMED_USAGE_GROUPS, type NamedUsageGroup, type UsageGroup } from '#lib/wire/usage';

/** Names by id, for each group whose rows have ids. An id without a name names nothing. */
export type UsageNames = Readonly<Partial<Record<NamedUsageGroup, ReadonlyMap<string, string>>>>;

interface NamesOptions {
  readonly groupBy: readonly UsageGroup[];
  /** Rows of `usageQuery`. */
  readonly rows: readonly Record<string, unknown>[];
  /** Without accounts the ids of people are their names, and keys have no names. */
  readonly hasAccounts: boolean;
  /** `API_KEYS`, which have no names. */
  readonly settingsKeys: readonly string[];
}

/**
 * The names that a report shows next to ids. A group or a key that was deleted has the name of its
 * last record in the audit log. A person who was deleted has none: usage stays without the name.
 */
export async function usageNames(
  store: Pick<Store, 'db' | 'report' | 'flush'>,
  { groupBy, rows, hasAccounts, settingsKeys }: NamesOptions,
): Promise<UsageNames> {
  if (!hasAccounts) return {};
  const unnamed = new Set(['', LOCAL_KEY, OTHER, ...apiKeys(settingsKeys).map(({ id }) => id)]);
  const found: Partial<Record<NamedUsageGroup, Map<string, string>>> = {};
  for (const group of NAMED_USAGE_GROUPS) {
    if (!groupBy.includes(group)) continue;
    const ids = new Set(rows.map((row) => String(row[`by_${group}`] ?? '')));
    const names = new Map<string, string>();
    const wanted = [...ids].filter((id) => !unnamed.has(id));
    for (const { id, name } of await currentNames(store, group, wanted)) names.set(id, name);
    const deleted = wanted.filter((id) => !names.has(id));
    for (const id of deleted) names.set(id, `deleted ${group}`);
    if (group !== 'user')
      for (const { id, name } of await recordedNames(store, group, deleted)) names.set(id, `${name} (deleted)`);
    found[group] = names;
  }
  return found;
}
