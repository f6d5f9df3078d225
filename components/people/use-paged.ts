import useSWRInfinite from 'swr/infinite';
import { isSignedOut } from '#lib/browser/service-status';

interface Page {
  next_cursor?: string | null | undefined;
  total?: number | undefined;
}

export interface Paged<Item> {
  /** Undefined before the first page. */
  items: readonly Item[] | undefined;
  /** On all pages, where the server counts them. */
  total: number | undefined;
  error: Error | undefined;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  /** Loads all shown pages again. */
  reload: () => void;
}

/**
 * A list that the server pages by cursor. `path` names the list with its filter: another one
 * starts at its first page.
 */
export function usePaged<P extends Page, Item>(
  path: string,
  fetchPage: (url: string) => Promise<P>,
  itemsOf: (page: P) => readonly Item[],
): Paged<Item> {
  const { data, error, size, setSize, isValidating, mutate } = useSWRInfinite<P, Error>(
    (index: number, previous: P | null) => pageUrl(path, index, previous),
    fetchPage,
    { shouldRetryOnError: (failure: Error) => !isSignedOut(failure) },
  );
  const last = data?.at(-1);
  const isWaiting = isValidating && data !== undefined && data.length < size;
  return {
    items: data?.flatMap((page) => [...itemsOf(page)]),
    total: last?.total,
    error,
    hasMore: last?.next_cursor != null,
    isLoadingMore: isWaiting,
    loadMore: () => void setSize(size + 1),
    reload: () => void mutate(),
  };
}

/** Null after the last page. */
export function pageUrl(path: string, index: number, previous: Page | null): string | null {
  if (index === 0 || previous === null) return path;
  const { next_cursor: cursor } = previous;
  if (cursor == null) return null;
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams({ cursor })}`;
}
