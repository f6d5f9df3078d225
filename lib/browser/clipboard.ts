import { BROWSER_STRINGS } from './strings.ts';

/** How long a button shows the outcome. */
export const COPIED_MS = 1_600;
export const COPY_LABELS = { copied: BROWSER_STRINGS.copied, failed: BROWSER_STRINGS.copyRefused } as const;

/**
 * Copies text to the clipboard. Call it while a click or a key press is handled.
 *
 *  Pages over plain http have no `navigator.clipboard` unless the host is local. Without it, or if
 * the browser refuses, a selection is copied by command. Rejects if that fails too.
 */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch {
      // The command may still be allowed.
    }
  }
  if (!copyBySelection(text)) throw new Error('the browser does not let this page copy');
}

/** Restores the focus and the selection of the page. */
function copyBySelection(text: string): boolean {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
  const selection = document.getSelection();
  const ranges = Array.from({ length: selection?.rangeCount ?? 0 }, (_, index) => selection?.getRangeAt(index));
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.setAttribute('aria-hidden', 'true');
  field.tabIndex = -1;
  field.style.cssText =
    'position:fixed;inset-block-start:0;inset-inline-start:0;inline-size:1px;block-size:1px;opacity:0;white-space:pre';
  // An open dialog keeps the focus within itself.
  const parent = focused?.closest('dialog, [role="dialog"], [role="menu"]') ?? document.body;
  parent.append(field);
  try {
    field.focus({ preventScroll: true });
    field.select();
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    field.remove();
    selection?.removeAllRanges();
    for (const range of ranges) if (range !== undefined) selection?.addRange(range);
    focused?.focus({ preventScroll: true });
  }
}
