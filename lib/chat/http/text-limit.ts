/** A run of this many characters of base64 may be an image; a shorter one is counted as text. */
const MIN_IMAGE_BYTES = 512;

/**
 * What can stand in an image's base64, with line breaks and slashes as JSON escapes them. None of
 * it can make structure: however long a run of it is, it is one string or number.
 */
const IS_IMAGE_BYTE = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_\\')
  IS_IMAGE_BYTE[character.charCodeAt(0)] = 1;

/**
 * Whether all that cannot be an image of a body in JSON is at most `limitBytes`. Looks at bytes
 * alone, before anything is parsed.
 */
export function fitsWithoutImages(bytes: Uint8Array, limitBytes: number): boolean {
  let text = 0;
  let run = 0;
  for (const byte of bytes) {
    if (IS_IMAGE_BYTE[byte] === 1) run += 1;
    else {
      text += run < MIN_IMAGE_BYTES ? run + 1 : 1;
      run = 0;
      if (text > limitBytes) return false;
    }
  }
  return true;
}

/**
 * How many of a chat request's `size` bytes are not in images: those of a message's `images`, of
 * Ollama's top level, or of OpenAI's `image_url` parts. The body need not be valid.
 */
export function bytesOutsideImages(size: number, body: unknown): number {
  let beside = size - imagesLength(member(body, 'images'));
  for (const message of listOf(member(body, 'messages'))) {
    beside -= imagesLength(member(message, 'images'));
    for (const part of listOf(member(message, 'content'))) {
      const image = member(part, 'image_url');
      beside -= lengthOf(typeof image === 'string' ? image : member(image, 'url'));
    }
  }
  return beside;
}

function imagesLength(images: unknown): number {
  return listOf(images).reduce<number>((length, image) => length + lengthOf(image), 0);
}

function lengthOf(image: unknown): number {
  return typeof image === 'string' ? image.length : 0;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
