/**
 * A request of this tab to delete what the browser keeps, from signing out to the sign-in page. It
 * stands in `sessionStorage`, which no link from another site can write.
 */
const KEY = 'delete-browser-data';
/** A tab that stayed on its page must not delete what the next user has written since. */
const VALID_MS = 60_000;

export function requestDeletion(now: number): void {
  sessionStorage.setItem(KEY, String(now));
}

/** Whether a deletion was requested shortly before. Forgets the request. */
export function takeDeletionRequest(now: number): boolean {
  try {
    const at = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return at !== null && now - Number(at) <= VALID_MS;
  } catch {
    // The browser blocks storage, and has nothing to delete.
    return false;
  }
}
