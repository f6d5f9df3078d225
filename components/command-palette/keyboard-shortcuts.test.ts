import { expect, it } from 'vitest';
import { keyName, SHORTCUTS, shortcutHint } from './keyboard-shortcuts.ts';

it('names the modifier key of the platform', () => {
  expect(keyName('Mod', 'MacIntel')).toBe('⌘');
  expect(keyName('Mod', 'Linux x86_64')).toBe('Ctrl');
  expect(keyName('K', 'MacIntel')).toBe('K');
});

it('writes a shortcut with the keys of the platform', () => {
  expect(shortcutHint('Mod+Enter', 'Linux x86_64')).toBe('Ctrl+Enter');
});

it('lists the keys of the playground', () => {
  const keys = SHORTCUTS.filter(({ where }) => where === 'Playground').map(({ keys }) => keys.join('+'));
  expect(keys).toEqual(['Mod+Enter', 'Esc+Tab', 'Mod+S', 'Mod+F']);
});
