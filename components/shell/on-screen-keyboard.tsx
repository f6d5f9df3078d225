'use client';

import { useEffect } from 'react';
import { lazyCode } from '#lib/browser/loadable';

/** Only touch devices need it. */
const watch = lazyCode(() => import('./watch-keyboard.ts'));

/**
 * Marks the document with `data-keyboard` while an on-screen keyboard is up, so that bars make room
 * for the text (`keyboard:` in Tailwind). The value is `low` where little height is left. Renders
 * nothing.
 *
 * Chromium and Firefox shrink the layout viewport (`interactive-widget`). Safari shrinks the visual
 * viewport only, so the frame takes its height from there.
 */
export function OnScreenKeyboard() {
  useEffect(() => {
    const viewport = window.visualViewport;
    if (viewport === null || !matchMedia('(any-pointer: coarse)').matches) return;
    let isWanted = true;
    let end = () => {};
    watch.run(({ watchKeyboard }) => {
      if (isWanted) end = watchKeyboard(viewport);
    });
    return () => {
      isWanted = false;
      end();
    };
  }, []);
  return null;
}
