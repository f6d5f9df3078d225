import { useCallback, useSyncExternalStore } from 'react';

/**
 * A small text of this browser (a draft, the last chosen model), also where nothing can be stored:
 * then it lasts as long as the page.
 */
const memory = new Map<string, string>();
const listeners = new Set<() => void>();
/**
 * The texts that this tab last read from or wrote to `localStorage`. A text in `memory` may be
 * newer: large ones are stored later.
 */
const lastStored = new Map<string, string>();

export function readStored(key: string): string {
  const held = memory.get(key);
  if (held !== undefined) return held;
  try {
    return sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

export function writeStored(key: string, value: string): void {
  hold(key, value);
  store(key, value, storeForAll);
}

/**
 * As `writeStored`, for what is being written in this tab: a reload finds this tab's own text, a
 * new tab the newest of all, and no tab takes away what another one wrote.
 */
export function writeDraft(key: string, value: string): void {
  if (!lastStored.has(key)) lastStored.set(key, readStored(key));
  hold(key, value);
  store(key, value, () => {
    let isNewest = true;
    try {
      isNewest = value !== '' || localStorage.getItem(key) === lastStored.get(key);
      sessionStorage.setItem(key, value);
    } catch {
      // `memory` has it.
    }
    if (isNewest) storeForAll(key, value);
  });
}

function storeForAll(key: string, value: string): void {
  try {
    if (value === '') localStorage.removeItem(key);
    else localStorage.setItem(key, value);
    lastStored.set(key, value);
  } catch {
    // Full, or forbidden: `memory` has it.
  }
}

/** Storing takes time by a text's length. A large one is stored after a pause, not at each key. */
const LARGE_CHARACTERS = 16_384;
const STORED_AFTER_MS = 500;
/** How to store the large texts that only `memory` has yet. */
const waiting = new Map<string, () => void>();

function store(key: string, value: string, now: (key: string, value: string) => void): void {
  if (value.length <= LARGE_CHARACTERS) {
    waiting.delete(key);
    now(key, value);
  } else {
    if (waiting.size === 0) setTimeout(storeWaiting, STORED_AFTER_MS);
    waiting.set(key, () => now(key, value));
  }
}

function storeWaiting(): void {
  for (const storeNow of waiting.values()) storeNow();
  waiting.clear();
}

if (typeof window !== 'undefined') {
  addEventListener('pagehide', storeWaiting);
  document.addEventListener('visibilitychange', storeWaiting);
}

/** Empty while the server renders, and where nothing was stored. */
export function useStored(key: string, write = writeStored): [value: string, set: (value: string) => void] {
  const value = useSyncExternalStore(
    subscribe,
    () => readStored(key),
    () => '',
  );
  const set = useCallback((next: string) => write(key, next), [key, write]);
  return [value, set];
}

function hold(key: string, value: string): void {
  memory.set(key, value);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
