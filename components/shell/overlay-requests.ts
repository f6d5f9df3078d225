/** The frame opens these over every page. The command palette listens. */
export type Overlay = 'commands' | 'shortcuts';

type Listener = (overlay: Overlay) => void;

const listeners = new Set<Listener>();

export function openOverlay(overlay: Overlay): void {
  for (const listener of listeners) listener(overlay);
}

/** Calls `listener` for each request. Returns the function that ends this. */
export function onOverlayRequest(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
