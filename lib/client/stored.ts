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
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

export function writeStored(key: string, value: string): void {
  memory.set(key, value);
  try {
    if (value === '') localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Full, or forbidden: `memory` has it.
  }
  for (const listener of listeners) listener();
}

/** Empty while the server renders, and where nothing was stored. */
export function useStored(key: string): [value: string, set: (value: string) => void] {
  const value = useSyncExternalStore(
    subscribe,
    () => readStored(key),
    () => '',
  );
  const set = useCallback((next: string) => writeStored(key, next), [key]);
  return [value, set];
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
