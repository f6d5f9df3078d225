import { useEffect } from 'react';
import { claimDraft, readDraft, storedDraft, useStored, writeDraft } from '#lib/browser/local-storage';
import { loadedOutbox } from './outbox.ts';
import { holdPageLock, isClosed, thisPage } from './page-identity.ts';
import { forgetAttachments } from './use-attachments.ts';

/** The storage key of a chat's unsent text. */
export function draftKey(chat: string): string {
  return `draft:${chat}`;
}

/** Deletes the unsent text, attachments, waiting messages, and results of programs of a chat. */
export function forgetDraft(chat: string): void {
  clearDraft(chat);
  // What is only stored is deleted when it is read: its conversation is missing then.
  loadedOutbox()?.forget(chat);
  void import('../code-run/kept-runs.ts').then(({ forgetRuns }) => forgetRuns(chat)).catch(() => undefined);
}

/** Deletes the unsent text and attachments of a chat, after they were sent. */
export function clearDraft(chat: string): void {
  writeOwnDraft(draftKey(chat), '');
  forgetAttachments(chat);
}

/**
 * The unsent text of a chat. Each tab has its own, which a reload restores. A new tab begins with
 * an empty one, unless the page that wrote the newest text was closed or crashed.
 */
export function useDraft(key: string): [text: string, set: (text: string) => void] {
  useEffect(() => void restoreDraft(key), [key]);
  return useStored(key, writeOwnDraft, readDraft);
}

function writeOwnDraft(key: string, text: string): void {
  if (text !== '') void holdPageLock();
  writeDraft(key, text, thisPage().id);
}

async function restoreDraft(key: string): Promise<void> {
  const { id, previousId } = thisPage();
  const stored = storedDraft(key);
  if (stored === undefined || stored.page === id) return;
  const isOwn = stored.page !== '' && stored.page === previousId;
  if (stored.hasOwn) {
    if (!isOwn) return;
    void holdPageLock();
    claimDraft(key, id);
    return;
  }
  if (stored.page !== '' && !isOwn && !(await isClosed(stored.page))) return;
  // Something may have been typed meanwhile.
  if (readDraft(key) === '') writeOwnDraft(key, stored.text);
}
