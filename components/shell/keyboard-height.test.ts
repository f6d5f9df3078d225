import { expect, it } from 'vitest';
import { isKeyboardUp, keyboardMark } from './keyboard-height.ts';

/** As much of an element as is read. */
function element(tagName: string, attributes: Record<string, string> = {}) {
  return { tagName, getAttribute: (name: string) => attributes[name] ?? null };
}

const LOW = { height: 420, fullHeight: 844, isTouch: false };

it('sees a keyboard in a text field of a low window', () => {
  for (const focused of [
    element('TEXTAREA'),
    element('INPUT'),
    element('INPUT', { type: 'search' }),
    element('DIV', { contenteditable: 'true' }),
  ])
    expect(isKeyboardUp({ ...LOW, focused })).toBe(true);
});

it('sees none without a text field, and none while only the address bar takes space', () => {
  for (const focused of [null, element('BUTTON'), element('INPUT', { type: 'checkbox' }), element('DIV')])
    expect(isKeyboardUp({ ...LOW, focused })).toBe(false);
  expect(isKeyboardUp({ ...LOW, height: 740, focused: element('TEXTAREA') })).toBe(false);
});

it('takes a low touch screen for one with a keyboard, and a low window of a mouse not', () => {
  const turned = { height: 420, fullHeight: 420, focused: element('TEXTAREA') };
  expect(isKeyboardUp({ ...turned, isTouch: true })).toBe(true);
  expect(isKeyboardUp({ ...turned, isTouch: true, focused: element('BUTTON') })).toBe(false);
  expect(isKeyboardUp({ ...turned, isTouch: false })).toBe(false);
});

it('marks a phone as low, and a tablet next to its keyboard not', () => {
  const focused = element('TEXTAREA');
  expect(keyboardMark({ height: 420, fullHeight: 844, focused, isTouch: true })).toBe('low');
  expect(keyboardMark({ height: 720, fullHeight: 1180, focused, isTouch: true })).toBe('up');
  expect(keyboardMark({ height: 844, fullHeight: 844, focused, isTouch: true })).toBeUndefined();
});
