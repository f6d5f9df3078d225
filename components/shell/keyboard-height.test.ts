import { expect, it } from 'vitest';
import { isKeyboardUp } from './keyboard-height.ts';

/** As much of an element as is read. */
function element(tagName: string, attributes: Record<string, string> = {}) {
  return { tagName, getAttribute: (name: string) => attributes[name] ?? null };
}

const LOW = { height: 420, fullHeight: 844 };

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
  expect(isKeyboardUp({ height: 740, fullHeight: 844, focused: element('TEXTAREA') })).toBe(false);
});
