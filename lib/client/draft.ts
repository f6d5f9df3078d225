import { writeDraft } from '#lib/client/stored';
import { forgetAttachments } from '#lib/client/use-attachments';

/** What was written and attached in a chat and not sent yet. */

/** Under which the text is kept. */
export function draftKey(chat: string): string {
  return `draft:${chat}`;
}

/** It goes with its chat. */
export function forgetDraft(chat: string): void {
  writeDraft(draftKey(chat), '');
  forgetAttachments(chat);
}
