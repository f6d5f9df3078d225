import { expect, it } from 'vitest';
import { keyName, shortcutHint } from './keyboard-shortcuts.ts';

it('names the modifier key of the platform', () => {
  expect(keyName('Mod', 'MacIntel')).toBe('⌘');
  expect(keyName('Mod', 'Linux x86_64')).toBe('Ctrl');
  expect(keyName('K', 'MacIntel')).toBe('K');
});

it('writes a shortcut with the keys of the platform', () => {
  expect(shortcutHint('Mod+Enter', 'Linux x86_64')).toBe('Ctrl+Enter');
});
