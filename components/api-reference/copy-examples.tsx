'use client';

import { useEffect } from 'react';
import { COPIED_MS, COPY_WORDS, copyText } from '#lib/browser/clipboard';

interface CopyExamplesProps {
  /** The ids of the two drawings that a button shows. */
  copyIcon: string;
  checkIcon: string;
}

/** Makes the copy buttons of all examples work, which are plain HTML, by one listener. */
export function CopyExamples({ copyIcon, checkIcon }: CopyExamplesProps) {
  useEffect(() => {
    const label = (button: Element, words: string, isCopied: boolean) => {
      button.setAttribute('aria-label', words);
      button.setAttribute('data-tip', words);
      button.toggleAttribute('data-copied', isCopied);
      button.querySelector('use')?.setAttribute('href', `#${isCopied ? checkIcon : copyIcon}`);
    };
    const onClick = async ({ target }: MouseEvent) => {
      const button = target instanceof Element ? target.closest('button[data-copy]') : null;
      const text = button?.parentElement?.querySelector('pre')?.textContent;
      const words = button?.getAttribute('data-copy');
      if (button == null || text == null || words == null) return;
      const outcome = await copyText(text).then(
        () => 'copied' as const,
        () => 'failed' as const,
      );
      label(button, COPY_WORDS[outcome], outcome === 'copied');
      setTimeout(() => label(button, words, false), COPIED_MS);
    };
    document.addEventListener('click', onClick);
    return () => document.removeEventListener('click', onClick);
  }, [copyIcon, checkIcon]);
  return null;
}
