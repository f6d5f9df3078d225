import { showToast } from '#lib/browser/toasts';
import type { ChatMessage } from './conversation.ts';
import { type DeletionScope, deleteMessages } from './delete-messages.ts';
import { TURN_STRINGS } from './strings/turns.ts';
import { chatStore } from './use-chat.ts';

/** Deletes at once; the toast brings everything back. */
export function deleteWithUndo({ conversationId, id }: ChatMessage, scope: DeletionScope, text: string): void {
  const undo = deleteMessages(chatStore(), conversationId, id, scope);
  showToast({ text, action: { label: TURN_STRINGS.undo, run: undo } });
}

/** Deletes one version of a response, and what followed it. */
export function deleteVersion(message: ChatMessage): void {
  deleteWithUndo(message, 'below', TURN_STRINGS.deletedVersion);
}
