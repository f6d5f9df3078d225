import { readStored, writeDraft } from '#lib/browser/local-storage';
import { showToast } from '#lib/browser/toasts';
import type { Conversation } from './conversation.ts';
import { draftKey, forgetDraft } from './draft.ts';
import { openHistory } from './history-db.ts';
import { fromStored } from './stored-message.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';
import { chatStore } from './use-chat.ts';
import { whenUndoEnds } from './when-undo-ends.ts';

/** Longer than a toast stays under the pointer or the focus. */
const UNDO_HELD_MS = 10 * 60_000;

/** Deletes a chat at once and offers to undo it. `onUndone` runs after it is back. */
export async function deleteChat({ id, title }: Conversation, onUndone: () => void): Promise<void> {
  const store = chatStore();
  const { conversations, threads } = store.state();
  for (const message of threads.get(id)?.values() ?? []) store.stop(id, message.id);
  store.flush();
  const held = store.state().threads.get(id);
  const conversation = conversations.find((known) => known.id === id);
  // Without browser storage the conversation is in memory only.
  const stored = await openHistory()
    .take(id)
    .catch(() => undefined);
  await store.remove(id);
  const draft = readStored(draftKey(id));
  writeDraft(draftKey(id), '');
  // Unsent images are deleted in storage, and held by this page for the undo. What is stored apart
  // from the conversation is deleted with them.
  const cancelForgetting = whenUndoEnds(() => {
    // It may have been imported again.
    if (!store.state().conversations.some((known) => known.id === id)) forgetDraft(id);
  }, UNDO_HELD_MS);
  const undo = async () => {
    cancelForgetting();
    writeDraft(draftKey(id), draft);
    if (stored !== undefined) await openHistory().putBack(stored);
    const restored = stored?.conversation ?? conversation;
    if (restored === undefined) return;
    const messages = stored === undefined ? [...(held?.values() ?? [])] : stored.messages.map(fromStored);
    store.putBack(restored, messages);
    onUndone();
  };
  showToast({
    text: S.deleted(title),
    action: {
      label: S.undo,
      run: () => void undo().catch(() => showToast({ kind: 'error', text: S.undoFailed })),
    },
  });
}

/** Deletes all chats with their drafts. */
export async function deleteAllChats(): Promise<void> {
  for (const { id } of chatStore().state().conversations) forgetDraft(id);
  await chatStore().removeAll();
  showToast({ text: S.allDeleted });
}
