import { type ChatImage, IMAGE_TYPES } from './conversation.ts';

/** The server's limit per message. */
export const MAX_IMAGES = 16;

/** Whether a file is read as an image. An SVG is a text, which every model can read. */
export function isImageFile({ type }: File): boolean {
  return type.startsWith('image/') && type !== 'image/svg+xml';
}

export function imageUrl({ type, data }: Pick<ChatImage, 'type' | 'data'>): string {
  return `data:${type};base64,${data}`;
}

/** Validates an image from an imported file. */
export function isImage(value: unknown): value is ChatImage {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, type, data, width, height } = value as Record<keyof ChatImage, unknown>;
  return (
    typeof id === 'string' &&
    typeof name === 'string' &&
    IMAGE_TYPES.some((known) => known === type) &&
    typeof data === 'string' &&
    /^[A-Za-z0-9+/]+={0,2}$/.test(data) &&
    typeof width === 'number' &&
    typeof height === 'number'
  );
}
