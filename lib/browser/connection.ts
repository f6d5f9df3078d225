import { useSyncExternalStore } from 'react';
import { API_BASE } from './endpoints.ts';

/**
 * Whether the server can be reached while the browser reports no network. A server on this machine
 * can be reached without one, so a request decides.
 */
let offline = false;
let checking: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

const CHECK_EVERY_MS = 5_000;
const CHECK_TIMEOUT_MS = 3_000;

export const isOffline = (): boolean => offline;

/**
 * Calls `listener` when the connection was lost or is back. Returns the function that ends this.
 */
export function onConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useIsOffline(): boolean {
  return useSyncExternalStore(onConnection, isOffline, () => false);
}

async function check(): Promise<void> {
  clearTimeout(checking);
  if (navigator.onLine) return set(false);
  // Repeated: a server may begin to respond while the network stays away.
  checking = setTimeout(() => void check(), CHECK_EVERY_MS);
  const isReachable = await fetch(`${API_BASE}/api/models`, {
    cache: 'no-store',
    signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
  }).then(
    () => true,
    () => false,
  );
  set(!navigator.onLine && !isReachable);
}

function set(next: boolean): void {
  if (next === offline) return;
  offline = next;
  for (const listener of listeners) listener();
}

if (typeof window !== 'undefined') {
  addEventListener('online', () => void check());
  addEventListener('offline', () => void check());
  if (!navigator.onLine) void check();
}
