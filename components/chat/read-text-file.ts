import { FILE_STRINGS } from './strings/files.ts';
import { type AttachedFile, attachedText, MAX_TEXT_BYTES } from './text-files.ts';

/**
 * Reads a file as text. Throws an `Error` whose message is shown to the reader. Accepted is what
 * decodes as UTF-8 without NUL characters, and UTF-16 with a byte order mark, as Windows writes it.
 */
export async function readTextFile(file: File): Promise<AttachedFile> {
  if (file.size > MAX_TEXT_BYTES) {
    const start = await bytesOf(file.slice(0, 4_096), file.name);
    // The end may be cut within a character, so `stream` accepts it.
    if (decodeText(start, true) === undefined) throw new Error(FILE_STRINGS.notText(file.name));
    throw new Error(FILE_STRINGS.fileTooLarge(file.name, file.size, MAX_TEXT_BYTES));
  }
  const text = decodeText(await bytesOf(file, file.name), false);
  if (text === undefined) throw new Error(FILE_STRINGS.notText(file.name));
  return attachedText(file.name, text.replaceAll('\r\n', '\n'));
}

async function bytesOf(blob: Blob, name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    // A folder, or a file that was deleted after it was chosen.
    throw new Error(FILE_STRINGS.unreadableFile(name));
  }
}

function decodeText(bytes: Uint8Array, stream: boolean): string | undefined {
  const [first, second] = bytes;
  const isLittleEndian = first === 0xff && second === 0xfe;
  const isBigEndian = first === 0xfe && second === 0xff;
  const label = isLittleEndian ? 'utf-16le' : isBigEndian ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(label, { fatal: true }).decode(bytes, { stream });
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
