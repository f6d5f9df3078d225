import type { ChatImage } from './conversation.ts';
import type { AttachedFile } from './text-files.ts';

/** Images and text files attached to the next question of a chat. */
export interface AttachmentState {
  images: readonly ChatImage[];
  files: readonly AttachedFile[];
  /** The number of files still being read. */
  reading: number;
  /** A sentence for the reader: which files could not be attached, and why. */
  refusal: string | undefined;
}

export const NO_ATTACHMENTS: AttachmentState = { images: [], files: [], reading: 0, refusal: undefined };
