import { type ChatImage, type ChatMessage, toRequestMessages } from './conversation.ts';
import { MAX_IMAGES } from './images.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { type ChatFile, contentWithFiles, MAX_FILES, MAX_TEXT_BYTES, utf8Bytes } from './text-files.ts';

interface RequestSize {
  /** The messages that are sent in front of the new one. */
  path: readonly ChatMessage[];
  text: string;
  images: readonly ChatImage[];
  files: readonly ChatFile[];
  systemPrompt: string;
  /** False for a model that gets no images. */
  vision: boolean;
}

/** The server's limit of the whole body (docs/contract.md#limits). */
const MAX_REQUEST_BYTES = 20 * 2 ** 20;
/** Model, options and the frame of the JSON. */
const REST_BYTES = 4_096;

/**
 * A sentence why a request exceeds a limit of the server, with its size and the limit; undefined
 * if it fits. Counts the bytes of the JSON as it is sent: a line break takes two.
 */
export function requestSizeError({ path, text, images, files, systemPrompt, vision }: RequestSize): string | undefined {
  if (images.length > MAX_IMAGES) return COMPOSER_STRINGS.tooManyImages(MAX_IMAGES);
  if (files.length > MAX_FILES) return COMPOSER_STRINGS.tooManyFiles(MAX_FILES);
  const added = jsonBytes(contentWithFiles(text, files));
  if (added + REST_BYTES > MAX_TEXT_BYTES) return COMPOSER_STRINGS.messageTooLong(added, MAX_TEXT_BYTES);
  const earlier = jsonBytes({ systemPrompt, messages: toRequestMessages(path, { vision: false }) });
  const total = earlier + added + REST_BYTES;
  if (total > MAX_TEXT_BYTES) return COMPOSER_STRINGS.chatTooLong(total, MAX_TEXT_BYTES);
  const imageBytes = vision ? imageCharacters(path) + images.reduce((sum, { data }) => sum + data.length, 0) : 0;
  if (total + imageBytes > MAX_REQUEST_BYTES)
    return COMPOSER_STRINGS.imagesTooLarge(imageBytes, MAX_REQUEST_BYTES - total);
  return undefined;
}

const jsonBytes = (value: unknown) => utf8Bytes(JSON.stringify(value));

function imageCharacters(path: readonly ChatMessage[]): number {
  let total = 0;
  for (const message of path)
    if (message.role === 'user') for (const { data } of message.images ?? []) total += data.length;
  return total;
}
