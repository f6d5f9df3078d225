import { keyboardMark } from './keyboard-height.ts';

/** Marks the document while an on-screen keyboard is up. Returns the function that ends this. */
export function watchKeyboard(viewport: VisualViewport): () => void {
  const root = document.documentElement;
  const touch = matchMedia('(pointer: coarse)');
  let width = 0;
  let fullHeight = 0;
  const look = () => {
    const height = viewport.height * viewport.scale;
    // A rotated device has another full height.
    if (Math.abs(viewport.width * viewport.scale - width) > 1) fullHeight = 0;
    width = viewport.width * viewport.scale;
    fullHeight = Math.max(fullHeight, height);
    const mark = keyboardMark({ height, fullHeight, focused: document.activeElement, isTouch: touch.matches });
    if (mark === undefined) root.removeAttribute('data-keyboard');
    else root.setAttribute('data-keyboard', mark);
    const isCovered = mark !== undefined && viewport.scale === 1 && window.innerHeight - viewport.height > 1;
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
}
