const STAR = 0x2a;
/** A shorter prefix is sent at once: it is public (`hf_`), and text ends with it by chance. */
const MIN_HELD_BYTES = 4;

/**
 * Removes the backend's token from responses of a backend that echoes its request. Each occurrence
 * becomes asterisks of the same length, so that lengths, chunks and frames stay valid.
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

  /** The mask for one body; undefined without a token. */
  body(): BodyMask | undefined {
    return this.#token === undefined ? undefined : new BodyMask(this.#token);
  }
}

/**
 * Masks a body in chunks, also if the token is split across them. A chunk's end that may be the
 * start of the token, from `MIN_HELD_BYTES` on, is held until the next chunk decides it.
 */
export class BodyMask {
  readonly #token: Buffer;
  /** The length of the token's prefix that the body ends with so far. */
  #matched = 0;
  /** How many bytes of it are not sent yet. */
  #held = 0;

  constructor(token: Buffer) {
    this.#token = token;
  }

  /** Returns what can be sent now; may be empty. Does not change `chunk`. */
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

  /** Returns what is held at the end of the body. */
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

/** The length of the longest proper prefix of `token` that `bytes` ends with. */
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
