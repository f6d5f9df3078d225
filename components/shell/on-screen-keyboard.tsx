'use client';

import { useEffect } from 'react';
import { isKeyboardUp } from './keyboard-height.ts';

/**
 * Marks the document with `data-keyboard` while an on-screen keyboard is up, so that bars make room
 * for the text (`keyboard:` in Tailwind). Renders nothing.
 *
 * Chromium and Firefox shrink the layout viewport (`interactive-widget`). Safari shrinks the visual
 * viewport only, so the frame takes its height from there.
 */
export function OnScreenKeyboard() {
  useEffect(() => {
    const viewport = window.visualViewport;
    if (viewport === null || !matchMedia('(any-pointer: coarse)').matches) return;
    const root = document.documentElement;
    let width = 0;
    let fullHeight = 0;
    const look = () => {
      const height = viewport.height * viewport.scale;
      // A rotated device has another full height.
      if (Math.abs(viewport.width * viewport.scale - width) > 1) fullHeight = 0;
      width = viewport.width * viewport.scale;
      fullHeight = Math.max(fullHeight, height);
      const isUp = isKeyboardUp({ height, fullHeight, focused: document.activeElement });
      root.toggleAttribute('data-keyboard', isUp);
      const isCovered = isUp && viewport.scale === 1 && window.innerHeight - viewport.height > 1;
      if (isCovered) {
        root.style.setProperty('--frame-height', `${Math.round(viewport.height)}px`);
        window.scrollTo(0, 0);
      } else root.style.removeProperty('--frame-height');
    };
    look();
    const listening = new AbortController();
    const options = { signal: listening.signal };
    viewport.addEventListener('resize', look, options);
    document.addEventListener('focusin', look, options);
    // The focus has moved when the next task begins.
    document.addEventListener('focusout', () => setTimeout(look), options);
    return () => {
      listening.abort();
      root.removeAttribute('data-keyboard');
      root.style.removeProperty('--frame-height');
    };
  }, []);
  return null;
}
