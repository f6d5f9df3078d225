interface StorageLimits {
  /** Entries that fit. A new one beyond them is refused as a full storage refuses it. */
  entries?: number;
  /** Characters that fit into one value. */
  characters?: number;
}

/** Web storage in memory, as a browser's `localStorage` or `sessionStorage`. */
export function webStorage({ entries = Infinity, characters = Infinity }: StorageLimits = {}): Storage {
  const texts = new Map<string, string>();
  return {
    get length() {
      return texts.size;
    },
    key: (index) => [...texts.keys()][index] ?? null,
    getItem: (key) => texts.get(key) ?? null,
    setItem(key, value) {
      if (value.length > characters || (!texts.has(key) && texts.size >= entries))
        throw new DOMException('full', 'QuotaExceededError');
      texts.set(key, value);
    },
    removeItem: (key) => void texts.delete(key),
    clear: () => texts.clear(),
  };
}
