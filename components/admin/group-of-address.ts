import { useEffect } from 'react';

const PARAMETER = 'group';

/** The address of the list of people with the members of a group. */
export function peopleOfGroup(id: string): string {
  return `/admin/people?${new URLSearchParams({ [PARAMETER]: id })}`;
}

/** Calls `onGroup` with the group that the address names, once. The filter can be changed then. */
export function useGroupOfAddress(onGroup: (id: string) => void): void {
  useEffect(() => {
    const url = new URL(window.location.href);
    const id = url.searchParams.get(PARAMETER);
    if (id === null) return;
    url.searchParams.delete(PARAMETER);
    window.history.replaceState(window.history.state, '', url);
    onGroup(id);
  }, [onGroup]);
}
