import { useSyncExternalStore } from 'react';

/** Whether the reader's main pointer is a mouse or a pen, as in Tailwind's `pointer-fine`. */
export function useFinePointer(): boolean {
  return useSyncExternalStore(subscribe, isFine, () => false);
}

let query: MediaQueryList | undefined;

function fineQuery(): MediaQueryList {
  query ??= matchMedia('(pointer: fine)');
  return query;
}

const isFine = () => fineQuery().matches;

function subscribe(listener: () => void): () => void {
  const shared = fineQuery();
  shared.addEventListener('change', listener);
  return () => shared.removeEventListener('change', listener);
}
