import type { ReceivedUpload } from '#lib/http/received-upload';
import { KIB } from '#lib/units';

/** How much of a form is searched, at its beginning and at its end. */
const MAX_SEARCHED_BYTES = 64 * KIB;
/**
 * RFC 7578: the headers of a part, an empty line, and its value. Linear in the text: a match begins
 * at a line, and reads at most eight more lines.
 */
const MODEL_FIELD =
  /^content-disposition:(?:[^\r\n]*;)?[ \t]*name="?model"?(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n){0,8}\r\n([^\r\n]{1,256})\r\n/dim;

/** The field `model` of a form, and where its value is. */
export interface ModelField {
  readonly model: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Finds the field `model` of a form in multipart/form-data. Clients send it before the file or
 * after it. Undefined if it is further than 64 KiB from both ends.
 */
export async function findMultipartModel(
  form: Pick<ReceivedUpload, 'bytes' | 'read'>,
): Promise<ModelField | undefined> {
  const { bytes } = form;
  const found = await search(form, 0, Math.min(bytes, MAX_SEARCHED_BYTES));
  if (found !== undefined || bytes <= MAX_SEARCHED_BYTES) return found;
  return await search(form, bytes - MAX_SEARCHED_BYTES, bytes);
}

async function search(form: Pick<ReceivedUpload, 'read'>, start: number, end: number): Promise<ModelField | undefined> {
  const part = await form.read(start, end);
  // One character for each byte, so that an index is a position.
  const text = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('latin1');
  const match = MODEL_FIELD.exec(text);
  const [from, to] = match?.indices?.[1] ?? [];
  if (match?.[1] === undefined || from === undefined || to === undefined) return undefined;
  return { model: Buffer.from(match[1], 'latin1').toString(), start: start + from, end: start + to };
}
