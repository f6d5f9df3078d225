'use client';

import { useEffect } from 'react';
import { COPIED_MS, COPY_LABELS, copyText } from '#lib/browser/clipboard';

interface CopyExamplesProps {
  /** The ids of the two drawings that a button shows. */
  copyIcon: string;
  checkIcon: string;
}

/** Makes the copy buttons of all examples work, which are plain HTML, by one listener. */
export function CopyExamples({ copyIcon, checkIcon }: CopyExamplesProps) {
  useEffect(() => {
    const setLabel = (button: Element, text: string, isCopied: boolean) => {
      button.setAttribute('aria-label', text);
      button.setAttribute('data-tip', text);
      button.toggleAttribute('data-copied', isCopied);
      button.querySelector('use')?.setAttribute('href', `#${isCopied ? checkIcon : copyIcon}`);
    };
    const onClick = async ({ target }: MouseEvent) => {
      const button = target instanceof Element ? target.closest('button[data-copy]') : null;
      const text = button?.parentElement?.querySelector('pre')?.textContent;
      const idleLabel = button?.getAttribute('data-copy');
      if (button == null || text == null || idleLabel == null) return;
      const outcome = await copyText(text).then(
        () => 'copied' as const,
        () => 'failed' as const,
      );
      setLabel(button, COPY_LABELS[outcome], outcome === 'copied');
      setTimeout(() => setLabel(button, idleLabel, false), COPIED_MS);
    };
    document.addEventListener('click', onClick);
    return () => document.removeEventListener('click', onClick);
  }, [copyIcon, checkIcon]);
  return null;
}
