import { StringDecoder } from 'node:string_decoder';

/**
 * One output stream of a program. Decodes UTF-8 chunks that may be cut anywhere (invalid bytes
 * become U+FFFD), and keeps at most `limitBytes` of it as UTF-8, cut on a character boundary.
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

  get text(): string {
    return this.#text;
  }

  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Appends a chunk; returns false from when the bound was passed. */
  write(chunk: Buffer): boolean {
    if (this.#overflowed) return false;
    // A chunk far above the bound is decoded only as far as needed.
    const left = this.#limitBytes - this.#bytes;
    const isLarge = chunk.byteLength > left + MAX_CHARACTER_BYTES;
    this.#append(this.#decoder.write(isLarge ? chunk.subarray(0, left + MAX_CHARACTER_BYTES) : chunk));
    if (isLarge) this.#overflowed = true;
    return !this.#overflowed;
  }

  /** Ends the stream: a partial character at its end becomes U+FFFD. */
  end(): void {
    const rest = this.#decoder.end();
    if (!this.#overflowed) this.#append(rest);
  }

  #append(decoded: string): void {
    if (decoded === '') return;
    const left = this.#limitBytes - this.#bytes;
    const size = Buffer.byteLength(decoded);
    const kept = size <= left ? decoded : truncateToBytes(decoded, left);
    if (size > left) this.#overflowed = true;
    this.#bytes += size <= left ? size : Buffer.byteLength(kept);
    this.#text += kept;
    if (kept !== '') this.#onText(kept);
  }
}

const MAX_CHARACTER_BYTES = 4;

/** The longest prefix of whole characters that has at most `limitBytes` as UTF-8. */
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
