import useSWR from 'swr';
import type { UsageNames } from '../people/usage-figures.ts';
import { fetchAllKeys, fetchGroups, fetchMembers, PATHS } from './admin-api.ts';

const MOST_PAGES = 10;
const REFRESH_MS = 5 * 60 * 1000;

/** Names of people, groups and keys by their ids. What is missing is shown by its id. */
export function useUsageNames(hasAccounts: boolean): UsageNames {
  return useSWR(hasAccounts ? 'usage-names' : null, fetchNames, { refreshInterval: REFRESH_MS }).data ?? {};
}

async function fetchNames(): Promise<UsageNames> {
  const lists = await Promise.all([
    namesOf(PATHS.users, fetchMembers, (page) => page.users),
    namesOf(PATHS.groups, fetchGroups, (page) => page.groups),
    namesOf(PATHS.keys, fetchAllKeys, (page) => page.keys),
  ]);
  return Object.fromEntries(lists.flat());
}

async function namesOf<Page extends { next_cursor?: string | null | undefined }>(
  path: string,
  fetchPage: (url: string) => Promise<Page>,
  itemsOf: (page: Page) => readonly { id: string; name: string }[],
): Promise<[id: string, name: string][]> {
  const names: [string, string][] = [];
  let cursor: string | undefined;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const query = new URLSearchParams({ limit: '200', ...(cursor === undefined ? {} : { cursor }) });
    const page = await fetchPage(`${path}?${query}`);
    names.push(...itemsOf(page).map(({ id, name }): [string, string] => [id, name]));
    cursor = page.next_cursor ?? undefined;
    if (cursor === undefined) break;
  }
  return names;
}
