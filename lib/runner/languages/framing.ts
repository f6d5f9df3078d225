import type { Given } from '#lib/runner/languages/language';

/** How a process that waits is told things: byte strings, each after its length as four bytes, the highest first. */

/** A number of files, each a name and its content. */
export function filesOf(files: Given['files']): Uint8Array[] {
  return [length(files.length), ...files.flatMap(({ name, content }) => [...part(name), ...part(content)])];
}

/** A number of texts, and then those. */
export function texts(words: readonly string[]): Uint8Array[] {
  return [length(words.length), ...words.flatMap(part)];
}

export function part(content: Uint8Array | string): Uint8Array[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return [length(bytes.byteLength), bytes];
}

export function length(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
