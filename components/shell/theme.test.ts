import { expect, it } from 'vitest';
import { parseTheme } from './theme.ts';

it('takes what it knows, and the machine’s own for the rest', () => {
  expect(parseTheme('dark')).toBe('dark');
  expect(parseTheme('"><script>')).toBe('system');
  expect(parseTheme(undefined)).toBe('system');
});
