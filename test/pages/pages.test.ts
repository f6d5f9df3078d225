import { globSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PAGE_PATHS } from '#lib/wire/page-paths';

it('the list of pages is that of the files', () => {
  const files = globSync('app/**/page.tsx').map((file) => `/${file.split('/').slice(1, -1).join('/')}`);
  expect([...PAGE_PATHS].sort()).toEqual(files.sort());
});
