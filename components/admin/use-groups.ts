import useSWR from 'swr';
import type { Group } from '#lib/wire/people';
import { fetchGroups, PATHS } from './admin-api.ts';

/** As many as can be listed in a form. More are searched for. */
const FEW = 30;

interface FewGroups {
  /** The first ones by name. Empty until they are known. */
  readonly groups: readonly Group[];
  /** Whether there are no others. */
  readonly areAll: boolean;
}

/** The groups of a server that has a few of them, and the first ones of any other. */
export function useGroups(): FewGroups {
  const { data } = useSWR(`${PATHS.groups}?limit=${FEW}`, fetchGroups);
  return { groups: data?.groups ?? [], areAll: data === undefined || data.next_cursor == null };
}

/** Whether the key of what is loaded is about groups in forms, which a change makes old. */
export function isOfGroups(key: unknown): boolean {
  return typeof key === 'string' && (key.startsWith(`${PATHS.groups}?`) || key.startsWith('option groups '));
}

/** The value of "no group" in a list, whose values are texts. */
export const NO_GROUP = '';
