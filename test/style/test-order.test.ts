import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LONG_FILES, sortLongestFirst } from '../support/longest-first.ts';

it('lists each long test file once, and only files that exist', () => {
  expect(LONG_FILES.filter((file) => !existsSync(file))).toEqual([]);
  expect(new Set(LONG_FILES).size).toBe(LONG_FILES.length);
});

it('starts the long files first, and keeps the order of all others', () => {
  const others = ['lib/units.test.ts', 'app/a.test.ts', 'lib/b.test.ts'];
  const [longest = '', second = ''] = LONG_FILES;
  const files = [...others.slice(0, 2), second, ...others.slice(2), longest];
  expect(sortLongestFirst(files, (file) => file)).toEqual([longest, second, ...others]);
});
