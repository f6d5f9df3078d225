import { useEffect, useState } from 'react';
import { whenIdle } from '#lib/browser/when-idle';

const PATIENCE_MS = 400;

let isOver = false;

/**
 * False while the page draws its first messages, and true from its first idle moment on, also for
 * what is mounted later. For what a reader needs after the messages.
 */
export function useAfterFirstView(): boolean {
  const [isAfter, setAfter] = useState(isOver);
  useEffect(() => {
    if (isAfter) return;
    return whenIdle(() => {
      isOver = true;
      setAfter(true);
    }, PATIENCE_MS);
  }, [isAfter]);
  return isAfter;
}
