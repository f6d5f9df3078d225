import { expect, it } from 'vitest';
import { PAGE_PATHS } from '#lib/wire/page-paths';
import { SECTIONS, sectionsFor } from './sections.ts';

it('has a page for every section', () => {
  expect(SECTIONS.map(({ path }) => path).filter((path) => !PAGE_PATHS.has(path))).toEqual([]);
});

it('shows an administrator all sections, without accounts those that need none', () => {
  expect(sectionsFor({ role: 'admin', hasAccounts: true })).toEqual(SECTIONS);
  expect(sectionsFor({ role: 'admin', hasAccounts: false }).map(({ label }) => label)).toEqual([
    'Limits',
    'Usage',
    'Models',
    'Settings',
    'Audit log',
  ]);
});

it('shows a manager what belongs to a group, and a member nothing', () => {
  const paths = sectionsFor({ role: 'manager', hasAccounts: true }).map(({ path }) => path);
  expect(paths).toContain('/admin/people');
  expect(paths).not.toContain('/admin/settings');
  expect(sectionsFor({ role: 'member', hasAccounts: true })).toEqual([]);
});
