import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { type AttachmentState, AttachmentStore, NO_ATTACHMENTS } from './attachment-store.ts';
import { openHistory } from './history-db.ts';
import { readImage } from './images.ts';
import { newId } from './new-id.ts';

export interface Attachments extends AttachmentState {
  attach: (files: readonly File[]) => void;
  remove: (id: string) => void;
  /** Takes what is attached away, for sending. */
  clear: () => void;
  refuse: (sentence: string | undefined) => void;
}

/** The pictures that go with the next question of `chat`. They outlast a reload. */
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

/** The one store of this page: pictures stay while the reader looks at another page of the app. */
function attachments(): AttachmentStore {
  store ??= createStore();
  return store;
}

const subscribe = (listener: () => void) => attachments().subscribe(listener);

/**
 * Each page of the app holds a lock by its own name as long as it lives, so that a page tells those that another tab
 * still shows from those that were left behind.
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
      // It may be about to be loaded again, in a tab that would miss them.
      await new Promise((resolve) => setTimeout(resolve, RELOAD_GRACE_MS));
      for (const other of closedPages)
        yield await whenLockFree(lockName(other), { ifAvailable: true }, handOver(other));
    },
  });
}

const lockName = (page: string) => `chill-space-page:${page}`;
/** A page that is loaded again may be there before its forerunner has quite gone. */
const PREVIOUS_PAGE_TIMEOUT_MS = 10_000;
/** A page of another tab that is gone for longer was closed. */
const RELOAD_GRACE_MS = 5_000;

const TAB_PAGE_KEY = 'page';

/** Makes `page` the one that this tab shows, and gives back which it showed before. */
function takeOverTab(page: string): string | null {
  try {
    const before = sessionStorage.getItem(TAB_PAGE_KEY);
    sessionStorage.setItem(TAB_PAGE_KEY, page);
    return before;
  } catch {
    return null;
  }
}

/** Resolves when the lock is held; it is let go when the page goes. */
function holdLock(name: string): Promise<void> {
  // Over plain http there are none: every page then takes up what it finds.
  if (navigator.locks === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const forever = () => {
      resolve();
      return new Promise<never>(() => undefined);
    };
    navigator.locks.request(name, forever).catch(reject);
  });
}

/** What `act` finds where the page that held the lock is gone, or goes in time; nothing where it stays. */
async function whenLockFree<T>(name: string, options: LockOptions, action: () => Promise<T[]>): Promise<T[]> {
  if (navigator.locks === undefined) return action();
  try {
    return await navigator.locks.request(name, options, async (lock) => (lock === null ? [] : await action()));
  } catch {
    return [];
  }
}
