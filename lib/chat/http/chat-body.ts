import { bytesOutsideImages, fitsWithoutImages } from '#lib/chat/http/text-limit';
import { parseJson, readJsonBytes } from '#lib/http/body';
import { bodyTooLarge } from '#lib/http/body-limit';
import type { HttpRequest } from '#lib/http/http-request';
import { MIB } from '#lib/units';

const TEXT_LIMIT_BYTES = MIB;
const IMAGES_LIMIT_BYTES = 20 * MIB;

/**
 * Reads the body of a chat request: at most 20 MiB, of which at most 1 MiB outside of images; see
 * `parseChatBody`.
 */
export function readChatBody(request: HttpRequest, anyType = false): Promise<Uint8Array> {
  return readJsonBytes(request, IMAGES_LIMIT_BYTES, anyType);
}

/**
 * Parses the body of a chat request. The 1 MiB limit excludes images: first everything that looks
 * like one, so that no larger text is parsed, then what the parsed body has in image fields.
 * Throws `body_too_large` or `invalid_json`.
 */
export function parseChatBody(bytes: Uint8Array): unknown {
  if (bytes.byteLength <= TEXT_LIMIT_BYTES) return parseJson(bytes);
  if (!fitsWithoutImages(bytes, TEXT_LIMIT_BYTES)) throw textTooLarge(bytes.byteLength);
  const body = parseJson(bytes);
  const textBytes = bytesOutsideImages(bytes.byteLength, body);
  if (textBytes > TEXT_LIMIT_BYTES) throw textTooLarge(textBytes);
  return body;
}

function textTooLarge(sizeBytes: number) {
  return bodyTooLarge({ limitBytes: TEXT_LIMIT_BYTES, sizeBytes, subject: 'The body without its images' });
}
