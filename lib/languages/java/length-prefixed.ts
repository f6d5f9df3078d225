import type { WarmInput } from '#lib/languages/language';

/**
 * The messages to a warm JVM, which `MessageReader.java` reads: byte strings, each after its
 * length as four bytes, big endian.
 */

/** A number of files, each a name and its content. */
export function encodeFiles(files: WarmInput['files']): Uint8Array[] {
  return [
    encodeLength(files.length),
    ...files.flatMap(({ name, content }) => [...encodeBytes(name), ...encodeBytes(content)]),
  ];
}

/** A number of texts, and then those. */
export function encodeTexts(texts: readonly string[]): Uint8Array[] {
  return [encodeLength(texts.length), ...texts.flatMap(encodeBytes)];
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
