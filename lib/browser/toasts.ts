/**
 * Short messages about something that has just happened, above the page. The component that draws
 * them is fetched with the first one.
 */

export interface Toast {
  /** One sentence. */
  text: string;
  kind?: 'info' | 'error';
  /** At most one button, which also closes the toast. */
  action?: { label: string; run: () => void };
  /** How long it is shown. 0 keeps it until it is closed. @default 6000 */
  timeoutMs?: number;
  /** A toast with the same id replaces the one that is shown. */
  id?: string;
}

type Listener = () => void;

let pending: readonly Toast[] = [];
const listeners = new Set<Listener>();

/** Shows a message. Screen readers announce it politely. */
export function showToast(toast: Toast): void {
  pending = [...pending, toast];
  for (const listener of listeners) listener();
}

/** The messages that are not drawn yet. Clears them. */
export function takeToasts(): readonly Toast[] {
  const taken = pending;
  pending = [];
  return taken;
}

export function hasToasts(): boolean {
  return pending.length > 0;
}

/** Calls `listener` for each new message. Returns the function that ends this. */
export function onToast(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
