/** A shorter run of base64 characters is counted as text, a longer one as an image. */
const MIN_IMAGE_BYTES = 512;

/**
 * Bytes of base64, with line breaks and slashes as JSON escapes them. None of them is a structural
 * character: a run of them of any length is one string or number.
 */
const IS_IMAGE_BYTE = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_\\')
  IS_IMAGE_BYTE[character.charCodeAt(0)] = 1;

/**
 * Whether the bytes of a JSON body that cannot belong to an image are at most `limitBytes`. Works
 * on bytes, before anything is parsed.
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
 * The number of a chat request's `size` bytes outside of images: a message's `images`, Ollama's
 * top-level `images`, OpenAI's `image_url` parts, in the items of Responses too, or Anthropic's
 * image blocks. The body need not be valid.
 */
export function bytesOutsideImages(size: number, body: unknown): number {
  let outside = size - imagesLength(member(body, 'images'));
  for (const message of listOf(member(body, 'messages'))) {
    outside -= imagesLength(member(message, 'images'));
    const parts = member(message, 'content');
    outside -= imagePartsLength(parts);
    for (const part of listOf(parts)) {
      outside -= blockImageLength(part);
      for (const inner of listOf(member(part, 'content'))) outside -= blockImageLength(inner);
    }
  }
  for (const item of listOf(member(body, 'input')))
    outside -= imagePartsLength(member(item, 'content')) + imagePartsLength(member(item, 'output'));
  return outside;
}

/** Of a block of Anthropic's API, which may be in the result of a tool. */
function blockImageLength(block: unknown): number {
  const source = member(block, 'source');
  return member(source, 'type') === 'base64' ? lengthOf(member(source, 'data')) : 0;
}

function imagePartsLength(parts: unknown): number {
  return listOf(parts).reduce<number>((length, part) => {
    const image = member(part, 'image_url');
    return length + lengthOf(typeof image === 'string' ? image : member(image, 'url'));
  }, 0);
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
