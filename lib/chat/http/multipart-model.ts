import { Readable } from 'node:stream';
import { KIB } from '#lib/units';

/** How much of a form is searched. Fields behind a larger file are not found. */
const MAX_PEEKED_BYTES = 64 * KIB;
/**
 * RFC 7578: the headers of a part, an empty line, and its value. Linear in the text: a match begins
 * at a line, and reads at most eight more lines.
 */
const MODEL_FIELD =
  /^content-disposition:(?:[^\r\n]*;)?[ \t]*name="?model"?(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n){0,8}\r\n([^\r\n]{1,256})\r\n/im;
/**
 * After so many pieces, the text is searched again only once it has grown by GROWTH: a client may
 * send it byte by byte.
 */
const MAX_SEARCHED_PIECES = 32;
const GROWTH = 1.25;

export interface PeekedForm {
  /** The field `model`; undefined if it does not come within the first 64 KiB. */
  readonly model: string | undefined;
  /** The whole form. Destroying it destroys the form that was read. */
  readonly content: Readable;
}

/** Reads the field `model` of a form in multipart/form-data, as far as it arrives early. */
export async function peekMultipartModel(form: Readable): Promise<PeekedForm> {
  const rest: AsyncIterator<Buffer> = form[Symbol.asyncIterator]();
  const pieces: Buffer[] = [];
  let bytes = 0;
  let nextSearchBytes = 0;
  let model: string | undefined;
  let isEnded = false;
  while (model === undefined && !isEnded && bytes < MAX_PEEKED_BYTES) {
    const next = await rest.next();
    isEnded = next.done === true;
    if (next.done !== true) {
      pieces.push(next.value);
      bytes += next.value.byteLength;
    }
    if (!isEnded && bytes < Math.min(nextSearchBytes, MAX_PEEKED_BYTES)) continue;
    nextSearchBytes = pieces.length < MAX_SEARCHED_PIECES ? 0 : bytes * GROWTH;
    const found = MODEL_FIELD.exec(Buffer.concat(pieces).toString('latin1'))?.[1];
    if (found !== undefined) model = Buffer.from(found, 'latin1').toString();
  }
  return { model, content: Readable.from(joined(Buffer.concat(pieces), rest)) };
}

async function* joined(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  try {
    if (start.byteLength > 0) yield start;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
