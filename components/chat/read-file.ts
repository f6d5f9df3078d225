import type { Attachment } from './history-db.ts';
import { isImageFile } from './images.ts';
import { readImage } from './read-image.ts';
import { readTextFile } from './read-text-file.ts';

/** Reads a file as an attachment. Throws an `Error` whose message is shown to the reader. */
export function readFile(file: File): Promise<Attachment> {
  return isImageFile(file) ? readImage(file) : readTextFile(file);
}
