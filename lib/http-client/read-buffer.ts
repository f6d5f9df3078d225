interface BufferSize {
  bytes: number;
  /** A smaller read is not worth retaining the whole buffer for. */
  minRetainedBytes: number;
}

const STANDARD_SIZE: BufferSize = { bytes: 64 * 1024, minRetainedBytes: 32 * 1024 };
/** No read is retained. */
const SHARED_SIZE: BufferSize = { bytes: 64 * 1024, minRetainedBytes: Number.POSITIVE_INFINITY };
/** Fewer reads for the same bytes. */
const LARGE_SIZE: BufferSize = { bytes: 256 * 1024, minRetainedBytes: 64 * 1024 };
/** Unused buffers that are kept, of each size. */
const MAX_SPARE_BUFFERS = 16;
/** Large buffers that exist, retained ones included: bounds what slow readers hold. */
const MAX_LARGE_BUFFERS = 64;

/** Keeps the memory of a chunk valid. */
export interface BufferLease {
  /**
   * Keeps the bytes of this read until the returned function is called, at most once. Returns
   * undefined if the read is too small: copy it instead.
   */
  retain(): (() => void) | undefined;
}

/**
 * A pool of buffers that connections read into. A connection reuses its buffer until a read is
 * retained. It then continues with another one, and the retained one returns to the pool with its
 * last release. A response that fills a buffer gets a large one.
 */
export class ReadBufferPool {
  readonly #standard: ReadBuffer[] = [];
  readonly #large: ReadBuffer[] = [];
  #largeCount = 0;
  // A client that disconnects early may never release its buffer.
  readonly #collected = new FinalizationRegistry(() => {
    this.#largeCount -= 1;
  });

  acquire(): ReadBuffer {
    return this.#acquireStandard();
  }

  /**
   * Returns the buffer for the next read, once all of `buffer` is processed or retained.
   * `isWithinResponse`: the next read is expected to belong to the same response.
   */
  next(buffer: ReadBuffer, isWithinResponse: boolean): ReadBuffer {
    const isLarge = isWithinResponse && buffer.wantsLarge;
    if (!buffer.isRetained && buffer.isLarge === isLarge) return buffer;
    const next = isLarge ? this.#acquireLarge() : this.#acquireStandard();
    buffer.detach(this.#recycle);
    return next;
  }

  #acquireStandard(): ReadBuffer {
    return this.#standard.pop()?.attach() ?? new ReadBuffer(STANDARD_SIZE);
  }

  #acquireLarge(): ReadBuffer {
    const spare = this.#large.pop()?.attach();
    if (spare !== undefined) return spare;
    if (this.#largeCount >= MAX_LARGE_BUFFERS) return this.#acquireStandard();
    this.#largeCount += 1;
    const created = new ReadBuffer(LARGE_SIZE);
    this.#collected.register(created, undefined);
    return created;
  }

  readonly #recycle = (buffer: ReadBuffer): void => {
    const spare = buffer.isLarge ? this.#large : this.#standard;
    if (spare.length < MAX_SPARE_BUFFERS) spare.push(buffer);
  };
}

export class ReadBuffer implements BufferLease {
  readonly bytes: Buffer;
  readonly #size: BufferSize;
  #readBytes = 0;
  #retainCount = 0;
  /** Set once no connection reads into the buffer any more. */
  #onFree: ((buffer: ReadBuffer) => void) | undefined;

  constructor(size: BufferSize) {
    this.#size = size;
    this.bytes = Buffer.allocUnsafeSlow(size.bytes);
  }

  get isLarge(): boolean {
    return this.#size === LARGE_SIZE;
  }

  get isRetained(): boolean {
    return this.#retainCount > 0;
  }

  /** Whether the last read was so large that more is to be expected. */
  get wantsLarge(): boolean {
    return this.#readBytes >= (this.isLarge ? this.#size.minRetainedBytes : this.#size.bytes);
  }

  /** A read has filled this many bytes from the start. */
  setReadBytes(length: number): void {
    this.#readBytes = length;
  }

  retain(): (() => void) | undefined {
    if (this.#readBytes < this.#size.minRetainedBytes) return undefined;
    this.#retainCount += 1;
    return this.#release;
  }

  /** A connection starts to read into the buffer. */
  attach(): this {
    this.#onFree = undefined;
    this.#readBytes = 0;
    return this;
  }

  /** The connection stops. Calls `onFree` once no read is retained, possibly at once. */
  detach(onFree: (buffer: ReadBuffer) => void): void {
    this.#onFree = onFree;
    if (!this.isRetained) onFree(this);
  }

  readonly #release = (): void => {
    this.#retainCount -= 1;
    if (!this.isRetained) this.#onFree?.(this);
  };
}

/** The buffer of connections whose handlers retain nothing. */
export const sharedReadBuffer = new ReadBuffer(SHARED_SIZE);

/** The buffers of all connections of the process. */
export const readBufferPool = new ReadBufferPool();
