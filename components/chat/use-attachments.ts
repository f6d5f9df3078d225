import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { type AttachmentState, AttachmentStore, NO_ATTACHMENTS } from './attachment-store.ts';
import { openHistory } from './history-db.ts';
import { readImage } from './images.ts';
import { newId } from './new-id.ts';

export interface Attachments extends AttachmentState {
  attach: (files: readonly File[]) => void;
  remove: (id: string) => void;
  /** Removes all attachments. */
  clear: () => void;
  refuse: (sentence: string | undefined) => void;
}

/** The images attached to the next question of `chat`. They survive a reload. */
export function useAttachments(chat: string): Attachments {
  const attached = useSyncExternalStore(
    subscribe,
    () => attachments().state(chat),
    () => NO_ATTACHMENTS,
  );
  useEffect(() => void attachments().open(chat), [chat]);
  return useMemo(
    () => ({
      ...attached,
      attach: (files) => void attachments().attach(chat, files),
      remove: (id) => attachments().remove(chat, id),
      clear: () => attachments().clear(chat),
      refuse: (sentence) => attachments().refuse(chat, sentence),
    }),
    [attached, chat],
  );
}

export function forgetAttachments(chat: string): void {
  attachments().clear(chat);
}

let store: AttachmentStore | undefined;

/** Module singleton: attachments survive navigation within the app. */
function attachments(): AttachmentStore {
  store ??= createStore();
  return store;
}

const subscribe = (listener: () => void) => attachments().subscribe(listener);

/**
 * Each page holds a Web Lock with its own name while it lives. Other pages thereby tell a live
 * page from a closed one.
 */
function createStore(): AttachmentStore {
  const history = openHistory();
  const page = newId();
  const previousPage = takeOverTab(page);
  let lockHeld: Promise<void> | undefined;
  const holdOwnLock = () => {
    lockHeld ??= holdLock(lockName(page));
    return lockHeld;
  };
  return new AttachmentStore({
    read: readImage,
    keep: async (chat, image) => {
      await holdOwnLock();
      await history.attach(chat, page, image);
    },
    drop: async (ids) => {
      await holdOwnLock();
      await history.detach(ids);
    },
    adopt: async function* (chat, freeSlots) {
      const others = (await history.ownerPages(chat)).filter((holder) => holder !== page);
      if (others.length > 0) await holdOwnLock();
      const handOver = (other: string) => () => history.reassign(chat, other, page, freeSlots());
      if (previousPage !== null && others.includes(previousPage))
        yield await whenLockFree(
          lockName(previousPage),
          { signal: AbortSignal.timeout(PREVIOUS_PAGE_TIMEOUT_MS) },
          handOver(previousPage),
        );
      const closedPages: string[] = [];
      for (const other of others)
        if (other !== previousPage)
          closedPages.push(...(await whenLockFree(lockName(other), { ifAvailable: true }, async () => [other])));
      if (closedPages.length === 0) return;
      // The page may be reloading in its tab, which would miss the images.
      await new Promise((resolve) => setTimeout(resolve, RELOAD_GRACE_MS));
      for (const other of closedPages)
        yield await whenLockFree(lockName(other), { ifAvailable: true }, handOver(other));
    },
  });
}

const lockName = (page: string) => `chill-space-page:${page}`;
/** A reloaded page may start before the previous page has released its lock. */
const PREVIOUS_PAGE_TIMEOUT_MS = 10_000;
/** A page of another tab that is missing for longer was closed. */
const RELOAD_GRACE_MS = 5_000;

const TAB_PAGE_KEY = 'page';

/** Registers `page` as the page of this tab and returns the previous one. */
function takeOverTab(page: string): string | null {
  try {
    const before = sessionStorage.getItem(TAB_PAGE_KEY);
    sessionStorage.setItem(TAB_PAGE_KEY, page);
    return before;
  } catch {
    return null;
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
