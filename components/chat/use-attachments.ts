import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { afterPreviousPage, closedPages, holdPageLock, ifClosed, thisPage } from '#lib/browser/page-identity';
import { type AttachmentState, AttachmentStore, NO_ATTACHMENTS } from './attachment-store.ts';
import { openHistory } from './history-db.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { pastedTextName } from './text-files.ts';

export interface Attachments extends AttachmentState {
  attach: (files: readonly File[]) => void;
  /** Attaches a long text that was pasted. Returns false if there are too many files. */
  attachPasted: (text: string) => boolean;
  remove: (id: string) => void;
  /** Removes all attachments. */
  clear: () => void;
  refuse: (sentence: string | undefined) => void;
}

/** The attachments of the next question of `chat`. They survive a reload. */
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
      attachPasted: (text) => attachments().attachText(chat, pastedTextName(attached.files), text),
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

/** Moves the attachments of one chat to another. */
export function moveAttachments(from: string, to: string): void {
  attachments().move(from, to);
}

let store: AttachmentStore | undefined;

/** Module singleton: attachments survive navigation within the app. */
function attachments(): AttachmentStore {
  store ??= createStore();
  return store;
}

const subscribe = (listener: () => void) => attachments().subscribe(listener);

function createStore(): AttachmentStore {
  const history = openHistory();
  const { id: page, previousId } = thisPage();
  return new AttachmentStore({
    read: async (file) => {
      const reader = await import('./read-file.ts').catch(() => undefined);
      if (reader === undefined) throw new Error(COMPOSER_STRINGS.unreadableFile(file.name));
      return reader.readFile(file);
    },
    keep: async (chat, attachment) => {
      await holdPageLock();
      await history.attach(chat, page, attachment);
    },
    drop: async (ids) => {
      await holdPageLock();
      await history.detach(ids);
    },
    adopt: async function* (chat, freeSlots) {
      const others = (await history.ownerPages(chat)).filter((holder) => holder !== page);
      if (others.length > 0) await holdPageLock();
      const handOver = (other: string) => () => history.reassign(chat, other, page, freeSlots());
      if (previousId !== null && others.includes(previousId)) yield await afterPreviousPage(handOver(previousId));
      for (const other of await closedPages(others.filter((holder) => holder !== previousId)))
        yield await ifClosed(other, handOver(other));
    },
  });
}
