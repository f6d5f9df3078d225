import { MIB } from '#lib/units';

/** Enough for the bodies that arrive at the same time from fast clients. */
const MAX_SPARES = 4;
const MAX_SPARE_BYTES = MIB;

/**
 * Buffers that were used and will be used again. Allocating one of several hundred KiB costs more
 * than filling it, and garbage collection runs for each few of them.
 */
export class SpareBuffers {
  readonly #minBytes: number;
  readonly #spares: ArrayBuffer[] = [];
  /** What may be recycled, once. */
  readonly #owned = new WeakSet<ArrayBufferLike>();

  /** Smaller buffers are cheap to allocate. */
  constructor(minBytes: number) {
    this.#minBytes = minBytes;
  }

  get count(): number {
    return this.#spares.length;
  }

  /** A buffer of at least so many bytes, with the content of an earlier use. */
  take(bytes: number): Buffer<ArrayBuffer> | undefined {
    if (bytes <= this.#minBytes) return undefined;
    const at = this.#spares.findIndex((spare) => spare.byteLength >= bytes);
    if (at === -1) return undefined;
    const [spare] = this.#spares.splice(at, 1);
    return spare && Buffer.from(spare);
  }

  /** Allows that `memory`, which no other part of the program refers to, is recycled. */
  own(memory: ArrayBufferLike): void {
    this.#owned.add(memory);
  }

  /** Keeps `memory` for `take`, if it is owned and there are few. */
  recycle(memory: ArrayBufferLike): void {
    if (!this.#owned.delete(memory) || !(memory instanceof ArrayBuffer)) return;
    if (memory.byteLength <= this.#minBytes || memory.byteLength > MAX_SPARE_BYTES) return;
    this.#spares.push(memory);
    // The largest ones serve every body.
    this.#spares.sort((a, b) => a.byteLength - b.byteLength);
    if (this.#spares.length > MAX_SPARES) this.#spares.shift();
  }
}
