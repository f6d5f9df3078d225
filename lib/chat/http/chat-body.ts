import { bytesOutsideImages, fitsWithoutImages } from '#lib/chat/http/text-limit';
import { parseJson, readJsonBytes } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { bodyTooLarge, MIB } from '#lib/units';

const TEXT_LIMIT_BYTES = MIB;
const IMAGES_LIMIT_BYTES = 20 * MIB;

/**
 * The bytes of a chat request: at most 20 MiB, of which everything but images may be 1 MiB. See
 * `parseChatBody`.
 */
export function readChatBody(request: HttpRequest, anyType = false): Promise<Uint8Array> {
  return readJsonBytes(request, IMAGES_LIMIT_BYTES, anyType);
}

/**
 * The JSON of a chat request. Images are counted apart from the rest, first by what looks like one,
 * so that no text above the bound is parsed, and then by where they are. Throws `body_too_large` or
 * `invalid_json`.
 */
export function parseChatBody(bytes: Uint8Array): unknown {
  if (bytes.byteLength <= TEXT_LIMIT_BYTES) return parseJson(bytes);
  if (!fitsWithoutImages(bytes, TEXT_LIMIT_BYTES)) throw bodyTooLarge(TEXT_LIMIT_BYTES, WHAT);
  const body = parseJson(bytes);
  if (bytesOutsideImages(bytes.byteLength, body) > TEXT_LIMIT_BYTES) throw bodyTooLarge(TEXT_LIMIT_BYTES, WHAT);
  return body;
}

const WHAT = 'The body without its images';
