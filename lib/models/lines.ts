import { Fault } from '#lib/fault';

/** What a model server may send to be parsed as a whole: above the longest line that one is known to send (8 MB). */
export const MAX_LINE_CHARACTERS = 10 * 1024 * 1024;

/** Decodes UTF-8 whose characters may be cut anywhere. Linear in the bytes, whatever the chunks are. */
export async function* decodeText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== '') yield text;
  }
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

/** Lines of a text that comes in pieces, without their ends; blank ones are left out. The last needs no newline. */
export async function* splitLines(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let parts: string[] = [];
  let length = 0;
  for await (const text of texts) {
    let from = 0;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      parts.push(text.slice(from, at));
      const line = parts.join('').trim();
      parts = [];
      length = 0;
      from = at + 1;
      if (line !== '') yield line;
    }
    if (from < text.length) {
      parts.push(text.slice(from));
      length += text.length - from;
      if (length > MAX_LINE_CHARACTERS)
        throw new Fault('upstream_failed', 'The model server sent a line that does not end.');
    }
  }
  const line = parts.join('').trim();
  if (line !== '') yield line;
}
