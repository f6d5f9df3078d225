import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { Markdown } from '#components/markdown/markdown';

const plain = (text: string) => renderToStaticMarkup(<Markdown text={text} streaming />);

it('shows a text in blocks of bounded length until the renderer is there', () => {
  expect(plain('**a** <b>')).toContain('>**a** &lt;b&gt;</div>');
  const html = plain('x'.repeat(100_000));
  const pieces = html.match(/x+/g) ?? [];
  expect(pieces.map(({ length }) => length)).toEqual([20_000, 20_000, 20_000, 20_000, 20_000]);
});
