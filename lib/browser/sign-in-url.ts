export const SIGN_IN_PATH = '/sign-in';

/** The sign-in page that leads back to the page which is open. */
export function signInUrl({ pathname, search, hash }: Pick<Location, 'pathname' | 'search' | 'hash'>): string {
  return `${SIGN_IN_PATH}?${new URLSearchParams({ next: `${pathname}${search}${hash}` })}`;
}
