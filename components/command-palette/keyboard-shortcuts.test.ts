import { expect, it } from 'vitest';
import { keyName } from './keyboard-shortcuts.ts';

it('names the key of this machine', () => {
  expect(keyName('Mod', 'MacIntel')).toBe('⌘');
  expect(keyName('Mod', 'Linux x86_64')).toBe('Ctrl');
  expect(keyName('K', 'MacIntel')).toBe('K');
});
