import type { AssistantMessage, ChatImage, ChatMessage, UserMessage } from './conversation.ts';

/**
 * Field names of records that this browser already holds, in IndexedDB and in exported files.
 * Renaming one would lose the images of earlier conversations. `IMAGE_FIELD` holds text files too.
 */
export const IMAGES_FIELD = 'pictures';
export const IMAGE_FIELD = 'picture';

/** A message as a record: the images of a user message have an older field name. */
export type StoredMessage =
  | AssistantMessage
  | (Omit<UserMessage, 'images'> & { [IMAGES_FIELD]?: readonly ChatImage[] });

export function toStored(message: ChatMessage): StoredMessage {
  if (message.role !== 'user' || message.images === undefined) return message;
  const { images, ...rest } = message;
  return { ...rest, [IMAGES_FIELD]: images };
}

export function fromStored(record: StoredMessage): ChatMessage {
  if (record.role !== 'user') return record;
  const { [IMAGES_FIELD]: images, ...rest } = record;
  return images === undefined ? rest : { ...rest, images };
}
