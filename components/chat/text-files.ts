import { codeFence } from '#lib/browser/code-fence';
import { newId } from '#lib/browser/new-id';
import { isRecord } from '#lib/browser/type-guards';
import { COMPOSER_STRINGS } from './strings/composer.ts';

/** A text that belongs to a question: a file, or a long paste. */
export interface ChatFile {
  /** The file name. */
  name: string;
  text: string;
}

/** A text file attached to the next question. Its `type` differs from that of an image. */
export interface AttachedFile extends ChatFile {
  id: string;
  type: 'text';
}

/** The most text files of one question. */
export const MAX_FILES = 16;
/** The server's limit for the text of a request (docs/contract.md#limits). */
export const MAX_TEXT_BYTES = 2 ** 20;
/** A longer paste becomes an attachment. */
const LONG_PASTE_CHARACTERS = 8_192;
/** Text without a place to break, for example base64: its layout takes quadratic time. */
const UNBROKEN = /[!-~]{4096}/;
/** The most that the message field holds: a key in a longer text takes too long to lay out. */
export const MAX_FIELD_CHARACTERS = 32_768;

/** Whether a pasted text becomes an attachment: a key in it would take too long to lay out. */
export function isLongPaste(text: string, fieldCharacters: number): boolean {
  if (text.length > LONG_PASTE_CHARACTERS || fieldCharacters + text.length > MAX_FIELD_CHARACTERS) return true;
  return UNBROKEN.test(text);
}

const encoder = new TextEncoder();

export function utf8Bytes(text: string): number {
  return encoder.encode(text).byteLength;
}

/** A final line break begins no further line. */
export function lineCount(text: string): number {
  let lines = text === '' || text.endsWith('\n') ? 0 : 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

export function attachedText(name: string, text: string): AttachedFile {
  return { id: newId(), type: 'text', name, text };
}

/** A name for a pasted text that `files` do not have. */
export function pastedTextName(files: readonly ChatFile[]): string {
  const { pastedText, anotherPastedText } = COMPOSER_STRINGS;
  const taken = new Set(files.map(({ name }) => name));
  if (!taken.has(pastedText)) return pastedText;
  for (let number = 2; ; number++) if (!taken.has(anotherPastedText(number))) return anotherPastedText(number);
}

/** The model reads the files of a question as named code blocks, then its text. */
export function contentWithFiles(content: string, files: readonly ChatFile[] = []): string {
  if (files.length === 0) return content;
  return [...files.map(codeBlock), content].filter((part) => part !== '').join('\n\n');
}

function codeBlock({ name, text }: ChatFile): string {
  const extension = /\.([a-z0-9]{1,12})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return `${name.replace(/\s+/g, ' ')}:\n${codeFence(extension, text)}`;
}

/** Validates a file of an imported question. */
export function isChatFile(value: unknown): value is ChatFile {
  return (
    isRecord(value) &&
    typeof value.name === 'string' &&
    value.name.length <= MAX_NAME_CHARACTERS &&
    typeof value.text === 'string' &&
    value.text.length <= MAX_TEXT_BYTES
  );
}

/** More than any file system allows. */
const MAX_NAME_CHARACTERS = 1_024;
