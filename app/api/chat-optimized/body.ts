import { MIB, parseJson, readJsonBytes, tooLarge } from '#lib/http/body';

const TEXT_LIMIT_BYTES = MIB;
const IMAGES_LIMIT_BYTES = 20 * MIB;

/** The JSON body of a chat request: 1 MiB, or 20 MiB where images are attached (SPEC §1), which is seen before it is parsed. */
export async function readChatBody(request: Request): Promise<unknown> {
  const bytes = await readJsonBytes(request, IMAGES_LIMIT_BYTES);
  if (
    bytes.byteLength > TEXT_LIMIT_BYTES &&
    !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('"images"')
  )
    throw tooLarge(TEXT_LIMIT_BYTES);
  return parseJson(bytes);
}
