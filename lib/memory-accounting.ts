/** Counts bytes in memory, in total and per holder. Enforces no limit by itself. */
export class MemoryAccounting {
  readonly #byHolder = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  bytesOf(holder: string): number {
    return this.#byHolder.get(holder) ?? 0;
  }

  /** The holder with most bytes; undefined if all is released. O(holders). */
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

  /** Releases added bytes. A holder without bytes is removed. */
  release(holder: string, bytes: number): void {
    this.#total -= bytes;
    const left = this.bytesOf(holder) - bytes;
    if (left > 0) this.#byHolder.set(holder, left);
    else this.#byHolder.delete(holder);
  }
}
