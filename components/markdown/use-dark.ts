import { useSyncExternalStore } from 'react';

const QUERY = '(prefers-color-scheme: dark)';

/** Whether the page is dark, by choice or by the operating system. */
export function useDark(): boolean {
  return useSyncExternalStore(subscribe, isDark, () => false);
}

function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme === 'dark' || (theme !== 'light' && matchMedia(QUERY).matches);
}

function subscribe(listener: () => void): () => void {
  const machine = matchMedia(QUERY);
  machine.addEventListener('change', listener);
  const choice = new MutationObserver(listener);
  choice.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => {
    machine.removeEventListener('change', listener);
    choice.disconnect();
  };
}
