import { expect, it } from 'vitest';
import { parseTheme } from './theme.ts';

it('accepts known themes and falls back to the system', () => {
  expect(parseTheme('dark')).toBe('dark');
  expect(parseTheme('"><script>')).toBe('system');
  expect(parseTheme(undefined)).toBe('system');
});
