import { newId } from './new-id.ts';

/**
 * Each load of the app is a page with its own id, and holds a Web Lock of that name while it
 * lives. Other pages thereby know a live page from a closed one, whose unsent work they may take
 * over.
 */
interface PageIdentity {
  id: string;
  /** The page that this tab showed before a reload. */
  previousId: string | null;
}

let identity: PageIdentity | undefined;

export function thisPage(): PageIdentity {
  identity ??= takeOverTab(newId());
  return identity;
}

let lockHeld: Promise<void> | undefined;

/** Resolves once other pages see that this one lives. */
export function holdPageLock(): Promise<void> {
  lockHeld ??= holdLock(lockName(thisPage().id));
  return lockHeld;
}

/** A reloaded page may start before the previous page has released its lock. */
const PREVIOUS_PAGE_TIMEOUT_MS = 10_000;
/** A page of another tab that is missing for longer was closed. */
const RELOAD_GRACE_MS = 5_000;

/** Runs `action` once the previous page of this tab has released its lock. */
export function afterPreviousPage<T>(action: () => Promise<T[]>): Promise<T[]> {
  const { previousId } = thisPage();
  if (previousId === null) return Promise.resolve([]);
  return whenLockFree(lockName(previousId), { signal: AbortSignal.timeout(PREVIOUS_PAGE_TIMEOUT_MS) }, action);
}

/** Runs `action` if the page is closed, otherwise returns nothing. */
export function ifClosed<T>(page: string, action: () => Promise<T[]>): Promise<T[]> {
  return whenLockFree(lockName(page), { ifAvailable: true }, action);
}

export async function isClosed(page: string): Promise<boolean> {
  return (await ifClosed(page, async () => [true])).length > 0;
}

/** Those of `pages` that are closed. Waits, because a page may be reloading in its tab. */
export async function closedPages(pages: readonly string[]): Promise<string[]> {
  const closed: string[] = [];
  for (const page of pages) if (await isClosed(page)) closed.push(page);
  if (closed.length > 0) await new Promise((resolve) => setTimeout(resolve, RELOAD_GRACE_MS));
  return closed;
}

const lockName = (page: string) => `chill-space-page:${page}`;
const TAB_PAGE_KEY = 'page';

/** Registers `id` as the page of this tab. */
function takeOverTab(id: string): PageIdentity {
  try {
    const previousId = sessionStorage.getItem(TAB_PAGE_KEY);
    sessionStorage.setItem(TAB_PAGE_KEY, id);
    return { id, previousId };
  } catch {
    return { id, previousId: null };
  }
}

/** Resolves once the lock is held. The browser releases it with the page. */
function holdLock(name: string): Promise<void> {
  // Web Locks are missing over plain http: every page then adopts what it finds.
  if (navigator.locks === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const forever = () => {
      resolve();
      return new Promise<never>(() => undefined);
    };
    navigator.locks.request(name, forever).catch(reject);
  });
}

/** Runs `action` if the lock's owner has closed, or closes in time; otherwise returns nothing. */
async function whenLockFree<T>(name: string, options: LockOptions, action: () => Promise<T[]>): Promise<T[]> {
  if (navigator.locks === undefined) return action();
  try {
    return await navigator.locks.request(name, options, async (lock) => (lock === null ? [] : await action()));
  } catch {
    return [];
  }
}
