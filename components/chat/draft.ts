import { writeDraft } from '#lib/browser/local-storage';
import { forgetRuns } from '../code-run/kept-runs.ts';
import { forgetAttachments } from './use-attachments.ts';

/** The storage key of a chat's unsent text. */
export function draftKey(chat: string): string {
  return `draft:${chat}`;
}

/** Deletes the unsent text and images of a chat, and results of programs in it. */
export function forgetDraft(chat: string): void {
  writeDraft(draftKey(chat), '');
  forgetAttachments(chat);
  forgetRuns(chat);
}
