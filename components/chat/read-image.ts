import { newId } from '#lib/browser/new-id';
import { type ChatImage, IMAGE_TYPES, type ImageType } from './conversation.ts';
import { FILE_STRINGS } from './strings/files.ts';

/** Larger files are not read. */
const MAX_FILE_BYTES = 50_000_000;
/** Models downscale larger images. The bound also keeps stored conversations small. */
const MAX_EDGE_PX = 2_048;
const MAX_PNG_BYTES = 3_000_000;
const JPEG_QUALITY = 0.9;

/**
 * Converts a file to an image that models accept. Redrawing bounds its size and strips metadata
 * such as the place and the camera. Throws an `Error` whose message is shown to the reader.
 */
export async function readImage(file: File): Promise<ChatImage> {
  if (file.size > MAX_FILE_BYTES) throw new Error(FILE_STRINGS.fileTooLarge(file.name, file.size, MAX_FILE_BYTES));
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) throw new Error(FILE_STRINGS.unreadableImage(file.name));
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

/** PNG if that is small enough (drawings, screenshots), else JPEG (photographs). */
async function redraw(bitmap: ImageBitmap, width: number, height: number, type: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error(FILE_STRINGS.noCanvas);
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
  if (known === undefined) throw new Error(FILE_STRINGS.wrongImageType(type));
  return known;
}

async function base64(blob: Blob): Promise<string> {
  const data = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  // In chunks: a call takes a bounded number of arguments.
  for (let at = 0; at < data.length; at += 32_768) text += String.fromCharCode(...data.subarray(at, at + 32_768));
  return btoa(text);
}
