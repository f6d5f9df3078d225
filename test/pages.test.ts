import { globSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PAGES } from '#lib/wire/pages';

it('the list of pages is that of the files', () => {
  const files = globSync('app/**/page.tsx').map((file) => `/${file.split('/').slice(1, -1).join('/')}`);
  expect([...PAGES].sort()).toEqual(files.sort());
});
