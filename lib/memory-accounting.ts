/** Bytes that are held in memory for someone, in all and by holder. Bounds nothing by itself. */
export class MemoryAccounting {
  readonly #byHolder = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  bytesOf(holder: string): number {
    return this.#byHolder.get(holder) ?? 0;
  }

  /** The holder of most; undefined if nothing is held. O(holders). */
  get largestHolder(): string | undefined {
    let largest: string | undefined;
    for (const [holder, bytes] of this.#byHolder)
      if (largest === undefined || bytes > this.bytesOf(largest)) largest = holder;
    return largest;
  }

  add(holder: string, bytes: number): void {
    this.#total += bytes;
    this.#byHolder.set(holder, this.bytesOf(holder) + bytes);
  }

  /** Releases what was taken before. A holder of nothing is forgotten. */
  release(holder: string, bytes: number): void {
    this.#total -= bytes;
    const left = this.bytesOf(holder) - bytes;
    if (left > 0) this.#byHolder.set(holder, left);
    else this.#byHolder.delete(holder);
  }
}
