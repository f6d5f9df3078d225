import { StringDecoder } from 'node:string_decoder';

/**
 * One output stream of a program: decodes UTF-8 that may be cut anywhere (what is not UTF-8 becomes U+FFFD), keeps at most
 * `limitBytes` of it as UTF-8, cut on a character boundary, and holds no more memory than that.
 */
export class BoundedOutput {
  readonly #decoder = new StringDecoder('utf8');
  readonly #limitBytes: number;
  readonly #onText: (text: string) => void;
  #text = '';
  #bytes = 0;
  #overflowed = false;

  constructor(limitBytes: number, onText: (text: string) => void = () => {}) {
    this.#limitBytes = limitBytes;
    this.#onText = onText;
  }

  /** What was kept so far. */
  get text(): string {
    return this.#text;
  }

  /** Whether the program wrote more than the bound. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Takes a chunk; false once the bound was passed, and then for ever. */
  write(chunk: Buffer): boolean {
    if (this.#overflowed) return false;
    // A chunk can be far above the bound, and need not be decoded to its end to know that.
    const room = this.#limitBytes - this.#bytes;
    const plenty = chunk.byteLength > room + MAX_CHARACTER_BYTES;
    this.#append(this.#decoder.write(plenty ? chunk.subarray(0, room + MAX_CHARACTER_BYTES) : chunk));
    if (plenty) this.#overflowed = true;
    return !this.#overflowed;
  }

  /** The program closed the stream: half a character at the end becomes U+FFFD. */
  end(): void {
    const rest = this.#decoder.end();
    if (!this.#overflowed) this.#append(rest);
  }

  #append(decoded: string): void {
    if (decoded === '') return;
    const room = this.#limitBytes - this.#bytes;
    const size = Buffer.byteLength(decoded);
    const kept = size <= room ? decoded : truncateToBytes(decoded, room);
    if (size > room) this.#overflowed = true;
    this.#bytes += size <= room ? size : Buffer.byteLength(kept);
    this.#text += kept;
    if (kept !== '') this.#onText(kept);
  }
}

const MAX_CHARACTER_BYTES = 4;

/** The longest start of `text` that is at most `limitBytes` long as UTF-8 and ends with a whole character. */
export function truncateToBytes(text: string, limitBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= limitBytes) return text;
  let end = Math.max(0, limitBytes);
  while (end > 0 && isContinuationByte(bytes[end])) end -= 1;
  return bytes.toString('utf8', 0, end);
}

function isContinuationByte(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
