import type { WarmInput } from '#lib/languages/language';

/** How a process that waits is told things: byte strings, each after its length as four bytes, the highest first. */

/** A number of files, each a name and its content. */
export function encodeFiles(files: WarmInput['files']): Uint8Array[] {
  return [
    encodeLength(files.length),
    ...files.flatMap(({ name, content }) => [...encodeBytes(name), ...encodeBytes(content)]),
  ];
}

/** A number of texts, and then those. */
export function encodeTexts(words: readonly string[]): Uint8Array[] {
  return [encodeLength(words.length), ...words.flatMap(encodeBytes)];
}

export function encodeBytes(content: Uint8Array | string): Uint8Array[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return [encodeLength(bytes.byteLength), bytes];
}

export function encodeLength(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
