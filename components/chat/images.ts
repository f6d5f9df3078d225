import { formatBytes } from '#lib/browser/format';
import { type ChatImage, type ChatMessage, IMAGE_TYPES, type ImageType } from './conversation.ts';
import { newId } from './new-id.ts';

/** The server's limit per message. */
export const MAX_IMAGES = 16;
/** Larger files are not read. */
const MAX_FILE_BYTES = 50_000_000;
/** Models downscale larger images. The bound also keeps stored conversations small. */
const MAX_EDGE_PX = 2_048;
const MAX_PNG_BYTES = 3_000_000;
const JPEG_QUALITY = 0.9;
/** The server's body limit (docs/contract.md#limits) less the rest of the request. */
const MAX_REQUEST_BYTES = 20 * 2 ** 20 - 64 * 1_024;

/** The file chooser offers every image that the browser can decode; `readImage` converts it. */
export const ACCEPTED_FILES = 'image/*';

/** Image files that were chosen, pasted or dropped. */
export function imageFiles(transfer: DataTransfer | null): File[] {
  return [...(transfer?.files ?? [])].filter(({ type }) => type.startsWith('image/'));
}

/**
 * Converts a file to an image that models accept. Redrawing bounds its size and strips metadata
 * such as the place and the camera. Throws an `Error` whose message is shown to the reader.
 */
export async function readImage(file: File): Promise<ChatImage> {
  if (!file.type.startsWith('image/')) throw new Error(`${file.name} is not a picture.`);
  if (file.size > MAX_FILE_BYTES)
    throw new Error(
      `${file.name} has ${formatBytes(file.size)}; a picture may have at most ${formatBytes(MAX_FILE_BYTES)}.`,
    );
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined)
    throw new Error(`${file.name} cannot be read. PNG, JPEG, WebP and GIF files can be attached.`);
  try {
    const { width, height } = scaledSize(bitmap.width, bitmap.height);
    const blob = await redraw(bitmap, width, height, file.type);
    return { id: newId(), name: file.name, type: checkedImageType(blob.type), data: await base64(blob), width, height };
  } finally {
    bitmap.close();
  }
}

/** The size at which an image of `width` × `height` is sent. */
export function scaledSize(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, MAX_EDGE_PX / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

export function imageUrl({ type, data }: Pick<ChatImage, 'type' | 'data'>): string {
  return `data:${type};base64,${data}`;
}

/** A sentence why `path` with `added` exceeds one request; undefined if it fits. */
export function requestSizeError(path: readonly ChatMessage[], added: readonly ChatImage[]): string | undefined {
  if (added.length > MAX_IMAGES) return `A question takes at most ${MAX_IMAGES} pictures. Remove some of them.`;
  let total = 0;
  for (const { data } of added) total += data.length;
  for (const message of path) {
    total += message.content.length;
    if (message.role === 'user') for (const { data } of message.images ?? []) total += data.length;
  }
  if (total <= MAX_REQUEST_BYTES) return undefined;
  return `The pictures of this conversation have ${formatBytes(total)} together; one request takes ${formatBytes(MAX_REQUEST_BYTES)}. Remove some, or ask in a new chat.`;
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

/** PNG if that is small enough (drawings, screenshots), else JPEG (photographs). */
async function redraw(bitmap: ImageBitmap, width: number, height: number, type: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser cannot draw pictures. Close other pages, then try again.');
  const asJpeg = () => {
    // JPEG has no transparency: transparent pixels would turn black.
    context.globalCompositeOperation = 'destination-over';
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
    return canvas.convertToBlob({ type: 'image/jpeg', quality: JPEG_QUALITY });
  };
  context.drawImage(bitmap, 0, 0, width, height);
  if (type === 'image/jpeg') return asJpeg();
  const png = await canvas.convertToBlob({ type: 'image/png' });
  return png.size <= MAX_PNG_BYTES ? png : asJpeg();
}

function checkedImageType(type: string): ImageType {
  const known = IMAGE_TYPES.find((one) => one === type);
  if (known === undefined) throw new Error(`This browser writes pictures as ${type}, which models do not take.`);
  return known;
}

async function base64(blob: Blob): Promise<string> {
  const data = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  // In chunks: a call takes a bounded number of arguments.
  for (let at = 0; at < data.length; at += 32_768) text += String.fromCharCode(...data.subarray(at, at + 32_768));
  return btoa(text);
}
