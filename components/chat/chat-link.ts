import { showToast } from '#lib/browser/toasts';
import { chatAddress } from './search-target.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';

/** Copies the address of a conversation, which this browser alone can open. */
export function copyChatLink(conversationId: string): void {
  const address = new URL(chatAddress(conversationId), location.href).href;
  // The Clipboard API is missing over plain http.
  const copied = navigator.clipboard === undefined ? Promise.reject() : navigator.clipboard.writeText(address);
  copied.then(
    () => showToast({ text: S.linkCopied }),
    () => showToast({ kind: 'error', text: S.linkNotCopied }),
  );
}
