import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { type AttachmentState, NO_ATTACHMENTS } from './attachment-state.ts';
import { openHistory } from './history-db.ts';
import { LateAttachments } from './late-attachments.ts';

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
      attach: (files) => attachments().attach(chat, files),
      attachPasted: (text) => attachments().attachPasted(chat, text),
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

let late: LateAttachments | undefined;

/** Module singleton: attachments survive navigation within the app. */
function attachments(): LateAttachments {
  late ??= createLate();
  return late;
}

const subscribe = (listener: () => void) => attachments().subscribe(listener);

function createLate(): LateAttachments {
  const history = openHistory();
  return new LateAttachments({
    load: async () => (await import('./attachment-instance.ts')).createAttachmentStore(),
    hasStored: async (chat) => (await history.ownerPages(chat)).length > 0,
  });
}
