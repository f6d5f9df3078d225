import { Readable } from 'node:stream';
import { KIB } from '#lib/units';

/** How much of a form is searched. Fields behind a larger file are not found. */
const MAX_PEEKED_BYTES = 64 * KIB;
/** RFC 7578: the headers of a part, an empty line, and its value. */
const MODEL_FIELD =
  /content-disposition:[^\r\n]*;\s*name="?model"?(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{1,256})\r\n/i;

export interface PeekedForm {
  /** The field `model`; undefined if it does not come within the first 64 KiB. */
  readonly model: string | undefined;
  /** The whole form. Destroying it destroys the form that was read. */
  readonly content: Readable;
}

/** Reads the field `model` of a form in multipart/form-data, as far as it arrives early. */
export async function peekMultipartModel(form: Readable): Promise<PeekedForm> {
  const rest: AsyncIterator<Buffer> = form[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  let model: string | undefined;
  let isEnded = false;
  while (model === undefined && !isEnded && start.byteLength < MAX_PEEKED_BYTES) {
    const next = await rest.next();
    isEnded = next.done === true;
    if (next.done !== true) start = Buffer.concat([start, next.value]);
    const found = MODEL_FIELD.exec(start.toString('latin1'))?.[1];
    if (found !== undefined) model = Buffer.from(found, 'latin1').toString();
  }
  return { model, content: Readable.from(joined(start, rest)) };
}

async function* joined(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  try {
    if (start.byteLength > 0) yield start;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
