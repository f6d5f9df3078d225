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
  /** How long it is shown. 0 keeps it until it is closed. @default see `toastTimeoutMs` */
  timeoutMs?: number;
  /** A toast with the same id replaces the one that is shown. */
  id?: string;
}

const TEXT_MS = 6_000;
/**
 * WCAG 2.2.1 takes 20 s to be enough to act on a warning
 * (https://www.w3.org/WAI/WCAG22/Understanding/timing-adjustable).
 */
const ACTION_MS = 20_000;

/**
 * How long a toast is shown, in ms; 0 until it is closed. A button, such as an undo, is offered for
 * longer than a text. The time stands still under the pointer, under the focus, and while another
 * window is in front.
 */
export function toastTimeoutMs({ action, timeoutMs }: Pick<Toast, 'action' | 'timeoutMs'>): number {
  return timeoutMs ?? (action === undefined ? TEXT_MS : ACTION_MS);
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
