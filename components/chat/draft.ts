import { writeDraft } from '#lib/browser/local-storage';
import { forgetAttachments } from './use-attachments.ts';

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
