import { useSyncExternalStore } from 'react';
import { setCookie } from '#lib/browser/cookies';
import { parseTheme, THEME_COOKIE, type Theme } from './theme.ts';

const listeners = new Set<() => void>();

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  setCookie(THEME_COOKIE, theme);
  for (const listener of listeners) listener();
}

/** The current choice; `initial` is the server-rendered one. */
export function useTheme(initial: Theme): Theme {
  return useSyncExternalStore(
    subscribe,
    () => parseTheme(document.documentElement.dataset.theme),
    () => initial,
  );
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
