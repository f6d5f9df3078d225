import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createElement, type FunctionComponent, type SVGProps } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';

const require = createRequire(import.meta.url);
const load: (source: string) => string = require('../../scripts/lucide-loader.cjs');
const modules = join(import.meta.dirname, '../../node_modules/lucide-react/dist/esm');

it('draws the same icon as lucide does', async () => {
  const { default: Original, __iconData: icon } = await import(pathToFileURL(join(modules, 'icons/x.mjs')).href);
  const directory = mkdtempSync(join(import.meta.dirname, '../../node_modules/.lucide-'));
  try {
    const file = join(directory, 'create.mjs');
    writeFileSync(file, load(readFileSync(join(modules, 'createLucideIcon.mjs'), 'utf8')));
    const { default: create } = await import(pathToFileURL(file).href);
    const draw = (component: FunctionComponent<SVGProps<SVGSVGElement>>) =>
      renderToStaticMarkup(createElement(component, { className: 'size-4', strokeWidth: 1.75, 'aria-hidden': true }));
    expect(draw(create(icon))).toBe(draw(Original));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it('fails where lucide reads otherwise', () => {
  expect(() => load('export default function other() {}')).toThrow('no longer has');
});
