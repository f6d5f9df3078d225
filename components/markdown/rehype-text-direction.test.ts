import { expect, it } from 'vitest';
import { rehypeTextDirection } from './rehype-text-direction.ts';

interface Tree {
  type: string;
  tagName?: string;
  value?: string;
  properties?: { dir?: string };
  children?: Tree[];
}

const text = (value: string): Tree => ({ type: 'text', value });
const element = (tagName: string, ...children: Tree[]): Tree => ({
  type: 'element',
  tagName,
  properties: {},
  children,
});

function directions({ tagName, properties, children = [] }: Tree): string[] {
  const own = properties?.dir === undefined ? [] : [`${tagName} ${properties.dir}`];
  return [...own, ...children.flatMap(directions)];
}

it('sets a direction only where it differs from the parent', () => {
  const tree: Tree = {
    type: 'root',
    children: [
      element('p', text('Left to right, with שלום in it.')),
      element('p', text('שלום, with English in it.')),
      element('blockquote', element('p', text('مرحبا')), element('p', text('English inside'))),
      element('ul', element('li', text('שלום')), element('li', text('English')), element('li', text('1, 2'))),
      element('p', element('code', text('print')), text(' שלום')),
      element('pre', element('code', text('שלום'))),
      element('p', text('1 + 1')),
    ],
  };
  rehypeTextDirection()(tree);
  expect(directions(tree)).toEqual(['p rtl', 'blockquote rtl', 'p ltr', 'ul rtl', 'li ltr', 'p rtl']);
});
