/** Lower than any keyboard, and more than an address bar that appears. */
const LEAST_KEYBOARD_PX = 130;

const NO_KEYBOARD = new Set(['button', 'checkbox', 'color', 'file', 'image', 'radio', 'range', 'reset', 'submit']);

type FocusedElement = Pick<Element, 'tagName' | 'getAttribute'>;

interface KeyboardState {
  /** Height that is visible now, in CSS pixels without zoom. */
  height: number;
  /** Largest height that was visible at this width. */
  fullHeight: number;
  focused: FocusedElement | null;
}

/**
 * Whether an on-screen keyboard is up: a text field has the focus, and much less than the whole
 * height is visible.
 */
export function isKeyboardUp({ height, fullHeight, focused }: KeyboardState): boolean {
  return fullHeight - height > LEAST_KEYBOARD_PX && focused !== null && takesText(focused);
}

function takesText(element: FocusedElement): boolean {
  const name = element.tagName.toLowerCase();
  if (name === 'input') return !NO_KEYBOARD.has(element.getAttribute('type') ?? 'text');
  return name === 'textarea' || element.getAttribute('contenteditable') === 'true';
}
