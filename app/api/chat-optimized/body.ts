import { parseJson, readJsonBytes } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/request';
import { MIB, tooLarge } from '#lib/http/size';

const TEXT_LIMIT_BYTES = MIB;
const IMAGES_LIMIT_BYTES = 20 * MIB;

/** The bytes of a chat request: 1 MiB, or 20 MiB where images are attached (SPEC §1), which is seen before anything is parsed. */
export async function readChatBytes(request: HttpRequest, anyType = false): Promise<Uint8Array> {
  const bytes = await readJsonBytes(request, IMAGES_LIMIT_BYTES, anyType);
  if (bytes.byteLength > TEXT_LIMIT_BYTES && !hasImages(bytes)) throw tooLarge(TEXT_LIMIT_BYTES);
  return bytes;
}

/** The JSON body of a chat request. */
export async function readChatBody(request: HttpRequest, anyType = false): Promise<unknown> {
  return parseJson(await readChatBytes(request, anyType));
}

/** By the field's name in our own API and Ollama's, or in OpenAI's. */
function hasImages(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return text.includes('"images"') || text.includes('"image_url"');
}
