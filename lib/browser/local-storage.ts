import { useCallback, useSyncExternalStore } from 'react';

/** Fallback for browsers without storage: texts then last as long as the page. */
const memory = new Map<string, string>();
const listeners = new Set<() => void>();
/**
 * The texts that this tab last read from or wrote to `localStorage`. `memory` may be newer,
 * because large texts are stored later.
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

/** The newest text of all tabs. Read it before a change of a part: another tab may have written. */
export function readShared(key: string): string {
  const held = memory.get(key);
  if (held !== undefined) return held;
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

/** Writes at once, and shows in all tabs. */
export function writeShared(key: string, value: string): void {
  try {
    if (value === '') localStorage.removeItem(key);
    else localStorage.setItem(key, value);
    memory.delete(key);
  } catch {
    // Storage is full or forbidden.
    memory.set(key, value);
  }
  notify();
}

/** Only this tab's text: another tab's is offered by `storedDraft`. */
export function readDraft(key: string): string {
  const held = memory.get(key);
  if (held !== undefined) return held;
  try {
    return sessionStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

/**
 * Writes a text that is being edited in this tab, which `page` identifies. A reload finds this
 * tab's text, and no tab overwrites another's.
 */
export function writeDraft(key: string, value: string, page = ''): void {
  if (!lastStored.has(key)) lastStored.set(key, readDraft(key));
  hold(key, value);
  store(key, value, () => {
    let isNewest = true;
    try {
      isNewest = value !== '' || localStorage.getItem(key) === lastStored.get(key);
      sessionStorage.setItem(key, value);
    } catch {
      // `memory` has the text.
    }
    if (isNewest) storeForAll(key, value, page);
  });
}

/** The newest text of all tabs and the page that wrote it. */
interface StoredDraft {
  text: string;
  /** Empty for a text of an earlier version of the app. */
  page: string;
  /** True if this tab has its own text, even an empty one. */
  hasOwn: boolean;
}

export function storedDraft(key: string): StoredDraft | undefined {
  try {
    const text = localStorage.getItem(key);
    if (text === null) return undefined;
    const hasOwn = memory.has(key) || sessionStorage.getItem(key) !== null;
    return { text, page: localStorage.getItem(ownerKey(key)) ?? '', hasOwn };
  } catch {
    return undefined;
  }
}

/** Makes `page` the writer of the stored text: the page of this tab after a reload. */
export function claimDraft(key: string, page: string): void {
  try {
    localStorage.setItem(ownerKey(key), page);
    lastStored.set(key, localStorage.getItem(key) ?? '');
  } catch {
    // Storage is forbidden: no text was stored either.
  }
}

const ownerKey = (key: string) => `${key}:page`;

function storeForAll(key: string, value: string, page = ''): void {
  try {
    if (value === '') localStorage.removeItem(key);
    else localStorage.setItem(key, value);
    if (value !== '' && page !== '') localStorage.setItem(ownerKey(key), page);
    else localStorage.removeItem(ownerKey(key));
    lastStored.set(key, value);
  } catch {
    // Storage is full or forbidden; `memory` has the text.
  }
}

/** Storing costs time proportional to the length: large texts are stored after a pause. */
const LARGE_CHARACTERS = 16_384;
const STORED_AFTER_MS = 500;
/** Pending writes of large texts. */
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
  // Another tab wrote.
  addEventListener('storage', notify);
}

/** Empty during server rendering, and if nothing is stored. */
export function useStored(
  key: string,
  write = writeStored,
  read = readStored,
): [value: string, set: (value: string) => void] {
  const value = useSyncExternalStore(
    subscribe,
    () => read(key),
    () => '',
  );
  const set = useCallback((next: string) => write(key, next), [key, write]);
  return [value, set];
}

function hold(key: string, value: string): void {
  memory.set(key, value);
  notify();
}

function notify(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
