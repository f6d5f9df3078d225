import { expect, it } from 'vitest';
import { keyName } from './keyboard-shortcuts.ts';

it('names the modifier key of the platform', () => {
  expect(keyName('Mod', 'MacIntel')).toBe('⌘');
  expect(keyName('Mod', 'Linux x86_64')).toBe('Ctrl');
  expect(keyName('K', 'MacIntel')).toBe('K');
});
