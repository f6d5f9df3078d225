interface BufferSize {
  bytes: number;
  /** A read of less is not worth that all of the memory waits with it. */
  heldFromBytes: number;
}

const USUAL: BufferSize = { bytes: 64 * 1024, heldFromBytes: 32 * 1024 };
/** Fewer calls for the same bytes: what a call costs is more than what its bytes do. */
const LARGE: BufferSize = { bytes: 256 * 1024, heldFromBytes: 64 * 1024 };
/** At most so many of each size wait for their next use; what comes back beyond that is left to the garbage collector. */
const MAX_SPARE_BUFFERS = 16;
/** At most so many large ones there are, 16 MB of them: clients that do not read cannot make it more. */
const MOST_LARGE = 64;

/** Keeps the memory that a piece of an answer lies in. */
export interface BufferLease {
  /**
   * What was read is not read over before the returned function is called, which may be at any time, and not more than once. Undefined where
   * there is too little of it for that: who needs it for longer copies it.
   */
  retain(): (() => void) | undefined;
}

/**
 * What connections read into. A connection reads into the same one over and over, unless somebody holds what was read: then it is theirs
 * until all of them are done, and the connection goes on with another one. Answers that fill one get a large one.
 */
export class ReadBufferPool {
  readonly #usual: ReadBuffer[] = [];
  readonly #large: ReadBuffer[] = [];
  #livingLarge = 0;
  // Whoever holds one may be gone without a word, as a client is whose answer had not begun.
  readonly #collected = new FinalizationRegistry(() => {
    this.#livingLarge -= 1;
  });

  acquire(): ReadBuffer {
    return this.#takeUsual();
  }

  /** What to read into behind `buffer`, from which all was taken that was not held. `goesOn`: for the same answer. */
  next(buffer: ReadBuffer, goesOn: boolean): ReadBuffer {
    const wantsLarge = goesOn && buffer.wantsLarge;
    if (!buffer.isRetained && buffer.isLarge === wantsLarge) return buffer;
    const next = wantsLarge ? this.#takeLarge() : this.#takeUsual();
    buffer.detach(this.#giveBack);
    return next;
  }

  #takeUsual(): ReadBuffer {
    return this.#usual.pop()?.attach() ?? new ReadBuffer(USUAL);
  }

  #takeLarge(): ReadBuffer {
    const spare = this.#large.pop()?.attach();
    if (spare !== undefined) return spare;
    if (this.#livingLarge >= MOST_LARGE) return this.#takeUsual();
    this.#livingLarge += 1;
    const made = new ReadBuffer(LARGE);
    this.#collected.register(made, undefined);
    return made;
  }

  readonly #giveBack = (buffer: ReadBuffer): void => {
    const spare = buffer.isLarge ? this.#large : this.#usual;
    if (spare.length < MAX_SPARE_BUFFERS) spare.push(buffer);
  };
}

/** One of them. */
export class ReadBuffer implements BufferLease {
  readonly bytes: Buffer;
  readonly #size: BufferSize;
  #readBytes = 0;
  #holders = 0;
  /** Once no connection reads into it any more. */
  #onFree: ((buffer: ReadBuffer) => void) | undefined;

  constructor(size: BufferSize) {
    this.#size = size;
    this.bytes = Buffer.allocUnsafeSlow(size.bytes);
  }

  get isLarge(): boolean {
    return this.#size === LARGE;
  }

  get isRetained(): boolean {
    return this.#holders > 0;
  }

  /** Whether as much came last that more can be expected. */
  get wantsLarge(): boolean {
    return this.#readBytes >= (this.isLarge ? this.#size.heldFromBytes : this.#size.bytes);
  }

  /** So many bytes were read into it, from its beginning. */
  setReadBytes(length: number): void {
    this.#readBytes = length;
  }

  retain(): (() => void) | undefined {
    if (this.#readBytes < this.#size.heldFromBytes) return undefined;
    this.#holders += 1;
    return this.#release;
  }

  /** A connection reads into it. */
  attach(): this {
    this.#onFree = undefined;
    this.#readBytes = 0;
    return this;
  }

  /** No connection reads into it any more: `onFree` is called when nobody holds it, perhaps at once. */
  detach(onFree: (buffer: ReadBuffer) => void): void {
    this.#onFree = onFree;
    if (!this.isRetained) onFree(this);
  }

  readonly #release = (): void => {
    this.#holders -= 1;
    if (!this.isRetained) this.#onFree?.(this);
  };
}

/** All connections share them: what one answer is done with serves the next, wherever it comes from. */
export const readBufferPool = new ReadBufferPool();
