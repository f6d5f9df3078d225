import { isImageFile } from './images.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { MAX_TEXT_BYTES, utf8Bytes } from './text-files.ts';
import { type Attachments, useAttachments } from './use-attachments.ts';

/** The attachments of the next question, without what its model cannot read. */
export function useChatAttachments(chat: string, vision: boolean, noVisionSentence: string): Attachments {
  const attachments = useAttachments(chat);
  const attach = (chosen: readonly File[]) => {
    const readable = vision ? chosen : chosen.filter((file) => !isImageFile(file));
    if (readable.length > 0) attachments.attach(readable);
    if (readable.length < chosen.length) attachments.refuse(noVisionSentence);
  };
  const attachPasted = (text: string) => {
    if (!attachments.attachPasted(text)) return false;
    const bytes = utf8Bytes(text);
    // Reported before anything else is written: it cannot be sent.
    if (bytes > MAX_TEXT_BYTES) attachments.refuse(COMPOSER_STRINGS.messageTooLong(bytes, MAX_TEXT_BYTES));
    return true;
  };
  return { ...attachments, attach, attachPasted };
}
