/**
 * Runs `action` once, after `ms` or when the page ends before. Returns the function that cancels
 * it. A page that the browser keeps may return with its undo.
 */
export function whenUndoEnds(
  action: () => void,
  ms: number,
  page: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> = globalThis,
): () => void {
  const cancel = () => {
    clearTimeout(timer);
    page.removeEventListener('pagehide', onHide);
  };
  const end = () => {
    cancel();
    action();
  };
  const onHide = (event: Event) => {
    if (!('persisted' in event && event.persisted === true)) end();
  };
  const timer = setTimeout(end, ms);
  page.addEventListener('pagehide', onHide);
  return cancel;
}
