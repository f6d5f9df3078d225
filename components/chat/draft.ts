import { useEffect } from 'react';
import { readDraft, useStored } from '#lib/browser/local-storage';
import { restoreDraft, writeOwnDraft } from '#lib/browser/own-draft';
import { loadedOutbox } from './outbox.ts';

import { forgetUnread } from './use-activity.ts';

import { forgetAttachments, moveAttachments } from './use-attachments.ts';

/** The storage key of a chat's unsent text. */
export function draftKey(chat: string): string {
  return `draft:${chat}`;
}

/**
 * Deletes the unsent text, attachments, waiting messages, results of programs, and the mark of
 * unread responses of a chat.
 */
export function forgetDraft(chat: string): void {
  writeOwnDraft(draftKey(chat), '');
  forgetAttachments(chat);
  forgetUnread(chat);
  // What is only stored is deleted when it is read: its conversation is missing then.
  loadedOutbox()?.forget(chat);
  // Without that code, results stay until there are too many of them.
  void import('../code-run/kept-runs.ts').then(({ forgetRuns }) => forgetRuns(chat)).catch(() => undefined);
}

/** Deletes the unsent text of a chat if it is still `sent`: more may have been typed since. */
export function clearSentText(chat: string, sent: string): void {
  if (readDraft(draftKey(chat)).trim() === sent) writeOwnDraft(draftKey(chat), '');
}

/** Moves what was not sent to a chat that has no unsent text. */
export function moveDraft(from: string, to: string): void {
  const text = readDraft(draftKey(from));
  if (text !== '' && readDraft(draftKey(to)) === '') {
    writeOwnDraft(draftKey(to), text);
    writeOwnDraft(draftKey(from), '');
  }
  moveAttachments(from, to);
}

/**
 * The unsent text of a chat. Each tab has its own, which a reload restores. A new tab begins with
 * an empty one, unless the page that wrote the newest text was closed or crashed.
 */
export function useDraft(key: string): [text: string, set: (text: string) => void] {
  useEffect(() => void restoreDraft(key), [key]);
  return useStored(key, writeOwnDraft, readDraft);
}
