import { claimDraft, readDraft, storedDraft, writeDraft } from './local-storage.ts';
import { holdPageLock, isClosed, thisPage } from './page-identity.ts';

/** Writes what this page's reader writes: no other page takes it over while this one lives. */
export function writeOwnDraft(key: string, text: string): void {
  if (text !== '') void holdPageLock();
  writeDraft(key, text, thisPage().id);
}

/** Takes over the text of this tab before a reload, or of a page that was closed. */
export async function restoreDraft(key: string): Promise<void> {
  const stored = storedDraft(key);
  if (stored === undefined) return;
  const { id, previousId } = thisPage();
  if (stored.page === id) return;
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

/** Puts `text` at the end of what this tab has under `key`. */
export async function appendToDraft(key: string, text: string): Promise<void> {
  // What a closed page has left stays in front of it. Without storage there is nothing of it.
  await restoreDraft(key).catch(() => undefined);
  const draft = readDraft(key).trimEnd();
  writeOwnDraft(key, draft === '' ? text : `${draft}\n\n${text}`);
}
