const STAR = 0x2a;
/** Shorter beginnings of the token are sent at once: each token of a hub begins alike, and text ends so by chance. */
const MIN_HELD_BYTES = 4;

/**
 * Keeps the backend's token out of what a backend that repeats its request sends back: each occurrence becomes asterisks of
 * the same length, so that lengths, chunks and frames stay true.
 */
export class TokenMask {
  readonly #token: Buffer | undefined;
  readonly #text: string | undefined;

  constructor(token: string | undefined) {
    this.#token = token === undefined ? undefined : Buffer.from(token, 'latin1');
    this.#text = token;
  }

  text(value: string): string {
    return this.#text === undefined || value.length < this.#text.length || !value.includes(this.#text)
      ? value
      : value.replaceAll(this.#text, '*'.repeat(this.#text.length));
  }

  /** For one body. Undefined where there is no token. */
  body(): BodyMask | undefined {
    return this.#token === undefined ? undefined : new BodyMask(this.#token);
  }
}

/**
 * Masks a body that comes in chunks, also where the token is cut across them: what may be the token's beginning, from four bytes
 * on, waits for the chunk that decides it. Nothing else waits.
 */
export class BodyMask {
  readonly #token: Buffer;
  /** How many bytes of the token the body ended with so far, and how many of these were not sent yet. */
  #matched = 0;
  #held = 0;

  constructor(token: Buffer) {
    this.#token = token;
  }

  /** What can be sent of the body now; may be empty. `chunk` itself is not changed. */
  push(chunk: Buffer): Buffer {
    const token = this.#token;
    if (this.#matched === 0 && !this.#mayHold(chunk)) return chunk;
    const before = this.#matched;
    const sent = before - this.#held;
    const all = Buffer.concat([token.subarray(0, before), chunk]);
    for (let at = all.indexOf(token); at !== -1; at = all.indexOf(token, at + token.length))
      all.fill(STAR, at, at + token.length);
    this.#matched = prefixLengthAtEnd(all, token);
    this.#held = this.#matched >= MIN_HELD_BYTES ? this.#matched - Math.max(0, sent - (all.length - this.#matched)) : 0;
    return all.subarray(sent, all.length - this.#held);
  }

  /** What was still held when the body ended. */
  end(): Buffer {
    const rest = this.#token.subarray(this.#matched - this.#held, this.#matched);
    this.#matched = 0;
    this.#held = 0;
    return rest;
  }

  #mayHold(chunk: Buffer): boolean {
    return chunk.includes(this.#token) || prefixLengthAtEnd(chunk, this.#token) > 0;
  }
}

/** The length of the longest proper beginning of `token` that `bytes` end with. */
function prefixLengthAtEnd(bytes: Buffer, token: Buffer): number {
  const first = token[0] ?? 0;
  for (
    let at = bytes.indexOf(first, Math.max(0, bytes.length - token.length + 1));
    at !== -1;
    at = bytes.indexOf(first, at + 1)
  ) {
    const length = bytes.length - at;
    if (token.compare(bytes, at, bytes.length, 0, length) === 0) return length;
  }
  return 0;
}
