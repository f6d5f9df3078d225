/** Too low for a keyboard, a bar and text. */
const LOW_SCREEN_PX = 480;
/** What is left next to a keyboard is low: the page gives way to the text. */
const LOW_REST_PX = 560;

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
  /** The device has no mouse. */
  isTouch: boolean;
}

/**
 * Whether an on-screen keyboard is up: a text field has the focus, and much less than the whole
 * height is visible. On a low screen the focus is enough: the whole height was never visible if the
 * device was turned with its keyboard up.
 */
export function isKeyboardUp({ height, fullHeight, focused, isTouch }: KeyboardState): boolean {
  const isCovered = fullHeight - height > LEAST_KEYBOARD_PX || (isTouch && height < LOW_SCREEN_PX);
  return isCovered && focused !== null && takesText(focused);
}

/** The value of `data-keyboard`: `low` if little is left of the height. */
export function keyboardMark(state: KeyboardState): 'low' | 'up' | undefined {
  if (!isKeyboardUp(state)) return undefined;
  return state.height < LOW_REST_PX ? 'low' : 'up';
}

function takesText(element: FocusedElement): boolean {
  const name = element.tagName.toLowerCase();
  if (name === 'input') return !NO_KEYBOARD.has(element.getAttribute('type') ?? 'text');
  return name === 'textarea' || element.getAttribute('contenteditable') === 'true';
}
