import { useCallback, useSyncExternalStore } from 'react';

/**
 * A small text of this browser (a draft, the last chosen model), also where nothing can be stored: then it lasts as
 * long as the page.
 */
const memory = new Map<string, string>();
const listeners = new Set<() => void>();

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
  try {
    if (value === '') localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Full, or forbidden: `memory` has it.
  }
  hold(key, value);
}

/**
 * As `writeStored`, for what is being written in this tab: a reload finds this tab's own text, a new tab the newest of
 * all, and no tab takes away what another one wrote.
 */
export function writeDraft(key: string, value: string): void {
  if (value.length <= LARGE_CHARACTERS) {
    waiting.delete(key);
    storeDraft(key, value);
    return;
  }
  hold(key, value);
  if (waiting.size === 0) setTimeout(storeWaiting, STORED_AFTER_MS);
  waiting.add(key);
}

/** To store a text takes the time of its length, which nobody should wait for at each key. */
const LARGE_CHARACTERS = 16_384;
const STORED_AFTER_MS = 500;
/** The keys of large drafts that only `memory` has. */
const waiting = new Set<string>();

function storeWaiting(): void {
  for (const key of waiting) storeDraft(key, readStored(key));
  waiting.clear();
}

if (typeof window !== 'undefined') {
  addEventListener('pagehide', storeWaiting);
  document.addEventListener('visibilitychange', storeWaiting);
}

function storeDraft(key: string, value: string): void {
  let isNewest = true;
  try {
    isNewest = value !== '' || localStorage.getItem(key) === readStored(key);
    sessionStorage.setItem(key, value);
  } catch {
    // `memory` has it.
  }
  if (isNewest) writeStored(key, value);
  else hold(key, value);
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
