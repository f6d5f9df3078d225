import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createElement, type FunctionComponent, type SVGProps } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';

const require = createRequire(import.meta.url);
const load: (source: string) => string = require('../../scripts/lucide-loader.cjs');
const modules = join(import.meta.dirname, '../../node_modules/lucide-react/dist/esm');

/** With two former names, and with data on several lines. */
const ICONS = ['x', 'triangle-exclamation-point', 'ellipsis', 'sun'];

it('draws the same icons as lucide does', async () => {
  const folder = mkdtempSync(join(import.meta.dirname, '../../node_modules/.lucide-'));
  const changed = (name: string) => {
    const source = load(readFileSync(join(modules, name), 'utf8'));
    writeFileSync(join(folder, name), source);
    return source;
  };
  const draw = async (file: string) => {
    const { default: icon }: { default: FunctionComponent<SVGProps<SVGSVGElement>> } = await import(
      pathToFileURL(file).href
    );
    // The names of classes may be fewer.
    const props = { className: 'size-4', strokeWidth: 1.75, 'aria-hidden': true };
    return renderToStaticMarkup(createElement(icon, props)).replace(/class="[^"]*"/, '');
  };
  try {
    mkdirSync(join(folder, 'icons'));
    changed('createLucideIcon.mjs');
    for (const name of ICONS) {
      const file = join('icons', `${name}.mjs`);
      expect(changed(file)).not.toMatch(/key:|aliases/);
      expect(await draw(join(folder, file))).toBe(await draw(join(modules, file)));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('fails where lucide reads otherwise', () => {
  expect(() => load('export default function other() {}')).toThrow('no longer has');
});
