'use client';

import { useEffect } from 'react';
import { COPIED_MS, COPY_LABELS, copyText } from '#lib/browser/clipboard';

interface CopyExamplesProps {
  /** Ids of the two SVG symbols of a button. */
  copyIcon: string;
  checkIcon: string;
}

/** One delegated listener for the copy buttons of all examples, which are static HTML. */
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
