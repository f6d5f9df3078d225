const MIN_SLOTS = 1_024;
/** More would make look-ups of absent keys slow. */
const MAX_LOAD = 0.75;
/** Marks a free slot. */
const FREE = 0;

/**
 * Says which keys may be stored: an open-addressing hash set of 32-bit hashes, 5 to 11 bytes a key.
 * A key that was not added is found once in thousands of times; a deletion may lose another key of
 * the same hash, as rarely.
 */
export class KeyFilter {
  #slots = new Uint32Array(MIN_SLOTS);
  #size = 0;

  /** Hashes that are held. */
  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  has(key: string): boolean {
    return this.#slots[this.#find(hashOf(key))] !== FREE;
  }

  add(key: string): void {
    if (this.#size + 1 > this.#slots.length * MAX_LOAD) this.#grow();
    const hash = hashOf(key);
    const slot = this.#find(hash);
    if (this.#slots[slot] !== FREE) return;
    this.#slots[slot] = hash;
    this.#size += 1;
  }

  delete(key: string): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let free = this.#find(hashOf(key));
    if (slots[free] === FREE) return;
    slots[free] = FREE;
    this.#size -= 1;
    // Moves those back that would not be found behind a free slot.
    for (let next = (free + 1) & mask; ; next = (next + 1) & mask) {
      const hash = slots[next] ?? FREE;
      if (hash === FREE) return;
      const home = hash & mask;
      if (((next - home) & mask) < ((next - free) & mask)) continue;
      slots[free] = hash;
      slots[next] = FREE;
      free = next;
    }
  }

  clear(): void {
    this.#slots = new Uint32Array(MIN_SLOTS);
    this.#size = 0;
  }

  /** The slot of a hash, or the free one in which it belongs. */
  #find(hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== FREE && slots[slot] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (const hash of old) if (hash !== FREE) this.#slots[this.#find(hash)] = hash;
  }
}

/** FNV-1a with 32 bits; never `FREE`. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  // Mixes the upper bits into those that choose the slot.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0 || 1;
}
