import useSWR, { type SWRResponse } from 'swr';
import type { Option } from '#components/ui/popup-props';
import type { Group, Member } from '#lib/wire/people';
import { fetchGroup, fetchGroups, fetchMember, fetchMembers, PATHS } from './admin-api.ts';

/** Lists that the server searches: any number of people and groups can be chosen from. */
export interface SearchSource {
  /** Part of the keys of what is loaded. */
  readonly name: string;
  /** The address of those that match, the first `limit` of them. Without words: of all. */
  path(words: string, limit: number): string;
  fetch(url: string): Promise<Found>;
  /** One by its id. Fails for one that was deleted. */
  read(id: string): Promise<Option>;
}

export interface Found {
  readonly options: readonly Option[];
  /** More match than were asked for. */
  readonly hasMore: boolean;
}

export interface SearchSelectProps {
  label: string;
  /** In the closed list. */
  shown: string;
  value: string;
  /** Before those that are found: none, or all. */
  fixed: readonly Option[];
  source: SearchSource;
  onChange: (chosen: Option) => void;
  className?: string;
}

const groupOption = ({ id, name }: Group): Option => ({ value: id, label: name });
const personOption = ({ id, name, email }: Member): Option => ({ value: id, label: name, hint: email });

export const GROUP_SOURCE: SearchSource = {
  name: 'groups',
  path: (words, limit) => searchPath(PATHS.groups, { search: words, limit: String(limit) }),
  fetch: async (url) => {
    const { groups, next_cursor: next } = await fetchGroups(url);
    return { options: groups.map(groupOption), hasMore: next !== null };
  },
  read: async (id) => groupOption(await fetchGroup(id)),
};

export const PERSON_SOURCE = personSource({});

/** The members of a group. */
export function membersOf(groupId: string): SearchSource {
  return personSource({ group_id: groupId });
}

function personSource(filter: Readonly<Record<string, string>>): SearchSource {
  return {
    name: 'people',
    path: (words, limit) => searchPath(PATHS.users, { ...filter, search: words, limit: String(limit) }),
    fetch: async (url) => {
      const { users, next_cursor: next } = await fetchMembers(url);
      return { options: users.map(personOption), hasMore: next !== null };
    },
    read: async (id) => personOption(await fetchMember(id)),
  };
}

function searchPath(path: string, query: Readonly<Record<string, string>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  return `${path}?${new URLSearchParams(given)}`;
}

/** One of a source by its id; of undefined nothing. */
export function useOption(source: SearchSource, id: string | undefined): SWRResponse<Option, Error> {
  return useSWR<Option, Error>(
    id === undefined ? null : `option ${source.name} ${id}`,
    id === undefined ? null : () => source.read(id),
    { shouldRetryOnError: false },
  );
}
