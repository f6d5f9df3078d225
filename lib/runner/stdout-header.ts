/**
 * What an interpreter says on stdout before the program in it begins: four bytes of length, big endian, and so many bytes of what was
 * made of the program, none where there is nothing to be kept. What follows is the program's, whatever it looks like.
 */
export class StdoutHeader {
  readonly #keep: (content: Buffer) => void;
  readonly #take: (chunk: Buffer) => boolean;
  #held: Buffer | undefined = Buffer.alloc(0);

  /** `keep` is told of the content, unless it is empty, and `take` takes the program's own output. */
  constructor(keep: (content: Buffer) => void, take: (chunk: Buffer) => boolean) {
    this.#keep = keep;
    this.#take = take;
  }

  /** Takes a chunk; false where no more is wanted. */
  write(chunk: Buffer): boolean {
    if (this.#held === undefined) return this.#take(chunk);
    const held = Buffer.concat([this.#held, chunk]);
    this.#held = held;
    if (held.byteLength < LENGTH_BYTES) return true;
    const end = LENGTH_BYTES + held.readUInt32BE();
    if (end > LENGTH_BYTES + MAX_HEADER_BYTES) return false;
    if (held.byteLength < end) return true;
    this.#held = undefined;
    if (end > LENGTH_BYTES) this.#keep(held.subarray(LENGTH_BYTES, end));
    return held.byteLength === end || this.#take(held.subarray(end));
  }
}

const LENGTH_BYTES = 4;
/**
 * What may be kept of a program. An interpreter that has made more of it says that there is nothing
 * to be kept.
 */
export const MAX_HEADER_BYTES = 1024 * 1024 - LENGTH_BYTES;
