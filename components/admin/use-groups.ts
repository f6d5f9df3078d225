import useSWR from 'swr';
import type { Group } from '#lib/wire/people';
import { fetchGroups, PATHS } from './admin-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';

const MOST_PAGES = 20;

/** All groups, for choices. Empty until they are known. */
export function useGroups(): readonly Group[] {
  return useSWR('admin-groups', fetchAll).data ?? [];
}

async function fetchAll(): Promise<Group[]> {
  const groups: Group[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query: string = cursor === null ? '' : `?${new URLSearchParams({ cursor })}`;
    const list = await fetchGroups(PATHS.groups + query);
    groups.push(...list.groups);
    cursor = list.next_cursor;
    if (cursor === null) break;
  }
  return groups;
}

/** The value of "no group" in a list, whose values are texts. */
export const NO_GROUP = '';

export function groupOptions(groups: readonly Group[]): { value: string; label: string }[] {
  return [
    { value: NO_GROUP, label: ADMIN_STRINGS.noGroup },
    ...groups.map(({ id, name }) => ({ value: id, label: name })),
  ];
}
